"""One forecast as an operator or a schedule asks for it: growth and measured cost from what is on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.recovery.drill import MILESTONES, measured
from vanvault.recovery.forecast.cost import Cost, Measurement, cost_of
from vanvault.recovery.forecast.forecast import Forecast, forecast_restores
from vanvault.recovery.forecast.growth import Growth, growth, stored
from vanvault.recovery.work import QUIET, Observer, Step, catch_up, silent


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """How long will restores take? It has no options."""


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """Growth, cost and, where anything was measured, the restores to come."""

    growth: Growth
    cost: Cost | None  # None: nothing was measured yet, and so nothing is forecast
    forecast: Forecast | None
    measured: int  # how many recoveries
    parts: Mapping[str, float] = field(default_factory=dict)  # of a recovery's time, until each milestone

    def times(self, seconds: float) -> dict[str, float | None]:
        """When each milestone is reached of a recovery that takes so long; None: no drill measured it."""
        return {name: seconds * self.parts[name] if name in self.parts else None for name in MILESTONES}

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: a restore takes longer than the limit already."""
        found = self.forecast
        late = found is not None and found.restores[0].late(found.limit_s)
        return ExitCode.CHECK_FAILED if late else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        grown, cost, found = self.growth, self.cost, self.forecast
        return {
            "growth": {
                "objects": grown.total.objects,
                "bytes": grown.total.bytes,
                "first": grown.first.isoformat() if grown.first else None,
                "window_days": grown.window_days,
                "objects_per_day": round(grown.objects_per_day, 3),
                "bytes_per_day": round(grown.bytes_per_day),
                "error": round(grown.error, 4),
            },
            "measured": self.measured,
            "cost": {
                "us_per_object": round(cost.per_object * 1e6, 3),
                "ns_per_byte": round(cost.per_byte * 1e9, 3),
                "error": round(cost.error, 4),
            }
            if cost
            else None,
            **(
                self._forecast_fields(found) if found else {"restores": [], "breaks_on": None, "remedies": []}
            ),
        }

    def _forecast_fields(self, found: Forecast) -> dict[str, Any]:
        dates = (found.breaks_on, found.breaks_earliest, found.breaks_latest)
        on, earliest, latest = (day.isoformat() if day else None for day in dates)
        return {
            "limit_seconds": found.limit_s,
            "restores": [
                {
                    "years": one.years,
                    "objects": one.objects,
                    "bytes": one.bytes,
                    "seconds": round(one.seconds, 3),
                    "low": round(one.low, 3),
                    "high": round(one.high, 3),
                    "in_time": not one.late(found.limit_s),
                    "times": {
                        name: round(at, 3) if at is not None else None
                        for name, at in self.times(one.seconds).items()
                    },
                }
                for one in found.restores
            ],
            "breaks_on": on,
            "breaks_earliest": earliest,
            "breaks_latest": latest,
            "remedies": [
                {
                    "kind": one.kind,
                    "enough": one.enough,
                    "value": round(one.value, 3),
                    "now": round(one.now, 3),
                }
                for one in found.remedies
            ],
        }


def forecast(archive: Archive, request: ForecastRequest, observer: Observer = QUIET) -> ForecastReport:
    """How long a restore of everything takes today and in years. Raises SiteUnavailable, KeyUnavailable."""
    catch_up(archive, observer.warn)
    found = forecast_of(archive)
    if found.forecast is None:
        observer.warn("no drill or restore is on record; run: vanvault drill run primary-lost")
    return found


def forecast_of(archive: Archive, step: Step = silent) -> ForecastReport:
    """The same by what is folded here; ``step``: called at each object. Raises as ``forecast``, ``step``."""

    def told() -> Iterator[tuple[datetime, int]]:
        for at, size in stored(archive.sites):
            step(size=size)
            yield at, size

    today = archive.clock.now().date()
    grown = growth(told(), today)
    recoveries = measured(archive.search)
    taken = [Measurement(one.objects, one.bytes, one.seconds) for one in recoveries]
    cost = cost_of(taken)
    found = forecast_restores(grown, cost, today) if cost else None
    parts = next((one.parts for one in recoveries if one.parts), {})
    return ForecastReport(grown, cost, found, len(taken), parts)
