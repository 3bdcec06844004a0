"""When growth will break the time limit at the measured cost, and what would mend it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from vanvault.recovery.forecast.cost import Cost
from vanvault.recovery.forecast.growth import Growth

LIMIT_S = 8 * 3600
YEARS = (0, 1, 3, 10)
_DAYS = 365.25
#: Beyond this many years nothing is forecast.
_HORIZON_YEARS = 100


@dataclass(frozen=True, slots=True)
class Restore:
    """A restore of the whole archive at one time."""

    years: int  # from today
    objects: int
    bytes: int
    seconds: float
    low: float  # seconds: as fast as measured at best, and growing as slowly
    high: float

    def late(self, limit_s: float) -> bool:
        return self.seconds > limit_s


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that by itself would bring the last forecast restore under the limit."""

    kind: str  # "parallelism", "larger-objects", "faster-link"
    enough: bool  # can it do so at all?
    value: float  # factor of parallelism; bytes of an object; bytes per second
    now: float  # the same today; parallelism: 1


@dataclass(frozen=True, slots=True)
class Forecast:
    """Restore times to come."""

    limit_s: int
    restores: tuple[Restore, ...]
    breaks_on: date | None  # None: not within a hundred years
    breaks_earliest: date | None
    breaks_latest: date | None
    remedies: tuple[Remedy, ...]  # for the last restore; empty while it is in time


def forecast_restores(growth: Growth, cost: Cost, today: date, *, limit_s: int = LIMIT_S) -> Forecast:
    """Growth goes on at its pace (linear); the cost stays what it was measured to be."""
    restores = tuple(_restore(growth, cost, years) for years in YEARS)
    last = restores[-1]
    return Forecast(
        limit_s=limit_s,
        restores=restores,
        breaks_on=_breaks(growth, cost, today, limit_s, 1.0, 1.0),
        breaks_earliest=_breaks(growth, cost, today, limit_s, 1 + cost.error, 1 + growth.error),
        breaks_latest=_breaks(growth, cost, today, limit_s, 1 / (1 + cost.error), max(0.0, 1 - growth.error)),
        remedies=_remedies(last, cost, limit_s) if last.late(limit_s) else (),
    )


def _restore(growth: Growth, cost: Cost, years: int) -> Restore:
    def seconds(slower: float, faster_growth: float) -> float:
        days = years * _DAYS * faster_growth
        objects = growth.total.objects + growth.objects_per_day * days
        return slower * cost.seconds(objects, growth.total.bytes + growth.bytes_per_day * days)

    days = years * _DAYS
    return Restore(
        years=years,
        objects=round(growth.total.objects + growth.objects_per_day * days),
        bytes=round(growth.total.bytes + growth.bytes_per_day * days),
        seconds=seconds(1.0, 1.0),
        low=seconds(1 / (1 + cost.error), max(0.0, 1 - growth.error)),
        high=seconds(1 + cost.error, 1 + growth.error),
    )


def _breaks(
    growth: Growth, cost: Cost, today: date, limit_s: float, slower: float, faster_growth: float
) -> date | None:
    """The first day on which a restore takes longer than the limit; today if it does so already."""
    now = slower * cost.seconds(growth.total.objects, growth.total.bytes)
    if now > limit_s:
        return today
    daily = slower * faster_growth * cost.seconds(growth.objects_per_day, growth.bytes_per_day)
    if not daily or (limit_s - now) / daily > _HORIZON_YEARS * _DAYS:
        return None
    return today + timedelta(days=ceil((limit_s - now) / daily))


def _remedies(late: Restore, cost: Cost, limit_s: float) -> tuple[Remedy, ...]:
    for_bytes, for_objects = cost.per_byte * late.bytes, cost.per_object * late.objects
    mean = late.bytes / late.objects
    parallel = Remedy("parallelism", True, late.seconds / limit_s, 1.0)
    # With objects of size s there are bytes / s of them: per_object * bytes / s + for_bytes = limit.
    larger = for_bytes < limit_s and cost.per_object > 0
    size = cost.per_object * late.bytes / (limit_s - for_bytes) if larger else 0.0
    faster = for_objects < limit_s and cost.per_byte > 0
    rate = late.bytes / (limit_s - for_objects) if faster else 0.0
    return (
        parallel,
        Remedy("larger-objects", larger, size, mean),
        Remedy("faster-link", faster, rate, 1 / cost.per_byte if cost.per_byte else 0.0),
    )
