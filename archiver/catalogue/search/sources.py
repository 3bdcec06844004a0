"""A query over segments, as sources of hits in time order. Values are compared, not only tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vanvault.archiver.catalogue.catalogue import KnownSegment
from vanvault.archiver.catalogue.search.bounds import Bounds
from vanvault.archiver.catalogue.search.candidates import Candidate, is_keyed
from vanvault.archiver.catalogue.search.query import Query
from vanvault.archiver.catalogue.search.streams import Source, Step
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import Located, part_of
from vanvault.archiver.catalogue.segments.read_ahead import ReadAhead
from vanvault.archiver.catalogue.segments.rows import columns_of, mask, position_at, rows_at
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError

#: Called with the segment that cannot be read, and why.
Unreadable = Callable[[KnownSegment, VanVaultError], None]
#: A row group, and the numbers of its rows that match the query, ascending.
Matched = tuple[pa.Table, list[int]]
#: That of a candidate's row group.
Matching = Callable[[Candidate, int], Matched]


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
                return ahead.get((id(one), group))

            yield [
                Source(
                    _bound(one.segment, bounds, newest=newest),
                    lambda one=one: self._steps(one, query, bounds, matching, unreadable),  # type: ignore[misc]
                )
                for one in here
            ]

    def _steps(
        self, one: Candidate, query: Query, bounds: Bounds, matching: Matching, unreadable: Unreadable
    ) -> Iterator[Step[Located]]:
        try:
            yield from self._read(one, query, bounds, matching)
        except (Damaged, NotFound, SiteUnavailable) as error:
            unreadable(one.segment, error)

    def _read(
        self, one: Candidate, query: Query, bounds: Bounds, matching: Matching
    ) -> Iterator[Step[Located]]:
        manifest, newest = one.segment.manifest, query.order == "newest"
        part = part_of(manifest, "log")
        header = self._files.header(manifest, part)
        groups = _groups(one, header.group_rows, header.first_us, bounds)
        for group in reversed(groups) if newest else groups:
            if newest:
                after = group + 1
                end = header.first_us[after] if after < len(header.first_us) else manifest.last_us
                yield Step(min(_after(end), bounds.high))
            else:
                yield Step(max(_before(header.first_us[group]), bounds.low))
            table, numbers = matching(one, group)
            for chosen in _pages(numbers[::-1] if newest else numbers, query.limit + 1):
                for row in rows_at(table, chosen):
                    if bounds.low <= (at := position_at(row)) < bounds.high:
                        yield Step(at, Located(one.segment, row))

    def _ahead(self, found: Sequence[Candidate], query: Query) -> ReadAhead[tuple[int, int], Matched]:
        """Rows of row groups, of the next ones ahead where the index names groups and not rows."""
        newest = query.order == "newest"
        known = {id(one): one for one in found}
        order = [
            (id(one), group)
            for one in sorted(found, key=lambda one: one.segment.manifest.last_us, reverse=newest)
            if one.rows is None and one.groups is not None
            for group in (one.groups[::-1] if newest else one.groups).tolist()
        ]
        return ReadAhead(self._executor, order, lambda at: self._matching(known[at[0]], at[1], query))

    def _matching(self, one: Candidate, group: int, query: Query) -> Matched:
        manifest, filters = one.segment.manifest, query.filters | {"repeats": ""}
        part, columns = part_of(manifest, "log"), list(dict.fromkeys(columns_of(filters)))
        if one.rows is None:
            # Most groups that the index names have a row; of the others, all but a few columns are spared.
            table = self._files.group(manifest, part, group, columns if one.groups is None else ())
            numbers = np.flatnonzero(_true(mask(table, filters)))
            return (self._files.group(manifest, part, group) if len(numbers) else table), numbers.tolist()
        group_rows = self._files.header(manifest, part).group_rows
        first, end = np.searchsorted(one.rows, (group * group_rows, (group + 1) * group_rows))
        chosen = one.rows[first:end] - group * group_rows
        table = self._files.group(manifest, part, group)
        wanted = _true(mask(table.select(columns).take(pa.array(chosen)), filters))
        return table, chosen[wanted].tolist()

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
                header = self._files.header(one.segment.manifest, part_of(one.segment.manifest, "log"))
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
            self._files.group(segment.manifest, part_of(segment.manifest, "log"), group)
        except VanVaultError:
            return  # said when its turn comes


def _pages(numbers: list[int], size: int) -> Iterator[list[int]]:
    """Most askers stop within the first: rows become Python values only when their turn comes."""
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _true(wanted: pa.Array | None) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(wanted, False))


def _groups(one: Candidate, group_rows: int, starts: Sequence[int], bounds: Bounds) -> list[int]:
    """Row groups to read, ascending, that may hold rows within the bounds."""
    low = max(0, bisect_left(starts, bounds.from_us) - 1)
    high = bisect_right(starts, bounds.to_us)
    if one.rows is not None:
        wanted = np.unique(one.rows // group_rows)
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
