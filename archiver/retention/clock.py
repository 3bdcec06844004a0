"""The clock of one transaction: open or closed, and since when it counts. A pure fold of its entries.

The entries may come in any order and more than once; the clock is the same. Log lines are ordered by the time
that counts for them, then by their receipt, then by id.

A transaction closes with the first closing line after it was opened; success comes before any other closing,
also where that was there first (an appeal that nobody announced). After success only a line that opens it
again changes that.

Of entries that were disposed of only their receipt is known; their transaction had ended, whichever line said
so, and only a line that came after them opens it again. See docs/decisions/0034-clocks.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vanvault.archiver.core.times import from_us, vietnam_day
from vanvault.archiver.retention.closing import ClosingTable, Effect

#: "closed": it had ended, and the line that ended it was disposed of; "disposed": every entry was.
CaseState = Literal["open", "succeeded", "refused", "withdrawn", "expired", "closed", "disposed"]
#: Why the time of receipt counts in place of the one that a log line says.
Doubt = Literal["", "after-receipt", "before-first", "too-long-ago"]

_STATES: dict[Effect, CaseState] = {
    "success": "succeeded",
    "refused": "refused",
    "withdrawn": "withdrawn",
    "expired": "expired",
}
#: Microseconds before its receipt from which an occurrence is not believed any more: 30 days.
_TOO_LONG_US = 30 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class CaseEntry:
    """What the clock needs of an entry; times in microseconds since 1970 (UTC)."""

    id: str
    type: str  # "" for a message, and for what was disposed of
    occurred_us: int  # of a message: when it was received
    received_us: int
    is_disposed: bool = False

    @property
    def is_event(self) -> bool:
        return self.type != ""


@dataclass(frozen=True, slots=True)
class ClosedBy:
    """The log line that closed a transaction."""

    entry: CaseEntry
    effect: Effect
    counts_us: int  # the time that counts: the line's own, or that of its receipt
    doubt: Doubt = ""


@dataclass(frozen=True, slots=True)
class GoneEntries:
    """The entries of a transaction that were disposed of whole."""

    entries: int
    first_us: int  # receipt of the first of them
    last_us: int  # and of the last one


@dataclass(frozen=True, slots=True)
class TransactionClock:
    """How a transaction stands."""

    state: CaseState
    closed_by: ClosedBy | None  # None: it is open, or that line was disposed of
    start_us: int | None  # what its period is counted from; None: it is open, or all of it is gone
    floor_us: int | None  # from an earlier closing: it is kept as if that had counted, at least
    last_us: int  # receipt of its last entry
    entries: int
    gone: GoneEntries | None = None  # of these entries; None: none

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def closed_us(self) -> int | None:
        """The time that counts for its closing; None: it is open, or all of it is gone.

        Where the closing line is gone, not later than that time, so that no profile in force since is missed.
        """
        if self.closed_by is not None:
            return self.closed_by.counts_us
        return self.gone.first_us if self.state == "closed" and self.gone is not None else None


def clock_of(entries: Iterable[CaseEntry], table: ClosingTable) -> TransactionClock:
    """The clock of the transaction that these entries are; of at least one."""
    known = sorted(set(entries), key=lambda one: (one.received_us, one.id))
    receipts = [one.received_us for one in known]
    begins = sorted(map(_begin_of, known))[:2]
    lines = [(one, *_counts(one, begins, receipts[0])) for one in known if one.is_event]
    lines.sort(key=lambda one: (one[1], one[0].received_us, one[0].id))
    gone = _gone_of(known)
    has_ended = gone is not None  # by a line that may be gone itself
    closed: ClosedBy | None = None
    floor: int | None = None
    for entry, counts, doubt in lines:
        effect = table.effect_of(entry.type, vietnam_day(from_us(counts)))
        if effect is None:
            continue
        if effect == "reopened":
            is_late = gone is not None and has_ended and entry.received_us > gone.last_us
            if closed is not None or is_late:
                counted = 0 if closed is None else closed.counts_us
                floor = max(floor or 0, counted, _last_before(receipts, entry.received_us))
            closed, has_ended = None, has_ended and not is_late
        elif closed is None or (effect == "success" and closed.effect != "success"):
            closed = ClosedBy(entry, effect, counts, doubt)
    last = known[-1].received_us
    if gone is not None and gone.entries == len(known):
        return TransactionClock("disposed", None, None, floor, last, len(known), gone)
    if closed is None and not has_ended:
        return TransactionClock("open", None, None, floor, last, len(known), gone)
    start = max(last, floor or 0, 0 if closed is None else closed.counts_us)
    state = "closed" if closed is None else _STATES[closed.effect]
    return TransactionClock(state, closed, start, floor, last, len(known), gone)


def _gone_of(known: Sequence[CaseEntry]) -> GoneEntries | None:
    """``known``: by receipt."""
    gone = [one.received_us for one in known if one.is_disposed]
    return GoneEntries(len(gone), gone[0], gone[-1]) if gone else None


def _counts(entry: CaseEntry, begins: Sequence[int], first_receipt: int) -> tuple[int, Doubt]:
    """The time that counts for a log line: its own, unless it cannot be true.

    ``begins``: the two earliest of the transaction, its own may be one of them.
    """
    occurred, received = entry.occurred_us, entry.received_us
    if occurred > received:
        return received, "after-receipt"
    if occurred < received - _TOO_LONG_US:
        return received, "too-long-ago"
    if occurred < begins[-1] and received > first_receipt and begins[0] == occurred and len(begins) > 1:
        return received, "before-first"
    return occurred, ""


def _begin_of(entry: CaseEntry) -> int:
    """When an entry came to be, as far as that is believed."""
    believed = entry.received_us - _TOO_LONG_US <= entry.occurred_us <= entry.received_us
    return entry.occurred_us if believed else entry.received_us


def _last_before(receipts: Sequence[int], received_us: int) -> int:
    """Receipt of the last entry that was there when one came; 0: it was the first."""
    place = bisect_left(receipts, received_us)
    return receipts[place - 1] if place else 0
