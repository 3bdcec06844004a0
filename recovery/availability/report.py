"""How long the service was up in a year, against what the profile allows: for people and schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_us
from vanvault.archiver.journal.availability import (
    Totals,
    YearReport,
    read_year,
)
from vanvault.recovery.work import QUIET, Observer, catch_up

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class AvailabilityRequest:
    """Which year, and which month of it."""

    year: int | None = None  # None: this year
    month: int | None = None  # None: all


@dataclass(frozen=True, slots=True)
class AvailabilityReport:
    """A year's availability."""

    year: YearReport
    month: int | None
    profile: str
    partial: bool  # a site was away, so something may be missing

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values; times in seconds."""
        return _year_fields(self.year, self.month) | {"profile": self.profile, "partial": self.partial}


def availability(
    archive: Archive, request: AvailabilityRequest, observer: Observer = QUIET
) -> AvailabilityReport:
    """Fold what is on record of a year. Raises KeyUnavailable, Damaged."""
    return known_availability(archive, request, complete=catch_up(archive, observer.warn))


def known_availability(
    archive: Archive, request: AvailabilityRequest, *, complete: bool
) -> AvailabilityReport:
    """The same by what is folded here; ``complete``: is that all there is? Raises Damaged."""
    found = read_year(
        archive.search,
        archive.tail,
        request.year,
        now=archive.clock.now(),
        limit_percent=archive.profile.downtime_limit_percent,
    )
    return AvailabilityReport(found, request.month, archive.profile.name, not complete)


def _year_fields(found: YearReport, month: int | None) -> dict[str, Any]:
    months = [
        {"month": f"{found.year}-{number:02d}", **_sums(sums)}
        for number, sums in enumerate(found.months, start=1)
        if month in (None, number)
    ]
    allowance, remaining = found.allowance, found.remaining
    return {
        "year": found.year,
        "months": months,
        "total": _sums(found.totals),
        "limit_percent": found.limit_percent,
        "allowance_s": None if allowance is None else allowance / _US,
        "used_s": found.totals.down / _US,
        "remaining_s": None if remaining is None else remaining / _US,
        "forecast_s": found.forecast / _US,
        "forecast_within_limit": found.forecast_within_limit,
        "provisional": _provisional(found),
    }


def _provisional(found: YearReport) -> dict[str, Any] | None:
    if found.provisional is None:
        return None
    start, end = found.provisional
    return {"since": rfc3339_us(start), "seconds": (end - start) / _US}


def _sums(sums: Totals) -> dict[str, float]:
    measured = sums.measured or 1
    return {
        "up_s": sums.up / _US,
        "degraded_s": sums.degraded / _US,
        "planned_s": sums.planned / _US,
        "unplanned_s": sums.unplanned / _US,
        "before_s": sums.before / _US,
        "ahead_s": sums.ahead / _US,
        "down_percent": round(100 * sums.down / measured, 4),
    }
