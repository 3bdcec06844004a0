"""Rows of logs as their links are compared: whole columns at once, each name in its search form. Pure.

A key is a gateway and the form of a name; "": the row has none. Links: ``archiver/retention/linking.py``.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.search_form import search_form

#: What a clock needs of a row.
CLOCK_COLUMNS = (
    "received_at",
    "occurred_at",
    "entry",
    "type",
    "gateway",
    "transaction_id",
    "message_id",
    "dossier_number",
    "writer",
    "sequence",
    "row",
    "repeats",
)
#: What is told of a row besides.
TOLD_COLUMNS = ("size", "insurance_numbers", "large_object")
#: Blanks that ``str.strip`` takes away from text in ASCII.
_BLANKS = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"


def linked(table: pa.Table) -> pa.Table:
    """These rows with their keys (``transaction``, ``message``, ``dossier``), times as whole microseconds."""
    found = {name: _plain(table.column(name)) for name in table.column_names}
    gateway = found["gateway"]
    found["transaction"] = _key(gateway, found["transaction_id"], "transaction_id")
    found["message"] = _key(gateway, found["message_id"], "message_id")
    found["dossier"] = _key(gateway, found["dossier_number"], "dossier_number")
    found["is_event"] = pc.equal(found["entry"], "event")
    return pa.table(found)


def counting(rows: pa.Table) -> pa.Table:
    """Those that count for a clock: no repeats, and none of the archive's own lines."""
    repeats, own = has(rows.column("repeats")), pc.equal(rows.column("gateway"), SYSTEM_GATEWAY)
    return rows.filter(pc.invert(pc.or_(repeats, own)))


def has(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Of each row: has it a key?"""
    return pc.not_equal(column, "")


def among(column: pa.ChunkedArray, keys: pa.Array) -> pa.ChunkedArray:
    """Of each row: is its key one of these?"""
    return pc.is_in(column, value_set=keys)


def distinct_keys(*columns: pa.ChunkedArray) -> pa.Array:
    """Every key of these columns once, sorted; without the empty one."""
    whole = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())
    keys = whole.unique()
    keys = keys.filter(pc.not_equal(keys, ""))
    return keys.take(pc.sort_indices(keys))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    return column.cast(pa.int64()) if pa.types.is_timestamp(kind) else column


def _key(gateway: pa.ChunkedArray, names: pa.ChunkedArray, field: str) -> pa.ChunkedArray:
    keys = pc.binary_join_element_wise(gateway, _forms(names, field), "\0")
    return pc.if_else(pc.equal(names, ""), "", keys)


def _forms(names: pa.ChunkedArray, field: str) -> pa.ChunkedArray:
    """The search form of each; names in ASCII, nearly all, without a call for each."""
    if search_form(field, "A") == "A":
        return names
    if pc.all(pc.string_is_ascii(names)).as_py() is not False:
        return pc.ascii_lower(pc.ascii_trim(names, characters=_BLANKS))
    coded = names.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):  # one without rows
        coded = coded.combine_chunks()
    forms = pa.array([search_form(field, name) for name in coded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([forms.take(coded.indices)])
