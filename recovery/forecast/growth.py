"""How the archive grows: bytes and objects per day, from the listings of its sites."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import sqrt

from vanvault.archiver.stores import SiteReader
from vanvault.recovery.objects import Listing
from vanvault.recovery.work import Extent

#: Days that tell the pace; older growth says less about the next years.
WINDOW_DAYS = 365
#: Parts of the window whose paces are compared for the error.
_PARTS = 12


@dataclass(frozen=True, slots=True)
class Growth:
    """What there is, and what comes each day."""

    total: Extent
    first: date | None  # day of the oldest object; None: the archive is empty
    window_days: int  # days that the pace was taken from
    bytes_per_day: float
    objects_per_day: float
    error: float  # of the pace, relative (one standard error); 0 where one part is all there is


def stored(sites: Mapping[str, SiteReader]) -> Iterator[tuple[datetime, int]]:
    """When each object first came to any site, and its size.

    A restored site dates its objects anew; the other still knows. While one site is away the other tells
    all the same. Raises SiteUnavailable or SettingsError when every site is away.
    """
    listing = Listing(sites)
    for copies in listing.everything():
        if copies.at:
            yield min(versions[-1].stored_at for versions in copies.at.values()), copies.size
    if len(listing.away) == len(sites):
        raise next(iter(listing.away.values()))


def growth(objects: Iterable[tuple[datetime, int]], today: date) -> Growth:
    """Memory is bounded by the number of days. Pure."""
    days: dict[date, Extent] = {}
    for at, size in objects:
        day = at.astimezone(UTC).date()
        days[day] = days.get(day, Extent()) + Extent(1, size)
    total = sum(days.values(), Extent())
    if not days:
        return Growth(total, None, 0, 0.0, 0.0, 0.0)
    first = min(days)
    window = max(1, min(WINDOW_DAYS, (today - first).days + 1))
    start = today - timedelta(days=window - 1)
    recent = sum((extent for day, extent in days.items() if start <= day <= today), Extent())
    return Growth(
        total=total,
        first=first,
        window_days=window,
        bytes_per_day=recent.bytes / window,
        objects_per_day=recent.objects / window,
        error=_error(days, start, window),
    )


def _error(days: Mapping[date, Extent], start: date, window: int) -> float:
    """The standard error of the mean pace over equal parts of the window, relative to it."""
    parts = min(_PARTS, window)
    sums = [0.0] * parts
    for day, extent in days.items():
        if 0 <= (day - start).days < window:
            sums[(day - start).days * parts // window] += extent.bytes
    mean = sum(sums) / parts
    if parts < 2 or not mean:
        return 0.0
    variance = sum((one - mean) ** 2 for one in sums) / (parts - 1)
    return sqrt(variance / parts) / mean
