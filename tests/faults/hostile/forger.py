"""A forger who has a data key that was shown once, or the log's master key, and write access to one site.

He makes encrypted objects that open and fit in every digest; what he has not is a signing key. Files are made
with pyarrow and FORMAT.md alone: a genuine one is opened with its data key, its rows are altered, and the key
metadata is put into the new file, which Parquet does not authenticate.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

Row = dict[str, Any]
_HEADER, _PROOF = "vanvault.batch", "vanvault.proof"
_BUSINESS = (
    "kind",
    "transaction_id",
    "ivan",
    "employer_code",
    "tax_code",
    "insurance_numbers",
    "dossier_number",
    "procedure",
    "period",
    "state",
    "agency",
)


@dataclass
class Opened:
    """A Parquet object in the clear: its rows, and the texts of its footer."""

    table: pa.Table
    texts: dict[str, bytes]
    key_metadata: bytes

    @property
    def header(self) -> dict[str, Any]:
        return dict(json.loads(self.texts[_HEADER]))


def opened(data: bytes, data_key: bytes) -> Opened:
    """A genuine object, with its data key (32 bytes)."""
    source = pa.BufferReader(data)
    file = pq.ParquetFile(source, decryption_properties=pe.create_decryption_properties(data_key))
    texts = {name.decode(): text for name, text in (file.metadata.metadata or {}).items()}
    texts.pop("ARROW:schema", None)
    return Opened(file.read(use_threads=False), texts, key_metadata_of(data))


def key_metadata_of(data: bytes) -> bytes:
    """The key metadata (JSON) of an encrypted Parquet file (FORMAT.md, section 5)."""
    footer = _footer(data)
    end = _end_of_algorithm(footer)  # random bytes before it may be alike
    assert footer[end] == 0x18
    length, start = _varint(footer, end + 1)
    return footer[start : start + length]


def sealed(table: pa.Table, texts: dict[str, bytes], data_key: bytes, key_metadata: bytes) -> bytes:
    """An encrypted file that names the master and the wrapped key of ``key_metadata``."""
    sink = pa.BufferOutputStream()
    properties = pe.create_encryption_properties(footer_key=data_key)
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
        encryption_properties=properties,
    ) as writer:
        writer.write_table(table, row_group_size=100)
        writer.add_key_value_metadata(texts)
    data = bytes(sink.getvalue())
    footer = _footer(data)
    body = data[: len(data) - 8 - len(footer)]
    end = _end_of_algorithm(footer)
    named = footer[:end] + b"\x18" + _as_varint(len(key_metadata)) + key_metadata + footer[end:]
    return body + named + struct.pack("<I", len(named)) + b"PARE"


def forged_batch(
    genuine: Opened,
    data_key: bytes,
    *,
    writer: str,
    sequence: int,
    now_us: int,
    change: Callable[[Row], None],
    previous: str = "",
    key_metadata: bytes = b"",
) -> bytes:
    """A batch of one row, the first of ``genuine``, changed; its ids and digests fit.

    A proof over the genuine rows stays in it, as the best that the forger has.
    """
    row = dict(genuine.table.slice(0, 1).to_pylist()[0])
    change(row)
    row["id"] = f"{writer}-{sequence}-0"
    row["received_at"] = now_us
    if "occurred_at" in row:
        row["occurred_at"] = now_us
    content = row["body"] if "body" in row else _canonical_event(row, now_us)
    row["size"] = len(content)
    row["sha256"], row["sha512"] = hashlib.sha256(content).digest(), hashlib.sha512(content).digest()
    schema = genuine.table.schema
    columns = [pa.array([row[field.name]], type=_plain(field.type)).cast(field.type) for field in schema]
    header = genuine.header | {
        "writer": writer,
        "sequence": sequence,
        "rows": 1,
        "created_us": now_us,
        "previous": previous,
        "heads": [],
        "commits": [],
        "large": [],
        "final": False,
    }
    texts = genuine.texts | {_HEADER: _canonical(header)}
    table = pa.Table.from_arrays(columns, schema=schema)
    return sealed(table, texts, data_key, key_metadata or genuine.key_metadata)


def material(master: str, wrapped: bytes) -> bytes:
    """Key metadata for a data key that the forger wrapped himself."""
    import base64

    return json.dumps(
        {
            "keyMaterialType": "PKMT1",
            "internalStorage": True,
            "isFooterKey": True,
            "kmsInstanceID": "DEFAULT",
            "kmsInstanceURL": "DEFAULT",
            "masterKeyID": master,
            "wrappedDEK": base64.b64encode(wrapped).decode(),
            "doubleWrapping": False,
        },
        separators=(",", ":"),
    ).encode()


def _canonical_event(row: Row, now_us: int) -> bytes:
    from datetime import UTC, datetime, timedelta

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now_us)
    fields = {name: row[name] for name in ("actor", "detail", "event_id", "gateway", "message_id", "type")}
    fields |= {name: row[name] for name in _BUSINESS}
    return _canonical({**fields, "occurred_at": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"})


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(type: pa.DataType) -> pa.DataType:
    """Times are given as microseconds."""
    return pa.int64() if pa.types.is_timestamp(type) else type


def _footer(data: bytes) -> bytes:
    (length,) = struct.unpack("<I", data[-8:-4])
    return data[-8 - length : -8]


def _end_of_algorithm(footer: bytes) -> int:
    """Where FileCryptoMetaData ends its algorithm: before the key metadata, or its own end."""
    start = footer.index(b"\x1c\x1c\x28\x08") + 4 + 8
    assert footer[start : start + 3] in (b"\x12\x00\x00", b"\x11\x00\x00") or footer[start] == 0
    return start + (3 if footer[start] in (0x11, 0x12) else 2)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
