"""Which reports are due, and since when one is overdue. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from vanvault.archiver.core.times import vietnam_day, vietnam_midnight
from vanvault.recovery.reports.model import KINDS, ReportKind
from vanvault.recovery.reports.period import ReportPeriod, period_of
from vanvault.recovery.reports.record import MadeReport

DueState = Literal["made", "due", "overdue", "coming"]


#: So long nothing is made again by itself of a period whose report lacks a part of the record.
AGAIN_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DueReport:
    """One report of one period, and how it stands."""

    name: str
    period: ReportPeriod
    state: DueState
    made: MadeReport | None = None

    @property
    def before(self) -> date:
        """The first day on which it is overdue, in Vietnam."""
        return self.period.due

    @property
    def overdue_since(self) -> datetime:
        """The first moment of that day, in UTC."""
        return vietnam_midnight(self.before)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "report": self.name,
            "period": self.period.name,
            "due_before": self.before.isoformat(),
            "state": self.state,
            "made": self.made.as_json() if self.made else None,
        }


def due_reports(made: Iterable[MadeReport], began: datetime | None, now: datetime) -> list[DueReport]:
    """Each report of the last period that is over, of earlier ones that are missing, and of the running one.

    Earlier ones are asked for from the first report of that name on record on: an archive that is older than
    its reports owes none of the years before. ``began``: when the archive did; None: nothing is on record.
    """
    if began is None:
        return []
    kept = list(made)
    return [one for kind in KINDS.values() for one in _of_kind(kind, kept, began, now)]


def lately_made(one: DueReport, made: Iterable[MadeReport], now: datetime) -> MadeReport | None:
    """The newest report of this period that was made after its end, less than ``AGAIN_AFTER`` ago."""
    since = max(one.period.end, now - AGAIN_AFTER)
    found = (kept for kept in made if (kept.name, kept.period) == (one.name, one.period) and kept.at >= since)
    return max(found, key=lambda kept: kept.at, default=None)


def _of_kind(
    kind: ReportKind, made: Iterable[MadeReport], began: datetime, now: datetime
) -> Iterator[DueReport]:
    good = {one.period: one for one in made if one.name == kind.name and one.complete}
    running, first = period_of(now, kind.length), period_of(began, kind.length)
    last = running.before
    period = max(first, min((*good, last)))
    while period <= last:
        if period in good:
            state: DueState = "made"
        else:
            state = "overdue" if vietnam_day(now) >= period.due else "due"
        if state != "made" or period == last:
            yield DueReport(kind.name, period, state, good.get(period))
        period = period.next
    yield DueReport(kind.name, running, "coming")
