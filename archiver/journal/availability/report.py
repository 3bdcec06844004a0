"""Sums per month and year against the law's limit, and a forecast of the year. Pure.

The law limits the time in which the service is stopped, whatever for: Decision 08/2015/QĐ-TTg 3 % and Decree
166/2016/NĐ-CP 2 % of a year's hours. It knows no exception for maintenance, so planned downtime uses the same
allowance as unplanned; telling them apart serves the operator, and the duty to announce. A degraded service
takes messages, so it is not down.

Months and years are Vietnam's (UTC+7, without summer time). The allowance of the year in which the service
began is that share of the hours since it began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.core.times import VIETNAM, to_us
from vanvault.archiver.journal.availability.model import KINDS, Interval, Window

_LEAST_US = 30 * 86_400 * 1_000_000
_YEAR_US = 365 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Totals:
    """Microseconds of a period; the six add up to it."""

    up: int = 0
    degraded: int = 0
    planned: int = 0
    unplanned: int = 0
    before: int = 0  # before the service began
    ahead: int = 0  # still to come

    @property
    def down(self) -> int:
        return self.planned + self.unplanned

    @property
    def measured(self) -> int:
        return self.up + self.degraded + self.down

    @property
    def length(self) -> int:
        return self.measured + self.before + self.ahead


@dataclass(frozen=True, slots=True)
class YearReport:
    """One calendar year."""

    year: int
    totals: Totals
    months: tuple[Totals, ...]  # January first
    limit_percent: float | None  # None: the profile knows no limit
    allowance: int | None  # downtime that the limit leaves for the year, microseconds
    forecast: int  # downtime at the end of the year, if all goes on as it did
    provisional: tuple[int, int] | None = None  # [start, now) of which nothing is on record yet, microseconds

    @property
    def remaining(self) -> int | None:
        """What is left of the allowance; negative when it is overspent."""
        return None if self.allowance is None else self.allowance - self.totals.down

    @property
    def forecast_within_limit(self) -> bool | None:
        measured = self.allowance is not None and self.totals.measured
        return self.forecast <= (self.allowance or 0) if measured else None


def month_bounds(year: int, month: int) -> tuple[int, int]:
    """[start, end) of a month, microseconds."""
    following = (year + month // 12, month % 12 + 1)
    return _moment(year, month), _moment(*following)


def year_bounds(year: int) -> tuple[int, int]:
    """[start, end) of a year, microseconds."""
    return _moment(year, 1), _moment(year + 1, 1)


def year_of(moment: datetime) -> int:
    """The calendar year of a moment."""
    return moment.astimezone(VIETNAM).year


def totals(intervals: Sequence[Interval], start_us: int, end_us: int) -> Totals:
    """The sums of [start, end) over a ledger, whose intervals follow each other without gap."""
    if not intervals:
        return Totals(before=end_us - start_us)
    sums = dict.fromkeys(KINDS, 0)
    for found in intervals:
        sums[found.kind] += _overlap(found.start_us, found.end_us, start_us, end_us)
    began, now = intervals[0].start_us, intervals[-1].end_us
    before = max(0, min(end_us, began) - start_us)
    return Totals(**sums, before=before, ahead=max(0, end_us - max(start_us, now)))


def year_report(
    intervals: Sequence[Interval], windows: Iterable[Window], year: int, *, limit_percent: float | None
) -> YearReport:
    """The year's sums and its forecast.

    Forecast: what was down so far, the windows still to come, and the rest of the year at the rate of
    unplanned downtime of the last 365 days on record (taken as 30 days at least: the first minute of a
    service tells nothing about its year).
    """
    start, end = year_bounds(year)
    whole = totals(intervals, start, end)
    now = intervals[-1].end_us if intervals else start
    recent = totals(intervals, now - _YEAR_US, now)
    coming = sum(_overlap(*window.counts_us, max(start, now), end) for window in windows)
    rate = recent.unplanned / max(recent.measured, _LEAST_US)
    hours = whole.length - whole.before
    return YearReport(
        year=year,
        totals=whole,
        months=tuple(totals(intervals, *month_bounds(year, month)) for month in range(1, 13)),
        limit_percent=limit_percent,
        allowance=None if limit_percent is None else round(hours * limit_percent / 100),
        forecast=whole.down + coming + round(rate * max(0, whole.ahead - coming)) if intervals else 0,
    )


def _overlap(start: int, end: int, low: int, high: int) -> int:
    return max(0, min(end, high) - max(start, low))


def _moment(year: int, month: int) -> int:
    return to_us(datetime(year, month, 1, tzinfo=VIETNAM))
