"""What a residue segment says is gone, against its log. Pure. archiver/FORMAT.md, section 13.3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.segments import residue_rows
from vanvault.archiver.core.format.segments.schema import LOG
from vanvault.archiver.core.model import SYSTEM_GATEWAY, ResidueRow

_GONE = "disposed"
#: What the log may still say of an entry that is gone.
_LEFT = frozenset(
    (
        "received_at",
        "entry",
        "writer",
        "sequence",
        "row",
        "message_id",
        "gateway",
        "size",
        "sha256",
        "transaction_id",
        "dossier_number",
        "event_id",
        "repeats",
    )
)
_Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Gone = Mapping[tuple[str, int], Mapping[int, ResidueRow]]


@dataclass(frozen=True, slots=True)
class PutBack:
    """A log with the kinds of all its entries, also of those that are gone."""

    log: pa.Table
    without: _Mask  # by row: its original is not here, because it was disposed of
    gone: Gone = field(default_factory=dict)  # by batch and row
    flaws: tuple[str, ...] = ()  # of the residue


def put_back(log: pa.Table, residue: pa.Table | None, *, key: str = "") -> PutBack:
    """What the log was before, as far as kinds of entries go; ``residue``: None for any other segment."""
    import pyarrow.compute as pc  # takes 50 ms to load, and most commands load this room

    nothing = np.zeros(log.num_rows, dtype=bool)
    if residue is None:
        return PutBack(log, nothing)
    try:
        rows = {one.id: one for one in residue_rows(residue, key=key)}
    except Damaged as error:
        return PutBack(log, nothing, flaws=(error.message,))
    columns = [log.column(name).to_pylist() for name in ("writer", "sequence", "row", "entry", "gateway")]
    found = [
        (rows.get(f"{writer}-{sequence}-{row}"), entry, gateway)
        for writer, sequence, row, entry, gateway in zip(*columns, strict=True)
    ]
    kinds = [one.entry if one is not None and one.is_whole else entry for one, entry, _ in found]
    restored = log.set_column(
        log.column_names.index("entry"), LOG.field("entry"), pa.array(kinds, pa.string())
    )
    place = log.column_names.index("occurred_at")
    events = pa.array([one is not None and one.is_whole and one.entry == "event" for one, _, _ in found])
    zero = pa.scalar(0, pa.int64()).cast(LOG.field("occurred_at").type)
    times = pc.if_else(events, pc.coalesce(log.column("occurred_at"), zero), log.column("occurred_at"))
    restored = restored.set_column(place, LOG.field("occurred_at"), times)
    gone: dict[tuple[str, int], dict[int, ResidueRow]] = {}
    for one in rows.values():
        gone.setdefault((one.writer, one.sequence), {})[one.row] = one
    without = np.array([one is not None for one, _, _ in found], dtype=bool)
    return PutBack(restored, without, gone, tuple(_flaws(log, rows, found)))


def _flaws(
    log: pa.Table, rows: Mapping[str, ResidueRow], found: Sequence[tuple[ResidueRow | None, str, str]]
) -> Iterator[str]:
    whole = np.array([one is not None and one.is_whole for one, _, _ in found], dtype=bool)
    if [entry == _GONE for _, entry, _ in found] != whole.tolist() or len(rows) != sum(
        one is not None for one, _, _ in found
    ):
        yield "it does not name exactly the rows that are gone"
    if any(one is not None and gateway == SYSTEM_GATEWAY for one, _, gateway in found):
        yield "it names lines of the archive itself, which are kept"
    if any(one is not None and not one.is_whole and entry != "message" for one, entry, _ in found):
        yield "it names the original of what is no message"
    if not all(one.rule and one.disposal for one in rows.values()):
        yield "it does not say by which rule or under which disposal"
    emptied = log.filter(pa.array(whole))
    if any(_says(emptied.column(name)) for name in log.column_names if name not in _LEFT):
        yield "the log says more of an entry that is gone than may be left"


def _says(column: pa.ChunkedArray) -> bool:
    return any(value not in (None, "", []) for value in column.to_pylist())
