"""How much was received in a period of Vietnam's calendar, by gateway.

Days of UTC that lie in the period as a whole are counted by the index, without reading a row; what is left at
both ends is counted row by row, because Vietnam's days begin at 17:00 UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import HistogramQuery, Query, Unread
from vanvault.archiver.core.times import to_us

_DAY = timedelta(days=1)


@dataclass(slots=True)
class GatewayVolume:
    """What one gateway sent."""

    messages: int = 0
    message_bytes: int = 0
    events: int = 0
    event_bytes: int = 0

    def add(self, entry: str, entries: int, size: int) -> None:
        """Count entries of one kind, message or event."""
        if entry == "message":
            self.messages += entries
            self.message_bytes += size
        else:
            self.events += entries
            self.event_bytes += size


def volumes(
    archive: Archive, start: datetime, end: datetime, unread: Callable[[Unread], None]
) -> dict[str, GatewayVolume]:
    """Volumes by gateway, sorted; the archive's own entries are those of ``vanvault``.

    Received in [start, end), UTC. ``unread`` is told what could not be looked at.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    found: dict[str, GatewayVolume] = {}
    first, after = _midnight(start + _DAY - timedelta(microseconds=1)), _midnight(end)
    if first >= after:
        _count_rows(archive, start, end, found, unread)
        return dict(sorted(found.items()))
    _count_rows(archive, start, first, found, unread)
    for entry in ("message", "event"):
        days = {"from": f"{first:%Y-%m-%d}", "to": f"{after - _DAY:%Y-%m-%d}"}
        counted = archive.histograms.of(
            HistogramQuery.parse({"by": "gateway", "entry": entry, **days}.items())
        )
        for one in counted.unread:
            unread(one)
        for bar in counted.bars:
            found.setdefault(bar.value, GatewayVolume()).add(entry, bar.entries, bar.bytes)
    _count_rows(archive, after, end, found, unread)
    return dict(sorted(found.items()))


def _count_rows(
    archive: Archive,
    start: datetime,
    end: datetime,
    found: dict[str, GatewayVolume],
    unread: Callable[[Unread], None],
) -> None:
    for gateway, entry, size in _rows(archive, start, end, unread):
        found.setdefault(gateway, GatewayVolume()).add(entry, 1, size)


def _rows(
    archive: Archive, start: datetime, end: datetime, unread: Callable[[Unread], None]
) -> Iterator[tuple[str, str, int]]:
    if start >= end:
        return
    query = Query(from_us=to_us(start), to_us=to_us(end), order="oldest")
    for item in archive.search.every(query, unread):
        yield item["gateway"], item["entry"], item["size"]


def _midnight(moment: datetime) -> datetime:
    """The first moment of its day in UTC."""
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
