"""Compaction: days that are over become segments, one after the other; killed anywhere it is begun again.

Nothing is ever taken away: batches stay until their locks have run out and somebody disposes of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownBatch
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.upkeep.compaction.cutting import Cutter
from vanvault.archiver.upkeep.compaction.gather import SourceBatch
from vanvault.archiver.upkeep.compaction.plan import DayPlan, plan_days
from vanvault.archiver.upkeep.compaction.segment_writer import SegmentWriter
from vanvault.archiver.upkeep.compaction.source import read_source
from vanvault.archiver.upkeep.compaction.spread import is_worth, write_elsewhere
from vanvault.archiver.upkeep.processes import Jobs

#: Batches that are read and hashed ahead of the one whose turn it is.
_AHEAD = 8


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What one compaction did."""

    segments: tuple[SegmentManifest, ...]
    damaged: tuple[str, ...]  # batches that no site gives whole: kept locked, to be repaired

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self.segments)


class Compactor:
    """Compacts what is ready. One at a time in a home; two at once would only do the same work twice."""

    def __init__(
        self, archive: Archive, writer: SegmentWriter, executor: Executor, fault: Fault = no_fault
    ) -> None:
        """``executor``: threads that read and hash; bytes are hashed outside the interpreter's lock."""
        self._archive = archive
        self._writer = writer
        self._executor = executor
        self._fault = fault
        self._limits = archive.settings.compaction.limits()

    def plan(self, before: datetime) -> list[DayPlan]:
        """Batches that are ready, by day; ``before``: the first moment that is too young."""
        return plan_days(*self._archive.tail.uncompacted(), before, self._archive.catalogue.holds)

    def run(
        self,
        days: Sequence[DayPlan],
        done: Callable[[SegmentManifest], None] = lambda _: None,
        jobs: Jobs | None = None,
    ) -> CompactionReport:
        """Compact these days; ``done`` hears of every segment that is trusted.

        With ``jobs``, other processes do the work where there is enough of it.

        Raises SiteUnavailable, KeyUnavailable, Damaged (a site gave back wrong bytes): what was trusted
        until then stands, and the next run goes on.
        """
        segments: list[SegmentManifest] = []
        cutter = Cutter(self._limits)
        if jobs is not None and is_worth(jobs, days):
            written = write_elsewhere(
                jobs, days, archive=self._archive.settings.archive, repeats=self._repeats_in, cutter=cutter
            )
        else:
            written = self._write_here(days, cutter)
        with closing(written):
            for key, manifest in written:
                self._archive.catalogue.add(key, manifest)
                segments.append(manifest)
                done(manifest)
        return CompactionReport(tuple(segments), tuple(cutter.damaged))

    def _write_here(
        self, days: Sequence[DayPlan], cutter: Cutter
    ) -> Generator[tuple[str, SegmentManifest], None, None]:
        for day in days:
            for sources in cutter.cut(self._ahead(day.batches)):
                repeats = dict(pair for source in sources for pair in self._repeats_in(source.key).items())
                yield self._writer.write(sources, repeats)

    def _ahead(self, batches: Sequence[KnownBatch]) -> Iterator[tuple[KnownBatch, Future[SourceBatch]]]:
        """Every batch in order, with the future of its bytes; some batches are read ahead."""
        waiting: deque[tuple[KnownBatch, Future[SourceBatch]]] = deque()
        try:
            for batch in batches:
                waiting.append((batch, self._executor.submit(self._read, batch)))
                if len(waiting) > _AHEAD:
                    self._fault("batch-read")
                    yield waiting.popleft()
            while waiting:
                self._fault("batch-read")
                yield waiting.popleft()
        finally:
            for _, reading in waiting:
                reading.cancel()

    def _read(self, batch: KnownBatch) -> SourceBatch:
        return read_source(self._archive.sites, self._archive.parquet, batch.key, batch.commit)

    def _repeats_in(self, key: str) -> dict[str, str]:
        """For one batch: id of an entry that repeats another -> id of the valid entry."""
        found = self._archive.tail.repeats_in(key, self._archive.claims.find)
        return {entry: self._archive.entry_id_at(position) for entry, position in found.items()}
