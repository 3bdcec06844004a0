"""Search items as CSV, NDJSON and Parquet. Pure but for the Parquet file, which pyarrow writes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import IO, Any

import orjson
import pyarrow as pa

from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.times import parse_rfc3339

#: Columns of CSV, in order. Lists are joined by a space; ``sites`` and ``locked_until`` (the earliest
#: end of a lock) sum up the placements.
CSV_COLUMNS = (
    "id",
    "entry",
    "gateway",
    "received_at",
    "occurred_at",
    "type",
    "actor",
    "message_id",
    "event_id",
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
    "content_type",
    "size",
    "sha256",
    "sha512",
    "detail",
    "metadata_note",
    "large_object",
    "object",
    "row",
    "segment",
    "verified_at",
    "sites",
    "locked_until",
    "held",
)

#: First characters that make a spreadsheet run a cell as a formula (OWASP, "CSV Injection": the full-width
#: forms are read alike in East Asian versions), and the mark itself, so that taking one away is exact.
_MARKED = frozenset("=+-@\t\r\n＝＋－＠'")

_TIME = pa.timestamp("us", tz="UTC")
_TIMES = ("received_at", "occurred_at")
_SPECIAL = {
    "received_at": _TIME,
    "occurred_at": _TIME,
    "size": pa.int64(),
    "row": pa.int32(),
    "insurance_numbers": pa.list_(pa.string()),
}
_PLACEMENT = pa.struct([(name, pa.string()) for name in ("site", "key", "version", "retain_until")])
PARQUET_SCHEMA = pa.schema(
    [
        *((name, _SPECIAL.get(name, pa.string())) for name in CSV_COLUMNS[:-3]),
        ("placements", pa.list_(_PLACEMENT)),
        ("held", pa.bool_()),
    ]
)
#: A row group ends at either; an entry may name thousands of insurance numbers, so rows alone are no bound.
_GROUP_ROWS = 10_000
_GROUP_BYTES = 16 * 2**20


def csv_header() -> bytes:
    """The first line of a CSV export."""
    return _csv_line(CSV_COLUMNS)


def csv_row(item: Item) -> bytes:
    """One item as a line of CSV (RFC 4180, UTF-8)."""
    placements = item["placements"]
    summed = {
        "sites": list(dict.fromkeys(placement["site"] for placement in placements)),
        "locked_until": min((placement["retain_until"] for placement in placements), default=""),
    }
    return _csv_line([safe_cell(_text({**item, **summed}.get(name, ""))) for name in CSV_COLUMNS])


def csv_page(items: Iterable[Item]) -> bytes:
    """A page of a search as a CSV file; a field that its reader may not see is empty."""
    return b"".join((csv_header(), *(csv_row({"placements": (), **item}) for item in items)))


def safe_cell(text: str) -> str:
    """The text, marked with an apostrophe where a spreadsheet would obey it instead of showing it."""
    return f"'{text}" if text[:1] in _MARKED and text else text


def ndjson_line(item: Item) -> bytes:
    """One item as a line of JSON, exactly as a search shows it."""
    return orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE)


def write_parquet(lines: Iterable[bytes], target: IO[bytes]) -> None:
    """NDJSON lines into a Parquet file, one row group in memory at a time; the same lines, the same bytes.

    The file is not encrypted. A field that an entry's kind does not have is null; "" means unknown.
    """
    import pyarrow.parquet as pq  # takes 9 ms to load

    with pq.ParquetWriter(target, PARQUET_SCHEMA, compression="zstd") as writer:
        for group in _groups(lines):
            writer.write_table(pa.Table.from_pylist(group, schema=PARQUET_SCHEMA))


def _groups(lines: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for line in lines:
        item = orjson.loads(line)
        for name in _TIMES:
            if name in item:
                item[name] = parse_rfc3339(item[name])
        group.append(item)
        size += len(line)
        if len(group) == _GROUP_ROWS or size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _csv_line(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
