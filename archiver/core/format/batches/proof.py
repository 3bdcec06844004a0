"""What proves the rows of a batch: its writer's signature over the header and a digest of all rows. Pure.

A name proves the bytes of an object; this proof goes with the rows when compaction takes them elsewhere and
the bytes are gone. Bodies are proved through the digests in their rows. It holds no placements, which do
not exist yet when it is signed: those are in receipts. Byte level: archiver/FORMAT.md, sections 3.1 and 4.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from vanvault.archiver.core.canonical import canonical_flat, parse_canonical
from vanvault.archiver.core.errors import Damaged, Forged
from vanvault.archiver.core.format.batches.schema import SCHEMAS
from vanvault.archiver.core.format.encrypted import ObjectKeys
from vanvault.archiver.core.key_port import StatementSigner
from vanvault.archiver.core.model import BatchHeader

#: A row's columns in the order of the format; a row's own digest stands for its body.
_PROVED = {kind: tuple(name for name in schema.names if name != "body") for kind, schema in SCHEMAS.items()}
_IN_HEX = frozenset(("sha256", "sha512"))
_ROWS = b"vanvault rows v1\n"


@dataclass(frozen=True, slots=True)
class BatchProof:
    """What a batch's footer holds beside its header."""

    rows_root: bytes  # 32
    signing_key: str
    signature: bytes  # 64, over ``proof_statement``


def row_digests(kind: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[bytes]:
    """The digest (32 bytes) of each row: SHA-256 of the canonical JSON of its values but the body.

    ``columns``: Python values by name; times are whole microseconds.
    Raises Forged: values that no row has.
    """
    names = _PROVED[kind]
    try:
        values = [
            [value.hex() for value in columns[name]] if name in _IN_HEX else columns[name] for name in names
        ]
        for row in zip(*values, strict=True):
            # Texts, small integers and one list of texts: orjson writes their canonical form (RFC 8785).
            yield hashlib.sha256(orjson.dumps(row)).digest()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Forged("A row of a batch holds what no row can hold.") from error


def rows_root(
    kind: str, columns: Mapping[str, Sequence[Any]], known: Mapping[int, bytes] | None = None
) -> bytes:
    """One digest (32 bytes) over all rows in order: whoever checks one row has all rows of its batch.

    ``known``: digests of rows that were disposed of, by row; what ``columns`` have in their place is nothing.
    """
    digests = list(row_digests(kind, columns))
    for row, digest in (known or {}).items():
        digests[row] = digest
    return hashlib.sha256(_ROWS + b"".join(digests)).digest()


def proof_statement(archive: str, header: bytes, root: bytes) -> bytes:
    """What the writer signs; ``header`` as it stands in the footer. Lines ended by 0x0A."""
    lines = ("vanvault batch v1", archive, hashlib.sha256(header).hexdigest(), root.hex())
    return "".join(f"{line}\n" for line in lines).encode()


def make_proof(archive: str, header: bytes, root: bytes, signer: StatementSigner) -> bytes:
    """The bytes of a signed proof, as they stand in the footer."""
    signature = signer.sign(proof_statement(archive, header, root))
    return canonical_flat(
        {"rows_root": root.hex(), "signature": signature.hex(), "signing_key": signer.key_id}
    )


def decode_proof(data: bytes, *, key: str) -> BatchProof:
    """A proof from its bytes. Raises Forged: absent, or in another form."""
    try:
        fields = parse_canonical(data)
        if set(fields) != {"rows_root", "signature", "signing_key"}:
            raise ValueError("other members")
        proof = BatchProof(
            bytes.fromhex(fields["rows_root"]), str(fields["signing_key"]), bytes.fromhex(fields["signature"])
        )
    except (Damaged, TypeError, ValueError) as error:
        raise Forged(f"{key} holds no proof of its writer", key=key) from error
    if (proof.rows_root.hex(), proof.signature.hex()) != (fields["rows_root"], fields["signature"]):
        raise Forged(f"{key} holds no proof of its writer", key=key)
    return proof


def check_proof(
    key: str,
    header: BatchHeader,
    text: bytes,
    proof: bytes,
    columns: Mapping[str, Sequence[Any]],
    keys: ObjectKeys,
    *,
    known: Mapping[int, bytes] | None = None,
) -> None:
    """Raises Forged unless these are header and rows of the batch of this name, as its writer signed them.

    ``text`` (the header's) and ``proof``: as they stand in the footer, or in the evidence of a segment.
    ``known``: as ``rows_root`` takes them.
    """
    name = keys.proved(key)
    if header.archive != keys.archive:
        raise Forged(f"{key} belongs to the archive {header.archive}", key=key)
    if (name.family, name.writer, name.sequence, name.kind) != (
        "batch",
        header.writer,
        header.sequence,
        header.kind,
    ):
        raise Forged(
            f"within {key} is object {header.sequence} ({header.kind}) of writer {header.writer}", key=key
        )
    found = decode_proof(proof, key=key)
    if rows_root(header.kind, columns, known) != found.rows_root:
        raise Forged(f"the rows of {key} are not those that its writer signed", key=key)
    statement = proof_statement(keys.archive, text, found.rows_root)
    if not keys.is_signed(found.signing_key, found.signature, statement):
        raise Forged(f"no key that this archive trusts signed what is in {key}", key=key)
