"""What somebody makes who has some of an archive's secrets, and not its signing key."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from tests.support.key_ring import KeyRing
from vanvault.archiver.core.format.batches import columns_of, encode_batch
from vanvault.archiver.core.format.batches.schema import HEADER_KEY, PROOF_KEY, SCHEMAS
from vanvault.archiver.core.format.encrypted import ObjectKeys
from vanvault.archiver.core.format.segments import PartHeader
from vanvault.archiver.core.format.segments.part import write_part
from vanvault.archiver.core.model import BatchHeader, Entry
from vanvault.archiver.core.names import BatchKind, ObjectName
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles, SigningKeys

#: Length of FileCryptoMetaData before its key metadata: algorithm, file id, prefix flag.
_ALGORITHM = 15


@dataclass(frozen=True)
class Forger:
    """Masters of the archive (as many as the folder holds), and signing keys of his own."""

    ring: KeyRing

    @classmethod
    def with_masters_of(cls, home: Path, folder: Path, archive: str) -> Forger:
        """``folder``: a new one, for his keys."""
        SigningKeys.create(folder, SystemEntropy())
        for key in (home / "keys").glob("*.key"):
            shutil.copy(key, folder)
        return cls(KeyRing.over(folder, KeyFiles(folder, SystemEntropy()), archive))

    def batch(self, header: BatchHeader, entries: Sequence[Entry]) -> tuple[str, bytes]:
        """Key and bytes of a batch that is right but for the keys that signed it."""
        kind: BatchKind = header.kind  # type: ignore[assignment]
        place = (kind, header.writer, header.sequence)
        data = encode_batch(header, entries, self.ring.fresh_key(*place), self.ring.signer)
        return self.ring.key_of(data, *place), data


def under_data_key(
    genuine: bytes, data_key: bytes, header_text: bytes, proof: bytes, kind: str, entries: Sequence[Entry]
) -> bytes:
    """A batch that opens where ``genuine`` opens: its wrapped data key stands in front of other rows."""
    sink = pa.BufferOutputStream()
    properties = pe.create_encryption_properties(data_key)
    columns = columns_of(kind, entries)
    schema = SCHEMAS[kind]
    arrays: list[Any] = [pa.array(columns[field.name], field.type) for field in schema]
    with pq.ParquetWriter(sink, schema, store_schema=False, encryption_properties=properties) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=100)
        writer.add_key_value_metadata({HEADER_KEY: header_text, PROOF_KEY: proof})
    return with_key_of(genuine, sink.getvalue().to_pybytes())


def part_under_data_key(genuine: bytes, data_key: bytes, header: PartHeader, table: pa.Table) -> bytes:
    """The same for a part of a segment with other rows, and exactly as long as the genuine one."""
    made = write_part(header, [table], pe.create_encryption_properties(data_key), compression_level=19)
    return with_key_of(genuine, made, size=len(genuine))


def with_key_of(genuine: bytes, made: bytes, size: int = 0) -> bytes:
    """A file under the same data key, with the genuine one's wrapped key in it; padded to ``size`` bytes."""
    body, crypto, footer = _ending(made)
    _, theirs, _ = _ending(genuine)
    crypto = crypto[:_ALGORITHM] + theirs[_ALGORITHM:]  # his file's id, their key metadata
    tail = crypto + footer
    padding = bytes(max(0, size - len(body) - len(tail) - 8))
    return body + padding + tail + len(tail).to_bytes(4, "little") + b"PARE"


def _ending(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Everything before FileCryptoMetaData, that, and the encrypted footer."""
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    tail = data[start:-8]
    # The footer begins with its own length: so the place where both end together is found.
    for cut in range(_ALGORITHM, len(tail) - 4):
        if int.from_bytes(tail[cut : cut + 4], "little") == len(tail) - cut - 4:
            return data[:start], tail[:cut], tail[cut:]
    raise AssertionError("no footer")


def footer_of(keys: ObjectKeys, key: str, data: bytes) -> tuple[bytes, bytes]:
    """Header and proof of a batch, as they stand in it."""
    decryption = keys.decryption(key)
    with pq.ParquetFile(pa.BufferReader(data), decryption_properties=decryption) as file:
        return file.metadata.metadata[HEADER_KEY], file.metadata.metadata[PROOF_KEY]


def renamed(name: ObjectName, data: bytes, sign: Callable[[bytes], bytes], archive: str) -> str:
    """The key for these bytes in an object's place, under a signature of ``sign``."""
    digest = hashlib.sha256(data).digest()
    subject = name.subject(archive)
    return subject.named(digest, sign(subject.statement(digest))).key
