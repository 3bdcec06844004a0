"""The residue part: what is left of entries that were disposed of. Pure. archiver/FORMAT.md, section 13."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.segments.schema import RESIDUE
from vanvault.archiver.core.model import ResidueRow

_WHAT = ("entry", "original")
_ENTRY = ("message", "event")


def residue_table(rows: Iterable[ResidueRow]) -> pa.Table:
    """The part's rows in its order."""
    ordered = sorted(rows, key=lambda one: (one.writer, one.sequence, one.row))
    columns = {name: [getattr(one, name) for one in ordered] for name in RESIDUE.names}
    return pa.Table.from_arrays(
        [pa.array(columns[field.name], type=field.type) for field in RESIDUE], schema=RESIDUE
    )


def residue_rows(table: pa.Table, *, key: str) -> list[ResidueRow]:
    """The rows of the part with this key. Raises Damaged: in another order, twice, or of no known kind."""
    columns = [table.column(name).to_pylist() for name in RESIDUE.names]
    rows = [ResidueRow(*values) for values in zip(*columns, strict=True)]
    places = [(one.writer, one.sequence, one.row) for one in rows]
    if places != sorted(set(places)):
        raise Damaged(f"{key} does not name what was disposed of in order, each once", key=key)
    if not all(one.what in _WHAT and one.entry in _ENTRY for one in rows):
        raise Damaged(f"{key} names what is neither a message nor an event", key=key)
    return rows
