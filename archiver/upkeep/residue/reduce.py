"""The tables of a segment without what is disposed of. Pure.

What is left of a row: its place, when it came, from whom, the ids that were given to it, its size and its
SHA-256. With the digest of its row and the leaf of its receipt, which the residue keeps, all other rows stay
provable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.format.segments.schema import LOG
from vanvault.archiver.core.model import SYSTEM_GATEWAY, ResidueRow

_ENTRY, _ORIGINAL = "entry", "original"
#: What the log calls a row of which the entry was disposed of.
_GONE = "disposed"
#: Columns of such a row that stay; ``message_id`` only where the entry was a message. The dossier number is
#: kept for the sake of others: a line that names a number of two transactions leads to neither, and must not
#: close the other one when this one is gone.
_KEPT = frozenset(
    (
        "received_at",
        "writer",
        "sequence",
        "row",
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


@dataclass(frozen=True, slots=True)
class Disposed:
    """One entry to let go of."""

    id: str  # the archive's id
    what: str  # "entry" (whole) or "original" (only its bytes)
    rule: str  # id of the rule by which it is due
    due_us: int


@dataclass(frozen=True, slots=True)
class Reduced:
    """A log without what is disposed of."""

    log: pa.Table
    originals: np.ndarray[tuple[int], np.dtype[np.int64]]  # rows of the originals that stay, ascending


def entries_of_log(log: pa.Table) -> list[tuple[str, str]]:
    """The id and the kind ("message", "event" or "disposed") of every row."""
    columns = [log.column(name).to_pylist() for name in ("writer", "sequence", "row", "entry")]
    return [
        (f"{writer}-{sequence}-{row}", entry) for writer, sequence, row, entry in zip(*columns, strict=True)
    ]


def check_disposed(log: pa.Table, disposed: Sequence[Disposed], known: Mapping[str, ResidueRow]) -> None:
    """Raises InvalidInput unless each of these can be let go of: it is here, nobody's own line, and not gone.

    ``known``: what was disposed of before, by id.
    """
    kinds = dict(entries_of_log(log))
    gateways = dict(zip(kinds, log.column("gateway").to_pylist(), strict=True))
    if not disposed or len({one.id for one in disposed}) != len(disposed):
        raise InvalidInput("name what is to be disposed of, each entry once", field="disposed")
    for one in disposed:
        kind, before = kinds.get(one.id, ""), known.get(one.id)
        if one.what not in (_ENTRY, _ORIGINAL) or kind not in ("message", "event"):
            raise InvalidInput(
                f"{one.id} is no entry of this segment that can be let go of", field="disposed"
            )
        if one.what == _ORIGINAL and (kind != "message" or before is not None):
            raise InvalidInput(f"{one.id} has no original that can be let go of", field="disposed")
        if gateways[one.id] == SYSTEM_GATEWAY:
            raise InvalidInput(f"{one.id} is a line of the archive's own, which is kept", field="disposed")


def reduced_log(log: pa.Table, whole: Mapping[str, str], originals: frozenset[str]) -> Reduced:
    """The rows of a log, those of disposed entries emptied, and the originals counted anew.

    Args:
        whole: of each entry that goes whole, by id: "message" or "event".
        originals: ids of those whose bytes go.
    """
    import pyarrow.compute as pc  # takes 50 ms to load, and most commands load this room

    ids = [id for id, _ in entries_of_log(log)]
    gone: _Mask = np.array([id in whole for id in ids], dtype=bool)
    events: _Mask = np.array([whole.get(id) == "event" for id in ids], dtype=bool)
    without: _Mask = gone | np.array([id in originals for id in ids], dtype=bool)
    numbers = log.column("original").combine_chunks()
    held: _Mask = np.asarray(pc.is_valid(numbers)) & ~without
    columns = []
    for field in LOG:
        column = log.column(field.name).combine_chunks()
        if field.name == "original":
            column = pa.array(np.cumsum(held) - 1, mask=~held, type=field.type)
        elif field.name == "entry":
            column = pc.if_else(pa.array(gone), _GONE, column)
        elif field.name == "message_id":
            column = pc.if_else(pa.array(events), "", column)
        elif field.name not in _KEPT:
            column = _emptied(column, gone, field)
        columns.append(column.cast(field.type))
    kept = np.asarray(numbers.filter(pa.array(held)).cast(pa.int64()))
    return Reduced(pa.Table.from_arrays(columns, schema=LOG), kept)


def _emptied(column: pa.Array, gone: _Mask, field: pa.Field) -> pa.Array:
    import pyarrow.compute as pc

    if pa.types.is_list(field.type):
        values: list[Any] = [
            [] if empty else value for empty, value in zip(gone, column.to_pylist(), strict=True)
        ]
        return pa.array(values, type=field.type)
    nothing = pa.scalar(None if field.nullable else "", field.type)
    return pc.if_else(pa.array(gone), nothing, column)
