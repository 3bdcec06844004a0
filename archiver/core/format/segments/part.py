"""Segment parts: Arrow tables <-> encrypted Parquet bytes. Pure. archiver/FORMAT.md, section 12."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.row_blocks import RowKey, encode_area
from vanvault.archiver.core.format.segments.schema import (
    DELTA,
    DICTIONARY,
    FRONT_CODED,
    LOG,
    SEGMENT_KEY,
    SEGMENT_SCHEMAS,
)

if TYPE_CHECKING:
    import pyarrow.parquet as pq

#: Rows of a row group of the log: what one look-up decodes. At 1,024 a look-up costs 1.3 ms and a row
#: 60 bytes, at 4,096 it is 3 ms and 53 bytes; fetching rows is most of a search.
LOG_GROUP_ROWS = 1024
#: Rows of a row group of originals: one message is read by decoding this many at most.
ORIGINALS_GROUP_ROWS = 100
#: Values of a page of originals.
_ORIGINALS_PAGE_VALUES = 16
_EVIDENCE_GROUP_ROWS = 256
_RESIDUE_GROUP_ROWS = 1024


@dataclass(frozen=True, slots=True)
class PartHeader:
    """What a part says of itself, within its encryption: a part of another segment is not taken for it."""

    archive: str
    segment: str
    kind: str  # "log", "originals", "evidence" or "residue"
    rows: int
    group_rows: int  # rows of every row group but the last
    first_us: tuple[int, ...] = ()  # log only: received_at of the first row of every row group


def encode_part(
    header: PartHeader,
    table: pa.Table,
    encryption: Any,
    *,
    compression_level: int = 6,
    rows: RowKey | None = None,
) -> bytes:
    """The Parquet file of one part; ``table`` has exactly the kind's schema.

    ``rows``: under which a log's rows are written once more as blocks, for searches; None: they are not.
    """
    return write_part(header, [table], encryption, compression_level=compression_level, rows=rows)


def write_part(
    header: PartHeader,
    tables: Iterable[pa.Table],
    encryption: Any,
    *,
    compression_level: int,
    rows: RowKey | None = None,
) -> bytes:
    """The same from several tables, each a multiple of ``header.group_rows`` long but the last.

    One of them after the other is taken, written and let go.
    """
    import pyarrow.parquet as pq  # takes 9 ms to load, and searches do without

    schema = SEGMENT_SCHEMAS[header.kind]
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=compression_level,
        write_statistics=False,
        store_schema=False,
        encryption_properties=encryption,
        **_layout(header.kind),
    ) as writer:
        if rows is not None:
            tables = list(tables)
            # Between the first four bytes and the first row group, where no reader of Parquet looks.
            area = encode_area(
                pa.concat_tables(tables),
                rows,
                archive=header.archive,
                segment=header.segment,
                group_rows=header.group_rows,
                level=compression_level,
            )
            sink.write(area)
        for table in tables:
            writer.write_table(table, row_group_size=header.group_rows)
        writer.add_key_value_metadata({SEGMENT_KEY: _encode_header(header)})
    return bytes(sink.getvalue())


def header_of(file: pq.ParquetFile, *, archive: str, segment: str, kind: str, key: str) -> PartHeader:
    """The header of an open part. Raises Damaged: another format, segment, archive or kind."""
    try:
        fields: dict[str, Any] = orjson.loads((file.metadata.metadata or {}).get(SEGMENT_KEY, b""))
        if fields["format"] != 1:
            raise Damaged(
                f"{key}: segment format {fields['format']}, this program reads 1",
                key=key,
                hint="Read it with a later version of VanVault.",
            )
        header = PartHeader(
            archive=str(fields["archive"]),
            segment=str(fields["segment"]),
            kind=str(fields["kind"]),
            rows=int(fields["rows"]),
            group_rows=int(fields["group_rows"]),
            first_us=tuple(map(int, fields["first_us"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{key} is not a part of a segment", key=key) from error
    if (header.archive, header.segment, header.kind) != (archive, segment, kind):
        raise Damaged(f"{key} holds the {header.kind} part of segment {header.segment}", key=key)
    groups = -(-header.rows // header.group_rows) if header.group_rows > 0 else -1
    if file.metadata.num_rows != header.rows or file.num_row_groups != groups:
        raise Damaged(f"{key} holds {file.metadata.num_rows} rows, its header says {header.rows}", key=key)
    if kind == "log" and len(header.first_us) != groups:
        raise Damaged(f"the header of {key} does not fit its row groups", key=key)
    return header


def log_header(
    archive: str, segment: str, table: pa.Table, *, group_rows: int = LOG_GROUP_ROWS
) -> PartHeader:
    """The header of a log part, for its rows in order."""
    times = table.column("received_at").cast(pa.int64())
    first = tuple(times[row].as_py() for row in range(0, table.num_rows, group_rows))
    return PartHeader(archive, segment, "log", table.num_rows, group_rows, first)


def originals_header(archive: str, segment: str, rows: int) -> PartHeader:
    """The header of an originals part."""
    return PartHeader(archive, segment, "originals", rows, ORIGINALS_GROUP_ROWS)


def evidence_header(archive: str, segment: str, rows: int) -> PartHeader:
    """The header of an evidence part."""
    return PartHeader(archive, segment, "evidence", rows, _EVIDENCE_GROUP_ROWS)


def residue_header(archive: str, segment: str, rows: int) -> PartHeader:
    """The header of a residue part."""
    return PartHeader(archive, segment, "residue", rows, _RESIDUE_GROUP_ROWS)


def _layout(kind: str) -> dict[str, Any]:
    if kind == "log":
        names = {*LOG.names} - {"sha256", "insurance_numbers"}
        plain = names - {*DICTIONARY, *DELTA, *FRONT_CODED}
        encodings = dict.fromkeys(DELTA, "DELTA_BINARY_PACKED") | dict.fromkeys(
            FRONT_CODED, "DELTA_BYTE_ARRAY"
        )
        encodings |= dict.fromkeys((*plain, "sha256", "insurance_numbers.list.element"), "PLAIN")
        return {"use_dictionary": list(DICTIONARY), "column_encoding": encodings}
    if kind == "originals":
        return {"use_dictionary": False, "write_batch_size": _ORIGINALS_PAGE_VALUES}
    return {"use_dictionary": False}


def _encode_header(header: PartHeader) -> bytes:
    return canonical(
        {
            "archive": header.archive,
            "first_us": list(header.first_us),
            "format": 1,
            "group_rows": header.group_rows,
            "kind": header.kind,
            "rows": header.rows,
            "segment": header.segment,
        }
    )
