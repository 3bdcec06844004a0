"""What the first page says of the archive, read from the record: not with each page, for it takes long."""

from __future__ import annotations

from datetime import datetime

from vanvault.api.console.views.home import HomeEvidence
from vanvault.api.freshness import Freshness
from vanvault.api.node import Node
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import HistogramQuery
from vanvault.archiver.journal.availability import read_year
from vanvault.recovery.drill import standings
from vanvault.recovery.verified import verify_runs

_MS_US = 1000


def read_evidence(node: Node) -> HomeEvidence:
    """Raises Damaged, SiteUnavailable: the index or the record cannot be read."""
    archive, now = node.archive, node.archive.clock.now()
    fresh = Freshness.awaited(node)
    counted = archive.histograms.of(HistogramQuery.parse([("by", "year")]))
    run = next(verify_runs(archive.search), None)
    drills = [one.last for one in standings(archive.search) if one.last]
    drill = max(drills, key=lambda one: one.finished_at, default=None)
    year, up_percent, measured_ms, left_ms = _availability(archive, now)
    return HomeEvidence(
        at=now,
        entries=counted.entries,
        bytes=counted.bytes,
        complete=not counted.unread and not fresh.unread,
        verified_at=run.finished if run else None,
        verified_whole=bool(run and run.whole),
        verified_part=str(run.subset) if run and not run.subset.is_whole else "",
        drilled_at=drill.finished_at if drill else None,
        drilled_passed=bool(drill and drill.passed),
        drilled=drill.scenario if drill else "",
        drilled_ms=drill.rto_ms if drill else 0,
        up_percent=up_percent,
        measured_ms=measured_ms,
        left_ms=left_ms,
        year=year,
    )


def _availability(archive: Archive, now: datetime) -> tuple[int, float | None, int, int | None]:
    """The year, percent of its measured time without a stop, that time, and the stops left (both in ms)."""
    limit = archive.profile.downtime_limit_percent
    found = read_year(archive.search, archive.tail, None, now=now, limit_percent=limit)
    measured = found.totals.measured
    up = 100 * (measured - found.totals.down) / measured if measured else None
    left = None if found.remaining is None else found.remaining // _MS_US
    return found.year, up, measured // _MS_US, left
