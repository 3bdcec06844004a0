"""Batch objects: entries <-> encrypted Parquet bytes. Pure; keys come in.

Nothing of a batch is given out before its name, its header, its rows and its writer's signatures fit
together: whoever decodes a batch has it proved (``Forged`` otherwise).

The byte-level description is archiver/FORMAT.md, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import orjson
import pyarrow as pa

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.batches.bodies import Hashes, digest_bodies
from vanvault.archiver.core.format.batches.parquet_file import Packing, write_file
from vanvault.archiver.core.format.batches.proof import check_proof, make_proof, rows_root
from vanvault.archiver.core.format.batches.schema import FORMAT_VERSION, HEADER_KEY, PROOF_KEY, SCHEMAS
from vanvault.archiver.core.format.encrypted import ObjectKeys, opened
from vanvault.archiver.core.key_port import FreshKey, StatementSigner
from vanvault.archiver.core.model import (
    BUSINESS_FIELDS,
    Batch,
    BatchHeader,
    Commit,
    Entry,
    Event,
    Message,
    Metadata,
    Placement,
)

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_T = TypeVar("_T")

#: Bodies of one row group, bytes: one message is read without decoding many others.
_GROUP_BYTES = 2**20
#: The fewest and the most rows of a row group. A reader opens each column of each group by itself, which
#: costs as much as some hundred rows of short messages do.
_GROUP_ROWS = 100, 1_000
#: Objects with fewer rows compress the column of originals only.
_COMPRESS_ALL_ROWS = 16

_HEADER_FIELDS = {
    "archive",
    "commits",
    "created_us",
    "final",
    "format",
    "heads",
    "kind",
    "large",
    "previous",
    "retain_until",
    "rows",
    "sequence",
    "writer",
}


@dataclass(frozen=True, slots=True)
class HashedBatch:
    """A proved batch, of the bodies of which only digests are in memory."""

    header: BatchHeader
    columns: dict[str, list[Any]]  # Python values by name, times as whole microseconds; without bodies
    bodies: list[Hashes | None]  # by row; None: the row has none


@dataclass(frozen=True, slots=True)
class BatchTable:
    """A batch as a table of its kind's schema, with header and proof as they stand in the file."""

    header: BatchHeader
    header_text: bytes
    proof: bytes
    table: pa.Table


def encode_batch(
    header: BatchHeader,
    entries: Sequence[Entry],
    key: FreshKey,
    signer: StatementSigner,
    *,
    compression_level: int = 3,
) -> bytes:
    """The Parquet file of a batch.

    Args:
        header: its ``kind`` says of which class all ``entries`` are; ``rows`` is their count.
        key: of this object, and used for nothing else.
        signer: proves header and rows.
        compression_level: zstd level, 1 to 19.
    """
    columns = columns_of(header.kind, entries)
    text = encode_header(header)
    proof = make_proof(header.archive, text, rows_root(header.kind, columns), signer)
    return write_file(
        header.kind,
        columns,
        key,
        {HEADER_KEY: text, PROOF_KEY: proof},
        group_rows=_group_rows(columns),
        packing=Packing(compression_level, only_bodies=len(entries) < _COMPRESS_ALL_ROWS),
    )


def _group_rows(columns: Mapping[str, Sequence[Any]]) -> int:
    """Rows of every row group but the last."""
    rows, size = len(columns["size"]), sum(map(len, filter(None, columns.get("body", ()))))
    least, most = _GROUP_ROWS
    return max(least, min(most, rows * _GROUP_BYTES // size if size else most))


def decode_batch(key: str, data: bytes | memoryview, keys: ObjectKeys, *, bodies: bool = True) -> Batch:
    """The proved entries of a batch object whose bytes were already checked against its name.

    Check the SHA-256 first: some pyarrow calls are not safe on bytes that nobody vouches for.

    Args:
        key: the object's name.
        bodies: false leaves ``Message.body`` None and does not decompress them.

    Raises:
        Forged: it is not proved by its name, its header is another's, or nobody trusted signed its rows.
        Damaged: not a batch of this format, or its footer contradicts itself.
        KeyUnavailable: the master key is missing or another.
    """
    with opened(data, keys, key) as file:
        header, text, proof = _footer(key, file)
        names = [name for name in SCHEMAS[header.kind].names if bodies or name != "body"]
        table = file.read(columns=names, use_threads=False)
    columns = _checked(key, header, table)
    check_proof(key, header, text, proof, columns, keys)
    return Batch(key, header, tuple(entries_of(header.kind, columns)))


def decode_hashed(key: str, data: bytes | memoryview, keys: ObjectKeys) -> HashedBatch:
    """As ``decode_batch``, but columns in place of entries, and of each row's body only what it hashes to.

    Bodies of one row group are in memory at a time.

    Raises as ``decode_batch`` does; TypeError: a column is not of the format's type.
    """
    with opened(data, keys, key) as file:
        header, text, proof = _footer(key, file)
        rest = [] if file.num_row_groups else [file.schema_arrow.empty_table()]
        found = digest_bodies(_bodies_apart(file, SCHEMAS[header.kind], rest))
    columns = _checked(key, header, pa.concat_tables(rest))
    check_proof(key, header, text, proof, columns, keys)
    if None in columns.get("insurance_numbers", ()):
        raise TypeError("a row without its list of texts")
    return HashedBatch(header, columns, found.all() or [None] * header.rows)


def _bodies_apart(file: pq.ParquetFile, schema: pa.Schema, rest: list[pa.Table]) -> Iterator[pa.ChunkedArray]:
    """The bodies of each row group; all other columns go to ``rest``."""
    for group in range(file.num_row_groups):
        rows = file.read_row_group(group, columns=schema.names, use_threads=False)
        if "body" in rows.column_names:
            rest.append(rows.drop_columns("body"))
            yield rows.column("body")
        else:
            rest.append(rows)


def entries_of(kind: str, columns: Mapping[str, Sequence[Any]]) -> list[Entry]:
    """Rows of a kind of batch from their columns; a message without the column has no body."""
    return _messages(columns) if kind == "messages" else _events(columns)


def columns_in(table: pa.Table) -> dict[str, list[Any]]:
    """Python values by column; times as whole microseconds."""
    return {name: _values(table.column(name)) for name in table.column_names}


def columns_of(kind: str, entries: Sequence[Entry]) -> dict[str, list[Any]]:
    """The same from rows, which are all of the kind."""
    return _message_columns(entries) if kind == "messages" else _event_columns(entries)


def read_batch_table(key: str, data: bytes | memoryview, keys: ObjectKeys) -> BatchTable:
    """A proved batch object as a table. For work on many rows at once; else as ``decode_batch``."""
    with opened(data, keys, key) as file:
        header, text, proof = _footer(key, file)
        schema = SCHEMAS[header.kind]
        if file.schema_arrow.names != schema.names:
            raise Damaged(f"{key}: its columns are not those of its kind", key=key)
        table = file.read(use_threads=False).cast(schema)
    columns = _checked(key, header, table.drop_columns("body") if "body" in schema.names else table)
    check_proof(key, header, text, proof, columns, keys)
    return BatchTable(header, text, proof, table)


def raw_bytes_of(key: str, data: bytes | memoryview, keys: ObjectKeys) -> int:
    """Bytes of a batch's originals and events as received, as its rows state them; nothing else is decoded.

    The bytes are whole (check the SHA-256 first), and of a trusted writer. Whether its rows say what is true
    is not checked here.

    Raises Forged, Damaged, KeyUnavailable, as ``decode_batch`` does.
    """
    with opened(data, keys, key) as file:
        _footer(key, file)
        sizes = file.read(columns=["size"], use_threads=False).column(0)
    return int(np.asarray(sizes).sum())


def decode_bodies(key: str, data: bytes | memoryview, keys: ObjectKeys) -> pa.ChunkedArray:
    """The bodies of a batch that was proved before, one for each row; of events, none.

    Raises Damaged, KeyUnavailable.
    """
    with opened(data, keys, key) as file:
        if "body" not in file.schema_arrow.names:
            return pa.chunked_array([pa.nulls(file.metadata.num_rows, pa.binary())])
        return file.read(columns=["body"], use_threads=False).column(0).cast(pa.binary())


def _footer(key: str, file: pq.ParquetFile) -> tuple[BatchHeader, bytes, bytes]:
    metadata = file.metadata.metadata or {}
    text = metadata.get(HEADER_KEY, b"")
    header = decode_header(text, key=key)
    if header.kind not in SCHEMAS:
        raise Damaged(f"{key}: unknown kind of batch in its header", key=key)
    return header, text, metadata.get(PROOF_KEY, b"")


def _checked(key: str, header: BatchHeader, table: pa.Table) -> dict[str, list[Any]]:
    if table.num_rows != header.rows:
        raise Damaged(f"{key}: header says {header.rows} rows, the file holds {table.num_rows}", key=key)
    return columns_in(table)


def decode_row_body(key: str, data: bytes | memoryview, keys: ObjectKeys, row: int) -> bytes:
    """The body in one row of a messages batch: only its row group is decoded.

    Its row is not checked here: compare the body with the digest in a row that was proved.

    Raises Damaged (no such row, or the row has no body of its own), KeyUnavailable.
    """
    with opened(data, keys, key) as file:
        group_rows = file.metadata.row_group(0).num_rows if file.num_row_groups else 0
        if not group_rows or row >= file.num_row_groups * group_rows:
            raise Damaged(f"{key} has no row {row}", key=key)
        group, index = divmod(row, group_rows)
        column = file.read_row_group(group, columns=["body"], use_threads=False).column(0)
        body = column[index].as_py() if index < len(column) else None
    if not isinstance(body, bytes):
        raise Damaged(f"{key} has no body in row {row}", key=key)
    return body


def encode_header(header: BatchHeader) -> bytes:
    """Canonical JSON of the header, with the format version."""
    return canonical(
        {
            "archive": header.archive,
            "commits": [encode_commit(commit) for commit in header.commits],
            "created_us": header.created_us,
            "final": header.final,
            "format": FORMAT_VERSION,
            "heads": list(header.heads),
            "kind": header.kind,
            "large": [placement.as_json() for placement in header.large],
            "previous": header.previous,
            "retain_until": header.retain_until,
            "rows": header.rows,
            "sequence": header.sequence,
            "writer": header.writer,
        }
    )


def decode_header(data: bytes, *, key: str) -> BatchHeader:
    """The header from its JSON. Raises Damaged: absent, another format version, or a field off."""
    try:
        fields = orjson.loads(data)
        if fields["format"] != FORMAT_VERSION:
            raise Damaged(
                f"{key}: format version {fields['format']}, this program reads {FORMAT_VERSION}",
                key=key,
                hint="Read it with a later version of VanVault.",
            )
        if set(fields) != _HEADER_FIELDS:
            raise Damaged(f"{key}: its header has not the fields of format {FORMAT_VERSION}", key=key)
        return BatchHeader(
            archive=_typed(fields["archive"], str),
            writer=_typed(fields["writer"], str),
            sequence=_typed(fields["sequence"], int),
            kind=_typed(fields["kind"], str),
            created_us=_typed(fields["created_us"], int),
            retain_until=_typed(fields["retain_until"], str),
            rows=_typed(fields["rows"], int),
            previous=_typed(fields["previous"], str),
            commits=tuple(decode_commit(item) for item in _typed(fields["commits"], list)),
            heads=tuple(_typed(item, str) for item in _typed(fields["heads"], list)),
            final=_typed(fields["final"], bool),
            large=tuple(Placement.from_json(item) for item in _typed(fields["large"], list)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{key}: no VanVault batch header", key=key) from error


def encode_commit(commit: Commit) -> dict[str, Any]:
    """A commit record as JSON values."""
    return {
        "key": commit.key,
        "placements": [placement.as_json() for placement in commit.placements],
        "signature": commit.signature.hex(),
        "signing_key": commit.signing_key,
    }


def decode_commit(fields: dict[str, Any]) -> Commit:
    """A commit record from JSON values. Raises KeyError, TypeError, ValueError on other shapes."""
    return Commit(
        key=_typed(fields["key"], str),
        placements=tuple(Placement.from_json(item) for item in _typed(fields["placements"], list)),
        signing_key=_typed(fields["signing_key"], str),
        signature=bytes.fromhex(fields["signature"]),
    )


def _typed(value: Any, kind: type[_T]) -> _T:
    """The value, if it is of just this type (True is no number). Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} was expected, not {type(value).__name__}")
    return value


def _message_columns(entries: Sequence[Any]) -> dict[str, list[Any]]:
    columns = _shared_columns(entries)
    for name in ("message_id", "content_type", "metadata_note", "large_object", "body"):
        columns[name] = [getattr(entry, name) for entry in entries]
    return columns


def _event_columns(entries: Sequence[Any]) -> dict[str, list[Any]]:
    columns = _shared_columns(entries)
    columns["occurred_at"] = [entry.occurred_us for entry in entries]
    for name in ("event_id", "type", "actor", "message_id", "detail"):
        columns[name] = [getattr(entry, name) for entry in entries]
    return columns


def _shared_columns(entries: Sequence[Any]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [getattr(entry, name) for entry in entries]
        for name in ("id", "gateway", "size", "sha256", "sha512")
    }
    columns["received_at"] = [entry.received_us for entry in entries]
    metadata = [entry.metadata for entry in entries]
    for name in BUSINESS_FIELDS:
        columns[name] = [getattr(item, name) for item in metadata]
    return columns


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    if pa.types.is_fixed_size_binary(column.type):
        return list(column.to_numpy())  # the same bytes and None, twenty times as fast as ``to_pylist``
    return list(column.to_pylist())


def _messages(columns: Mapping[str, Sequence[Any]]) -> list[Entry]:
    bodies = columns.get("body") or [None] * len(columns["id"])
    shared = [columns[name] for name in ("id", "gateway", "message_id", "received_at", "content_type")]
    digests = [columns[name] for name in ("size", "sha256", "sha512")]
    rest = [columns["metadata_note"], columns["large_object"], bodies]
    return [Message(*row) for row in zip(*shared, *digests, _metadata(columns), *rest, strict=True)]


def _events(columns: Mapping[str, Sequence[Any]]) -> list[Entry]:
    names = ("id", "gateway", "event_id", "received_at", "occurred_at", "type", "actor", "message_id")
    shared = [columns[name] for name in names]
    digests = [columns[name] for name in ("size", "sha256", "sha512")]
    return [Event(*row) for row in zip(*shared, _metadata(columns), columns["detail"], *digests, strict=True)]


def _metadata(columns: Mapping[str, Sequence[Any]]) -> list[Metadata]:
    numbers = [tuple(item) for item in columns["insurance_numbers"]]
    values = [numbers if name == "insurance_numbers" else columns[name] for name in BUSINESS_FIELDS]
    return [Metadata(*row) for row in zip(*values, strict=True)]
