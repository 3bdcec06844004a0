"""Sources of hits in time order: the hot tail, each segment, and their merge.

A source yields *steps* in its order: either a hit, or a bound, which promises that nothing more comes from it
before that position. Bounds let the merge stop between two expensive reads, at a position from which a
later page can go on. A source is opened only when the merge reaches it. Values are compared, not only tokens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from vanvault.archiver.catalogue.arrays import distinct
from vanvault.archiver.catalogue.catalogue import KnownSegment
from vanvault.archiver.catalogue.hot_tail import HotTail, TailRow
from vanvault.archiver.catalogue.items import keys_of_filters, matches
from vanvault.archiver.catalogue.merging import merge_opened
from vanvault.archiver.catalogue.search.candidates import Candidate, is_keyed
from vanvault.archiver.catalogue.search.query import Bounds, Query
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import Located, part_of
from vanvault.archiver.catalogue.segments.row_files import Block
from vanvault.archiver.catalogue.segments.rows import position_at
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
H = TypeVar("H")
H_co = TypeVar("H_co", covariant=True)

#: Positions have 12 bytes; bounds may be shorter, or one byte longer.
_RANK_BYTES = 13


@dataclass(frozen=True, slots=True)
class SourceStep(Generic[H_co]):
    """A hit at a position, or (``hit`` None) a bound."""

    position: bytes  # 12
    hit: H_co | None = None


@dataclass(frozen=True, slots=True)
class Source(Generic[H_co]):
    """Steps that are opened when the merge reaches ``bound``."""

    bound: bytes  # nothing of it comes before this position
    steps: Callable[[], Iterator[SourceStep[H_co]]]


def merge_sources(sources: Iterable[Source[H]], *, newest: bool) -> Iterator[SourceStep[H]]:
    """All steps in order of position; hits at one position come together."""

    def rank(position: bytes) -> int:
        value = int.from_bytes(position.ljust(_RANK_BYTES, b"\0"))
        return -value if newest else value

    opened = ((rank(source.bound), source.steps) for source in sources)
    return merge_opened(opened, lambda step: rank(step.position))


#: Rows of the hot tail without a match, after which the search is told how far the scan is.
_BETWEEN_BOUNDS = 1024


def tail_source(tail: HotTail, query: Query, bounds: Bounds) -> Source[TailRow]:
    """The hot tail's hits. To be walked within one ``snapshot`` of it, on the same thread."""
    bound = bounds.high if query.order == "newest" else bounds.low
    return Source(bound, lambda: _tail_steps(tail, query, bounds))


def _tail_steps(tail: HotTail, query: Query, bounds: Bounds) -> Iterator[SourceStep[TailRow]]:
    looked_at = 0
    pairs, newest = keys_of_filters(query.filters), query.order == "newest"
    for row in tail.scan(pairs, bounds.low, bounds.high, newest=newest):
        if matches(row.item, query.filters) and query.occurred_then(row.item):
            yield SourceStep(row.position, row)
            continue
        looked_at += 1
        if looked_at % _BETWEEN_BOUNDS == 0:
            yield SourceStep(row.position)  # a search that finds little may stop here, and go on later


#: Called with the segment that cannot be read, and why.
Unreadable = Callable[[KnownSegment, VanVaultError], None]
#: A row group, and the numbers of its rows that match the query, ascending.
Matched = tuple[Block, list[int]]
#: That of a candidate's row group.
Matching = Callable[[Candidate, int], Matched]
#: Row groups that are read with one request at most.
_TOGETHER = 4
#: A stretch of row groups, by number.
Stretch = dict[int, Block]


class SegmentSearch:
    """Makes the sources of one query after the other; safe to use from many threads."""

    def __init__(self, files: SegmentFiles, executor: Executor) -> None:
        """``executor``: threads that decode row groups ahead."""
        self._files = files
        self._executor = executor

    @contextmanager
    def sources(
        self, found: Sequence[Candidate], query: Query, bounds: Bounds, unreadable: Unreadable
    ) -> Iterator[list[Source[Located]]]:
        """One source for each candidate that overlaps the bounds, to be used within the block."""
        newest = query.order == "newest"
        here = [
            one
            for one in found
            if one.segment.manifest.last_us >= bounds.from_us
            and one.segment.manifest.first_us <= bounds.to_us
        ]
        if is_keyed(query):
            self._read_first(here, query, bounds)
        with closing(self._ahead(here, query)) as ahead:

            def matching(one: Candidate, group: int) -> Matched:
                return self._matching(one, group, query, ahead)

            yield [
                Source(
                    _bound(one.segment, bounds, newest=newest),
                    lambda one=one: self._steps(one, query, bounds, matching, unreadable),  # type: ignore[misc]
                )
                for one in here
            ]

    def _steps(
        self, one: Candidate, query: Query, bounds: Bounds, matching: Matching, unreadable: Unreadable
    ) -> Iterator[SourceStep[Located]]:
        try:
            yield from self._read(one, query, bounds, matching)
        except (Damaged, NotFound, SiteUnavailable) as error:
            unreadable(one.segment, error)

    def _read(
        self, one: Candidate, query: Query, bounds: Bounds, matching: Matching
    ) -> Iterator[SourceStep[Located]]:
        manifest, newest = one.segment.manifest, query.order == "newest"
        part = part_of(manifest, "log")
        header = self._files.log_groups(manifest, part)
        groups = _groups(one, header.group_rows, header.first_us, bounds)
        for group in reversed(groups) if newest else groups:
            if newest:
                after = group + 1
                end = header.first_us[after] if after < len(header.first_us) else manifest.last_us
                yield SourceStep(min(_after(end), bounds.high))
            else:
                yield SourceStep(max(_before(header.first_us[group]), bounds.low))
            block, numbers = matching(one, group)
            for chosen in _pages(numbers[::-1] if newest else numbers, query.limit + 1):
                for row in block.rows_at(chosen):
                    if bounds.low <= (at := position_at(row)) < bounds.high:
                        yield SourceStep(at, Located(one.segment, row))

    def _ahead(self, found: Sequence[Candidate], query: Query) -> ReadAhead[tuple[int, int], Stretch]:
        """Row groups by stretches, the next ones ahead where the index names groups and not rows."""
        newest = query.order == "newest"
        stretches: dict[tuple[int, int], tuple[Candidate, list[int]]] = {}
        for one in sorted(found, key=lambda one: one.segment.manifest.last_us, reverse=newest):
            if one.rows is None and one.groups is not None:
                for group in (one.groups[::-1] if newest else one.groups).tolist():
                    stretches.setdefault((id(one), group // _TOGETHER), (one, []))[1].append(group)

        def read(at: tuple[int, int]) -> Stretch:
            one, groups = stretches[at]
            manifest = one.segment.manifest
            return self._files.blocks(manifest, part_of(manifest, "log"), groups)

        return ReadAhead(self._executor, list(stretches), read)

    def _matching(
        self, one: Candidate, group: int, query: Query, ahead: ReadAhead[tuple[int, int], Stretch]
    ) -> Matched:
        manifest, filters = one.segment.manifest, query.filters | {"repeats": ""}
        part, among = part_of(manifest, "log"), None
        if one.rows is None and one.groups is not None:
            block = ahead.get((id(one), group // _TOGETHER))[group]
        else:
            block = self._files.blocks(manifest, part, [group])[group]
        if one.rows is not None:
            group_rows = self._files.log_groups(manifest, part).group_rows
            first, end = np.searchsorted(one.rows, (group * group_rows, (group + 1) * group_rows))
            among = one.rows[first:end].astype(np.int64) - group * group_rows
        return block, block.matching(filters, among).tolist()

    def _read_first(self, found: Sequence[Candidate], query: Query, bounds: Bounds) -> None:
        """Decode, on several threads, the row groups that the first page will most likely need."""
        newest = query.order == "newest"
        ordered = sorted(found, key=lambda one: one.segment.manifest.last_us, reverse=newest)
        tasks = list(islice(self._tasks(ordered, query, bounds), query.limit + 1))
        if len(tasks) > 1:
            for future in [self._executor.submit(self._try, *task) for task in tasks]:
                future.result()

    def _tasks(
        self, found: Sequence[Candidate], query: Query, bounds: Bounds
    ) -> Iterator[tuple[KnownSegment, int]]:
        rows = 0
        for one in found:
            if one.rows is None or rows > query.limit:
                return
            try:
                header = self._files.log_groups(one.segment.manifest, part_of(one.segment.manifest, "log"))
            except VanVaultError:
                continue  # said when its turn comes
            groups = _groups(one, header.group_rows, header.first_us, bounds)
            for group in reversed(groups) if query.order == "newest" else groups:
                rows += int(np.count_nonzero(one.rows // header.group_rows == group))
                yield one.segment, group
                if rows > query.limit:
                    return

    def _try(self, segment: KnownSegment, group: int) -> None:
        try:
            self._files.blocks(segment.manifest, part_of(segment.manifest, "log"), [group])
        except VanVaultError:
            return  # said when its turn comes


def _pages(numbers: list[int], size: int) -> Iterator[list[int]]:
    """Chunks of row numbers; callers usually stop in the first."""
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _groups(one: Candidate, group_rows: int, starts: Sequence[int], bounds: Bounds) -> list[int]:
    """Row groups to read, ascending, that may hold rows within the bounds."""
    low = max(0, bisect_left(starts, bounds.from_us) - 1)
    high = bisect_right(starts, bounds.to_us)
    if one.rows is not None:
        wanted = distinct(one.rows // group_rows)
        if one.groups is not None:
            wanted = np.intersect1d(wanted, one.groups, assume_unique=True)
    elif one.groups is not None:
        wanted = one.groups
    else:
        return list(range(low, high))
    numbers: list[int] = wanted[(wanted >= low) & (wanted < high)].tolist()
    return numbers


def _bound(segment: KnownSegment, bounds: Bounds, *, newest: bool) -> bytes:
    if newest:
        return min(_after(segment.manifest.last_us), bounds.high)
    return max(_before(segment.manifest.first_us), bounds.low)


def _after(us: int) -> bytes:
    """A position that comes after every entry of this time."""
    return (us + 1).to_bytes(8) + b"\0\0\0\0"


def _before(us: int) -> bytes:
    """A position that comes before every entry of this time."""
    return max(0, us - 1).to_bytes(8) + b"\xff\xff\xff\xff"


class ReadAhead(Generic[K, T]):
    """Gives pieces in order (pieces may be left out), the last one as often as it is asked for.

    For one thread, which closes it, and which does the work itself where nobody began it. It looks one piece
    ahead first and up to ``most`` later, because many askers want only the first.
    """

    def __init__(
        self, executor: Executor, order: Sequence[K], work: Callable[[K], T], *, most: int = 2
    ) -> None:
        self._executor = executor
        self._order = order
        self._places = {piece: place for place, piece in enumerate(order)}
        self._work = work
        self._most = most
        self._ahead = 1
        self._begun: dict[K, Future[T]] = {}
        self._last: tuple[K, T] | None = None

    def get(self, piece: K) -> T:
        """What the work gives. Raises whatever the work raises."""
        if self._last is not None and self._last[0] == piece:
            return self._last[1]
        place = self._places.get(piece)
        if place is None:
            return self._work(piece)
        for following in self._order[place + 1 : place + 1 + self._ahead]:
            if following not in self._begun:
                self._begun[following] = self._executor.submit(self._work, following)
        self._ahead = min(self._most, 2 * self._ahead)
        begun = self._begun.pop(piece, None)
        found = begun.result() if begun is not None and not begun.cancel() else self._work(piece)
        self._last = piece, found
        return found

    def close(self) -> None:
        """Cancel the work that has not begun and was not asked for."""
        for future in self._begun.values():
            future.cancel()
