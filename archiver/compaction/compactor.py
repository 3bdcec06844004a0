"""Compaction: days that are over become segments, one after the other; killed anywhere it is begun again.

Nothing is ever taken away: batches stay until their locks have run out and somebody disposes of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.compaction.gather import SourceBatch, check_digests
from vanvault.archiver.compaction.plan import DayPlan, plan_days
from vanvault.archiver.compaction.segment_writer import SegmentWriter
from vanvault.archiver.errors import Damaged, NotFound
from vanvault.archiver.format.batch import read_batch_table
from vanvault.archiver.intake.writer import Fault, no_fault
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.model.segment import SegmentManifest
from vanvault.archiver.search.catalogue import Catalogue
from vanvault.archiver.search.folded import KnownBatch
from vanvault.archiver.search.hot_tail import HotTail
from vanvault.archiver.sites.placing import read_anywhere
from vanvault.archiver.store.port import Site

#: Batches that are read and hashed ahead of the one whose turn it is.
_AHEAD = 8
#: Gives the id of the entry at a position.
IdAt = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """Where a segment of one day is cut; they bound the memory of a compaction."""

    rows: int = 200_000
    bytes: int = 128 * 2**20  # of originals and events, as received


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
        self,
        *,
        sites: Mapping[str, Site],
        keys: ParquetKeys,
        tail: HotTail,
        catalogue: Catalogue,
        writer: SegmentWriter,
        id_at: IdAt,
        limits: SegmentLimits,
        executor: Executor,
        fault: Fault = no_fault,
    ) -> None:
        """``executor``: threads that read and hash; bytes are hashed outside the interpreter's lock."""
        self._executor = executor
        self._fault = fault
        self._sites = sites
        self._keys = keys
        self._tail = tail
        self._catalogue = catalogue
        self._writer = writer
        self._id_at = id_at
        self._limits = limits

    def plan(self, before: datetime) -> list[DayPlan]:
        """Batches that are ready, by day; ``before``: the first moment that is too young."""
        return plan_days(*self._tail.uncompacted(), before, self._catalogue.holds)

    def run(
        self, days: Sequence[DayPlan], done: Callable[[SegmentManifest], None] = lambda _: None
    ) -> CompactionReport:
        """Compact these days; ``done`` hears of every segment that is trusted.

        Raises SiteUnavailable, KeyUnavailable, Damaged (a site gave back wrong bytes): what was trusted
        until then stands, and the next run goes on.
        """
        segments: list[SegmentManifest] = []
        damaged: list[str] = []
        held_back: set[str] = set()
        for day in days:
            for sources in self._cut(day, damaged, held_back):
                key, manifest = self._writer.write(sources, self._repeats(sources))
                self._catalogue.add(key, manifest)
                segments.append(manifest)
                done(manifest)
        return CompactionReport(tuple(segments), tuple(damaged))

    def _cut(self, day: DayPlan, damaged: list[str], held_back: set[str]) -> Iterator[list[SourceBatch]]:
        """The day's batches, read whole, as many at once as one segment takes.

        Of a writer in ``held_back`` an earlier batch is damaged: what follows it holds its commit record, and
        stays with it until it is mended.
        """
        sources: list[SourceBatch] = []
        rows = size = 0
        for batch, reading in self._ahead(day.batches):
            self._fault("batch-read")
            if batch.header.writer in held_back:
                reading.cancel()
                continue
            try:
                source = reading.result()
            except (Damaged, NotFound):
                damaged.append(batch.key)
                held_back.add(batch.header.writer)
                continue
            raw = source.raw_bytes
            full = rows + source.header.rows > self._limits.rows or size + raw > self._limits.bytes
            if sources and full:
                yield sources
                sources, rows, size = [], 0, 0
            sources.append(source)
            rows += source.header.rows
            size += raw
        if sources:
            yield sources

    def _ahead(self, batches: Sequence[KnownBatch]) -> Iterator[tuple[KnownBatch, Future[SourceBatch]]]:
        """Every batch in order with its reading, which has begun some batches before its turn."""
        waiting: deque[tuple[KnownBatch, Future[SourceBatch]]] = deque()
        try:
            for batch in batches:
                waiting.append((batch, self._executor.submit(self._read, batch)))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for _, reading in waiting:
                reading.cancel()

    def _read(self, batch: KnownBatch) -> SourceBatch:
        data = read_anywhere(self._sites, batch.key)
        header, text, table = read_batch_table(batch.key, data, self._keys.decryption())
        source = SourceBatch(batch.key, header, text, batch.commit, table)
        check_digests(source)
        return source

    def _repeats(self, sources: Sequence[SourceBatch]) -> dict[str, str]:
        """Id of an entry that repeats another -> id of the one that stands."""
        found: dict[str, str] = {}
        for source in sources:
            for entry, position in self._tail.repeats_in(source.key).items():
                found[entry] = self._id_at(position)
        return found
