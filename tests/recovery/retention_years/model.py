"""What a clerk with a calendar would keep: transactions, holds and disposals, by nothing of the product.

A transaction closes with its first closing line, and a success comes before any other closing. What opens it
again makes it open. Ten years are counted from its closing or its last entry, whichever is later, to the end
of that day in Vietnam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

#: Vietnam is seven hours ahead of UTC, all year.
_AHEAD_OF_UTC = timedelta(hours=7)
_YEARS = 10
#: So long after its last day something may be planned.
GRACE = timedelta(days=30)

Ending = Literal["success", "refused", "withdrawn", "opened again"]


@dataclass
class Paper:
    """One entry as a gateway pushed it."""

    id: str  # the archive's
    name: str  # the gateway's id of the message or the line
    case: Case
    received: datetime
    receipt: str  # first one, to the byte
    batch: str  # key of the object in which it was stored first
    body: bytes | None  # None: a line of the log
    lay_in: set[str] = field(default_factory=set)  # batch and segments (``segment/ID``) that held it so far
    closes: bool = False  # the line that closed its transaction
    gone: str = ""  # the disposal that let it go


@dataclass
class Case:
    """One transaction of one gateway."""

    gateway: str
    id: str
    employer: str
    papers: list[Paper] = field(default_factory=list)
    closed: datetime | None = None
    succeeded: bool = False

    @property
    def last(self) -> datetime:
        return max(paper.received for paper in self.papers)

    def step(self, ending: Ending, line: Paper) -> None:
        """A line that ends it, or opens it again, which is among its papers already."""
        if ending == "opened again":
            self._close(None, False)
        elif self.closed is None or (ending == "success" and not self.succeeded):
            self._close(line, ending == "success")

    def _close(self, line: Paper | None, succeeded: bool) -> None:
        for paper in self.papers:
            paper.closes = paper is line
        self.closed, self.succeeded = line.received if line else None, succeeded

    def ends(self) -> datetime | None:
        """The first moment that is not owed any more; None: it is open."""
        if self.closed is None:
            return None
        first = (max(self.closed, self.last) + _AHEAD_OF_UTC).date()
        return _midnight(years_after(first, _YEARS) + timedelta(days=1))


@dataclass
class HoldKnown:
    """A hold, and what it is over."""

    id: str
    over: Callable[[Paper], bool]
    in_force: bool = True


@dataclass
class Ledger:
    """All that was pushed, held and let go of."""

    cases: dict[tuple[str, str], Case] = field(default_factory=dict)
    holds: list[HoldKnown] = field(default_factory=list)
    disposals: list[str] = field(default_factory=list)  # that were run to their end

    def papers(self) -> Iterator[Paper]:
        for case in self.cases.values():
            yield from case.papers

    def is_held(self, case: Case) -> bool:
        """A hold over one paper keeps the whole transaction."""
        return any(hold.in_force and any(map(hold.over, case.papers)) for hold in self.holds)

    def all_gone(self) -> list[Paper]:
        return [paper for paper in self.papers() if paper.gone]

    def is_needed(self, case: Case, now: datetime) -> bool:
        """Is it open, held, or not due yet?"""
        ends = case.ends()
        return ends is None or now < ends or self.is_held(case)

    def let_go(self, ids: set[str], disposal: str) -> None:
        """This disposal was run to its end."""
        for paper in self.papers():
            if paper.id in ids:
                paper.gone = disposal
        self.disposals.append(disposal)

    def may_go(self, now: datetime, is_unlocked: Callable[[Paper], bool]) -> set[str]:
        """Ids of what may be disposed of; a closing line goes with, or after, the rest."""
        found: set[str] = set()
        for case in self.cases.values():
            ends = case.ends()
            if ends is None or self.is_held(case) or ends + GRACE >= now:
                continue
            left = [paper for paper in case.papers if not paper.gone]
            going = [paper for paper in left if is_unlocked(paper)]
            found |= {paper.id for paper in going if not paper.closes or len(going) == len(left)}
        return found


def years_after(day: date, years: int) -> date:
    """The same day of a later year; where that year has no 29 February, 1 March."""
    last_of_february = (day.month, day.day) == (2, 29)
    later = day.year + years
    is_leap = later % 4 == 0 and (later % 100 != 0 or later % 400 == 0)
    return date(later, 3, 1) if last_of_february and not is_leap else date(later, day.month, day.day)


def _midnight(day: date) -> datetime:
    """When this day begins in Vietnam, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - _AHEAD_OF_UTC
