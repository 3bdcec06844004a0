"""The ten-year index, built from segments alone: on several processes, since it is work for the processor.

Each worker opens the home by its path, indexes some segments into one file and stores that; this process
notes in the catalogue what is done. Killed at any moment it is begun again: files that were stored count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import FoldReport
from vanvault.archiver.upkeep.processes import Jobs

#: Segments of one file: as many postings as a worker holds in memory at once.
TOGETHER = 16
#: Files that are made at least, where there are segments for them: so that no worker has nothing to do.
FILES = 8
#: With fewer segments than this, starting processes costs more than it gives.
WORTH_WORKERS = 3


@dataclass(frozen=True, slots=True)
class TierStatus:
    """The index files of one tier."""

    tier: str
    files: int
    segments: int
    rows: int
    bytes: int  # of index files and their filters


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What the index of this home holds."""

    tiers: tuple[TierStatus, ...]
    segments: int  # that the archive has
    not_indexed: tuple[str, ...]  # log parts

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.tiers)

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.tiers)


def index_status(archive: Archive) -> IndexStatus:
    """Level with what the sites list. Raises SiteUnavailable, KeyUnavailable."""
    archive.catch_up_segments()
    lacking = archive.index.wanting()
    return IndexStatus(
        tiers=tuple(TierStatus(*one) for one in archive.index.tiers()),
        segments=len(archive.catalogue.segments()),
        not_indexed=tuple(lacking),
    )


def rebuild_index(
    archive: Archive,
    *,
    discard: bool = False,
    jobs: Jobs | None = None,
    begin: Callable[[int], Callable[[int], None]] = lambda total: lambda done: None,
) -> FoldReport:
    """Index every segment that is not; with ``discard`` delete what there is first.

    Args:
        jobs: other processes that do it, when they are there or there is enough for them to do.
        begin: told how many segments there are to do; gives what is told of each few that are done.

    Raises SiteUnavailable, KeyUnavailable: what was done until then stands.
    """
    archive.catch_up_segments()
    if discard:
        archive.index.discard()
    archive.index.refresh()
    missing = archive.index.wanting()
    step = begin(len(missing))
    if jobs is not None and (jobs.ready or len(missing) > WORTH_WORKERS):
        report = archive.index.rebuild(step, build=_spread(jobs))
    else:
        report = archive.index.rebuild(step)
    # What the hot tail held of these segments has left it; what no segment could give comes back to it.
    archive.catch_up()
    return report


def _spread(jobs: Jobs) -> Callable[[Sequence[str]], Iterator[tuple[list[str], list[str]]]]:
    """How ``KeyIndex.rebuild`` stores index files, on other processes."""

    def build(logs: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
        size = max(1, min(TOGETHER, -(-len(logs) // FILES)))
        groups = [list(logs[at : at + size]) for at in range(0, len(logs), size)]
        with closing(jobs.map(build_file, groups)) as built:
            yield from built

    return build


def build_file(home: Path, logs: list[str]) -> tuple[list[str], list[str]]:
    """In a worker: one index file of these log parts. Raises what the archive raises."""
    with Archive(home) as archive:
        return archive.index.build(logs)
