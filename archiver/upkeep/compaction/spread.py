"""A compaction of which other processes do the work: batches are measured, then segments are written.

Where a segment ends, and what a damaged batch holds back, is known only once every batch before it was seen.
So all batches of a round are first measured (in any order, by all workers): whole by their names, and how
large. This process cuts, and the segments, which need nothing of each other any more, are written. Rows are
checked then, once. A batch whose bytes are whole and whose rows contradict each other is met only there; no
repair mends it. Its segment is cut again without it, and without what it holds back and is not written yet.

One process, which holds the home's lock, cuts and hands out; no two workers have the same batches. A worker
that outlives it (on a cluster) ends at its own trust point: that segment is found at the sites, and at worst
is a ``spare`` one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from vanvault.archiver.catalogue import KnownBatch
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.model import BatchHeader, SegmentManifest
from vanvault.archiver.upkeep.compaction.cutting import Cutter
from vanvault.archiver.upkeep.compaction.plan import DayPlan
from vanvault.archiver.upkeep.compaction.workers import SegmentOrder, ToMeasure, measure, write_segment
from vanvault.archiver.upkeep.processes import Jobs

#: Rows that one worker measures at a time, and the most batches.
ROWS, _BATCHES = 10_000, 128
#: Segments' worth of rows in a round: a run that is killed has measured so many in vain, and no more.
_ROUND = 16
#: With fewer rows than this, starting processes costs more than it gives.
WORTH_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class BatchMeasurement:
    """A batch, and the raw bytes that a worker found in it; None: no site gives it whole."""

    batch: KnownBatch
    found: int | None

    @property
    def header(self) -> BatchHeader:
        return self.batch.header

    @property
    def raw_bytes(self) -> int:
        return self.found or 0

    def result(self) -> BatchMeasurement:
        """The batch with its raw size. Raises Damaged if no site holds it whole."""
        if self.found is None:
            raise Damaged(f"no site gives {self.batch.key} whole", key=self.batch.key)
        return self

    def cancel(self) -> None:
        """It was read already."""


def is_worth(jobs: Jobs, days: Sequence[DayPlan]) -> bool:
    """Is the work large enough for worker processes?"""
    return bool(days) and (jobs.ready or sum(_rows(day) for day in days) >= WORTH_ROWS)


def write_elsewhere(
    jobs: Jobs,
    days: Sequence[DayPlan],
    *,
    archive: str,
    repeats: Callable[[str], dict[str, str]],
    cutter: Cutter,
) -> Generator[tuple[str, SegmentManifest], None, None]:
    """Every segment of these days past its trust point, with its manifest's key, in the order of the days.

    Args:
        archive: its id.
        repeats: of a batch, id of an entry that repeats another -> id of the one that stands.

    Raises SiteUnavailable, KeyUnavailable, Damaged, SettingsError. Close it where it may be left early.
    """
    told: set[str] = set()
    for few in _rounds(days, _ROUND * cutter.limits.rows):
        measured = {
            one.batch.key: one for one in _measured(jobs, [b for day in few for b in day.batches], archive)
        }
        left = set(measured)
        while left:
            cuts = [
                cut
                for day in few
                for cut in cutter.cut((b, measured[b.key]) for b in day.batches if b.key in left)
            ]
            left = set()
            orders = (_order(cut, archive, repeats) for cut in cuts)
            with closing(jobs.map(write_segment, orders)) as written:
                for cut, done in zip(cuts, written, strict=True):
                    for key, manifest in done.segments:
                        if key not in told:
                            told.add(key)
                            yield key, manifest
                    if done.spoiled:  # cut again without them
                        left |= {one.batch.key for one in cut}
                        measured |= {key: replace(measured[key], found=None) for key in done.spoiled}


def _measured(jobs: Jobs, batches: Sequence[KnownBatch], archive: str) -> Iterator[BatchMeasurement]:
    groups = list(_groups(batches))
    asked = (ToMeasure(archive, tuple((one.key, one.commit) for one in group)) for group in groups)
    with closing(jobs.map(measure, asked)) as found:
        for group, sizes in zip(groups, found, strict=True):
            for batch, size in zip(group, sizes, strict=True):
                yield BatchMeasurement(batch, size)


def _order(
    cut: Sequence[BatchMeasurement], archive: str, repeats: Callable[[str], dict[str, str]]
) -> SegmentOrder:
    together: dict[str, str] = {}
    for one in cut:
        together |= repeats(one.batch.key)
    return SegmentOrder(archive, tuple((one.batch.key, one.batch.commit) for one in cut), together)


def _groups(batches: Sequence[KnownBatch]) -> Iterator[list[KnownBatch]]:
    group, rows = list[KnownBatch](), 0
    for batch in batches:
        group.append(batch)
        rows += batch.header.rows
        if rows >= ROWS or len(group) == _BATCHES:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _rounds(days: Sequence[DayPlan], most: int) -> Iterator[list[DayPlan]]:
    few, rows = list[DayPlan](), 0
    for day in days:
        few.append(day)
        rows += _rows(day)
        if rows >= most:
            yield few
            few, rows = [], 0
    if few:
        yield few


def _rows(day: DayPlan) -> int:
    return sum(batch.header.rows for batch in day.batches)
