"""Rows of a segment's log as search items, positions and entries. Pure.

Arrow's functions take 50 ms to load, so what few rows need does without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from vanvault.archiver.catalogue.items import DOSSIER_PREFIX, Item, entry_of, position
from vanvault.archiver.core.model import BUSINESS_FIELDS, Entry
from vanvault.archiver.core.search_form import FOLDED_FIELDS, search_form
from vanvault.archiver.core.times import rfc3339_us

Row = dict[str, Any]

#: What the log of a residue segment calls a row of which the entry was disposed of.
DISPOSED = "disposed"
#: Up to so many rows, single values cost less than making new columns.
_FEW = 12
#: Search fields that are no column of the log under the same name.
_LISTED = {"insurance_number": "insurance_numbers", DOSSIER_PREFIX: "dossier_number"}


def rows_of(table: pa.Table) -> list[Row]:
    """The rows of (some columns of) a log; times as microseconds."""
    values = [_plain(column).to_pylist() for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*values, strict=True)]


def rows_at(table: pa.Table, numbers: Sequence[int]) -> list[Row]:
    """The same of chosen rows, in their order."""
    if len(numbers) > _FEW:
        return rows_of(table.take(pa.array(numbers)))
    columns = [(name, _reader(table.column(name))) for name in table.column_names]
    return [{name: read(number) for name, read in columns} for number in numbers]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = _whole(column)
    if isinstance(array, pa.DictionaryArray):
        return array.dictionary_decode()
    return array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array


def _reader(column: pa.ChunkedArray) -> Callable[[int], Any]:
    """What gives the value of a row."""
    array = _whole(column)
    if isinstance(array, pa.DictionaryArray):
        indices, values = array.indices, array.dictionary
        return lambda row: values[at].as_py() if (at := indices[row].as_py()) is not None else None
    if pa.types.is_timestamp(array.type):
        return lambda row: array[row].value
    return lambda row: array[row].as_py()


def position_at(row: Row) -> bytes:
    """Where a row stands in time."""
    return position(int(row["received_at"]), row["writer"])


def id_of(row: Row) -> str:
    """The archive's id of a row."""
    return f"{row['writer']}-{row['sequence']}-{row['row']}"


def kind_of(row: Row) -> str:
    """What the entry of a row is or was: "message" or "event". Of the gone, only events have an event id."""
    if row["entry"] == DISPOSED:
        return "event" if row["event_id"] else "message"
    return str(row["entry"])


def reduced(row: Row, entry: str) -> Row:
    """The row of an entry that was disposed of, as one of the kind that it was ("message" or "event")."""
    return {**row, "entry": entry, "occurred_at": row["occurred_at"] or 0}


def item_at(row: Row) -> Item:
    """The entry of a row as a search item, without its SHA-512, which lies with the evidence."""
    item: Item = {
        "id": id_of(row),
        "gateway": row["gateway"],
        "received_at": rfc3339_us(row["received_at"]),
        "size": row["size"],
        "sha256": row["sha256"].hex(),
        "entry": row["entry"],
        "message_id": row["message_id"],
    }
    for name in BUSINESS_FIELDS:
        item[name] = row[name]
    if row["entry"] == DISPOSED:
        if row["event_id"]:
            item["event_id"] = row["event_id"]
        return item
    if row["entry"] == "event":
        item["event_id"] = row["event_id"]
        item["occurred_at"] = rfc3339_us(row["occurred_at"])
        item["type"] = row["type"]
        item["actor"] = row["actor"]
        item["detail"] = row["detail"]
    else:
        item["content_type"] = row["content_type"]
        item["metadata_note"] = row["metadata_note"]
        item["large_object"] = row["large_object"]
    return item


def entry_at(row: Row, sha512: bytes) -> Entry:
    """The entry of a row, without a body; ``sha512``: from the evidence."""
    return entry_of({**item_at(row), "sha512": sha512.hex()})


def columns_of(filters: dict[str, str]) -> list[str]:
    """The columns that tell whether a row matches."""
    return [_LISTED.get(field, field) for field in filters]


_form = lru_cache(maxsize=4096)(search_form)


def field_matches(field: str, value: str, held: Any) -> bool:
    """Does a row hold the value of this filter? ``held``: what it has in the field's column."""
    if field == "sha256":
        return bool(held == bytes.fromhex(value))
    wanted = _form(field, value)
    if field == "insurance_number":
        return any(_form(field, number) == wanted for number in held)
    if field == DOSSIER_PREFIX:
        return _form(field, held).startswith(wanted)
    return _form(field, held) == wanted


def mask(table: pa.Table, filters: dict[str, str]) -> pa.Array | None:
    """Which rows hold every filter's value; None: all of them (there is no filter)."""
    import pyarrow.compute as pc

    found: pa.Array | None = None
    for field, value in filters.items():
        column = _whole(table.column(_LISTED.get(field, field)))
        if field == "insurance_number":
            one = _holding(column, value)
        elif field == "sha256":
            one = pc.equal(column, pa.scalar(bytes.fromhex(value), column.type))
        elif field in FOLDED_FIELDS:
            one = _alike(column, field, value)
        else:
            one = pc.equal(column, value)
        found = one if found is None else pc.and_(found, one)
    return found


def _alike(column: pa.Array, field: str, value: str) -> pa.Array:
    """Rows whose search form is that of ``value``, or begins so; each distinct value costs one look."""
    import pyarrow.compute as pc

    coded = column if isinstance(column, pa.DictionaryArray) else pc.dictionary_encode(column)
    wanted = search_form(field, value)
    forms = [search_form(field, text or "") for text in coded.dictionary.to_pylist()]
    if field == DOSSIER_PREFIX:
        good = [form.startswith(wanted) for form in forms]
    else:
        good = [form == wanted for form in forms]
    return pc.take(pa.array(good, pa.bool_()), coded.indices)


def _holding(column: pa.Array, value: str) -> pa.Array:
    """Rows whose list holds the value."""
    import pyarrow.compute as pc

    parents = pc.list_parent_indices(column)
    matching = pc.filter(parents, _alike(pc.list_flatten(column), "insurance_number", value))
    return pc.is_in(pa.array(range(len(column)), pa.int64()), value_set=pc.cast(matching, pa.int64()))
