"""What the first page says of the archive, read from the record: not with each page, for it takes long.

What was read is shown for a minute with its time. Then the next page shows it once more, while it is read
again; so only the first page after the start of a node waits.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from vanvault.api.console.views.home import HomeEvidence
from vanvault.api.freshness import Freshness
from vanvault.api.node import Node
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import HistogramQuery
from vanvault.archiver.journal.availability import read_year
from vanvault.recovery.drill import standings
from vanvault.recovery.verified import verify_runs

_SHOWN_S = 60.0
_MS_US = 1000


class EvidenceKept:
    """The evidence that this node read last. Used on the event loop only."""

    def __init__(self) -> None:
        self._read: HomeEvidence | None = None
        self._task: asyncio.Task[HomeEvidence] | None = None

    async def of(self, node: Node) -> HomeEvidence:
        """The evidence, at most a minute old when it is first asked for anew. Raises as ``read_evidence``."""
        if self._task is not None and self._task.done():
            task, self._task = self._task, None
            if task.exception() is None:
                self._read = task.result()
        old = self._read is None or (node.archive.clock.now() - self._read.at).total_seconds() > _SHOWN_S
        if old and self._task is None:
            self._task = asyncio.create_task(self._again(node))
        if self._read is not None:
            return self._read
        assert self._task is not None  # noqa: S101 - there is nothing yet, so it was begun
        return await asyncio.shield(self._task)

    async def _again(self, node: Node) -> HomeEvidence:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(node.threads.reads, lambda: read_evidence(node))


def read_evidence(node: Node) -> HomeEvidence:
    """Raises Damaged, SiteUnavailable: the index or the record cannot be read."""
    archive, now = node.archive, node.archive.clock.now()
    fresh = Freshness.awaited(node)
    counted = archive.histograms.of(HistogramQuery.parse([("by", "year")]))
    run = next(verify_runs(archive.search), None)
    drills = [one.last for one in standings(archive.search) if one.last]
    drill = max(drills, key=lambda one: one.finished_at, default=None)
    year, up_percent, left_ms = _availability(archive, now)
    return HomeEvidence(
        at=now,
        entries=counted.entries,
        bytes=counted.bytes,
        complete=not counted.unread and not fresh.unread,
        verified_at=run.finished if run else None,
        verified_whole=bool(run and run.whole),
        drilled_at=drill.finished_at if drill else None,
        drilled_passed=bool(drill and drill.passed),
        drilled_ms=drill.rto_ms if drill else 0,
        up_percent=up_percent,
        left_ms=left_ms,
        year=year,
    )


def _availability(archive: Archive, now: datetime) -> tuple[int, float | None, int | None]:
    """The year, percent of its measured time without a stop, and milliseconds of stops that are left."""
    limit = archive.profile.downtime_limit_percent
    found = read_year(archive.search, archive.tail, None, now=now, limit_percent=limit)
    measured = found.totals.measured
    up = 100 * (measured - found.totals.down) / measured if measured else None
    return found.year, up, None if found.remaining is None else found.remaining // _MS_US
