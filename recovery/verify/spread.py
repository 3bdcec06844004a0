"""Where a verification reads: on threads of this process, or group by group on other processes.

What is small is read here. So is the beginning of what is large: workers take about a second to start.

A worker reads and opens objects as ``reading.py`` does and sends back what it found, without the bytes. What
needs the order of things (chains, references, presence) stays with ``fold.py`` in the process that asked, so
that the findings are the same wherever the bytes were read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from vanvault.archiver.appliance import Components, open_sites
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.stores import SiteReader
from vanvault.recovery.objects import Copies, SegmentCopies
from vanvault.recovery.verify.reading import ObjectRead, ObjectReader
from vanvault.recovery.verify.segment_reading import SegmentRead, SegmentReader
from vanvault.recovery.work import Effort, Extent, in_order

if TYPE_CHECKING:
    from vanvault.archiver.upkeep import Jobs

#: Bytes in memory for each stored byte, about, of an object: the good bytes and the ones just read, and what
#: is decoded from them. Likewise of a segment's originals, the bodies of which are hashed row group by row
#: group. Its other parts are decoded whole, and their rows are checked.
_OBJECT_WEIGHT = 3
_ROWS_WEIGHT = 12
#: What one worker is given at a time: enough to be worth sending, little enough to share out evenly.
GROUP = Extent(objects=256, bytes=32 * 2**20)
#: With no more than this, starting processes costs more than it gives.
SMALL = Extent(objects=4_000, bytes=256 * 2**20)

_Sized = TypeVar("_Sized", Copies, SegmentCopies)
_Read = TypeVar("_Read")


class Readers(Protocol):
    """Read in parallel; results come in the order of what was asked for, which is taken no further ahead
    than needed."""

    def objects(self, listed: Iterable[tuple[Copies, bool]]) -> Iterator[tuple[Copies, ObjectRead | None]]:
        """Each object, with what was read of it where it was to be read."""
        ...

    def segments(
        self, listed: Iterable[tuple[SegmentCopies, bool]]
    ) -> Iterator[tuple[SegmentCopies, SegmentRead]]:
        """Each segment, with its parts where they were to be read, else only its manifests."""
        ...


class Threads:
    """Reads in this process."""

    def __init__(self, reader: ObjectReader, effort: Effort) -> None:
        self._reader = reader
        self._segments = SegmentReader(reader)
        self._effort = effort

    def objects(self, listed: Iterable[tuple[Copies, bool]]) -> Iterator[tuple[Copies, ObjectRead | None]]:
        def weight(one: tuple[Copies, bool]) -> int:
            return _OBJECT_WEIGHT * one[0].size if one[1] else 0

        for (copies, _), read in in_order(listed, self._object, size=weight, effort=self._effort):
            yield copies, read

    def segments(
        self, listed: Iterable[tuple[SegmentCopies, bool]]
    ) -> Iterator[tuple[SegmentCopies, SegmentRead]]:
        for (segment, _), read in in_order(listed, self._segment, size=_in_memory, effort=self._effort):
            yield segment, read

    def _object(self, one: tuple[Copies, bool]) -> ObjectRead | None:
        copies, due = one
        name = parse_key(copies.key)
        return self._reader.read(name, copies) if due and name is not None else None

    def _segment(self, one: tuple[SegmentCopies, bool]) -> SegmentRead:
        segment, parts = one
        return self._segments.read(segment, parts=parts)


@dataclass(frozen=True, slots=True)
class Group(Generic[_Sized]):
    """What one worker reads at a time."""

    archive: str  # the id that its home must have
    sites: tuple[str, ...]
    effort: Effort
    listed: tuple[tuple[_Sized, bool], ...]


class Workers:
    """Reads on other processes, once there is so much to read that they pay."""

    def __init__(
        self,
        jobs: Jobs,
        here: Readers,
        *,
        archive: str,
        sites: Iterable[str],
        effort: Effort,
        small: Extent = SMALL,
    ) -> None:
        """``here``: reads what is not worth sending. ``effort``: of each worker."""
        self._jobs = jobs
        self._here = here
        self._archive = archive
        self._sites = tuple(sites)
        self._effort = effort
        self._small = small

    def objects(self, listed: Iterable[tuple[Copies, bool]]) -> Iterator[tuple[Copies, ObjectRead | None]]:
        yield from self._shared_out(read_objects, listed, self._here.objects)

    def segments(
        self, listed: Iterable[tuple[SegmentCopies, bool]]
    ) -> Iterator[tuple[SegmentCopies, SegmentRead]]:
        yield from self._shared_out(read_segments, listed, self._here.segments)

    def _shared_out(
        self,
        function: Callable[[Path, Group[_Sized]], tuple[_Read, ...]],
        listed: Iterable[tuple[_Sized, bool]],
        here: Callable[[Iterable[tuple[_Sized, bool]]], Iterator[tuple[_Sized, _Read]]],
    ) -> Iterator[tuple[_Sized, _Read]]:
        """What is small is read here; else it is read here until there are workers for the rest."""
        stream = iter(listed)
        if not self._jobs.ready:
            first, small = _beginning(stream, self._small)
            stream = chain(first, stream)
            if not small:
                self._jobs.start(function)
            yield from here(stream if small else self._until_ready(stream))
        yield from self._sent(function, stream)

    def _until_ready(self, listed: Iterator[tuple[_Sized, bool]]) -> Iterator[tuple[_Sized, bool]]:
        while not self._jobs.ready and (one := next(listed, None)) is not None:
            yield one

    def _sent(
        self,
        function: Callable[[Path, Group[_Sized]], tuple[_Read, ...]],
        listed: Iterable[tuple[_Sized, bool]],
    ) -> Iterator[tuple[_Sized, _Read]]:
        sent: deque[tuple[tuple[_Sized, bool], ...]] = deque()

        def groups() -> Iterator[Group[_Sized]]:
            for group in _groups(listed, GROUP):
                sent.append(group)
                yield Group(self._archive, self._sites, self._effort, group)

        with closing(self._jobs.map(function, groups())) as found:
            for reads in found:
                for (one, _), read in zip(sent.popleft(), reads, strict=True):
                    yield one, read


def read_objects(home: Path, group: Group[Copies]) -> tuple[ObjectRead | None, ...]:
    """In a worker: what was read of each object. Raises SettingsError, KeyUnavailable: not this home."""
    with _reader(home, group.archive, group.sites) as reader:
        return tuple(read for _, read in Threads(reader, group.effort).objects(group.listed))


def read_segments(home: Path, group: Group[SegmentCopies]) -> tuple[SegmentRead, ...]:
    """In a worker: what was read of each segment. Raises SettingsError, KeyUnavailable: not this home."""
    with _reader(home, group.archive, group.sites) as reader:
        return tuple(read for _, read in Threads(reader, group.effort).segments(group.listed))


def reader_of(components: Components, sites: Mapping[str, SiteReader]) -> ObjectReader:
    """Reads from these sites of an archive, with its keys."""
    return ObjectReader(
        sites,
        archive=components.settings.archive,
        parquet=ParquetKeys(components.keys, components.object_trust),
        keys=components.keys,
        public_key=components.signing.public,
    )


@contextmanager
def _reader(home: Path, archive_id: str, sites: Iterable[str]) -> Iterator[ObjectReader]:
    with open_sites(home, archive_id) as components:
        yield reader_of(components, {name: components.sites[name] for name in sites})


def _beginning(
    listed: Iterator[tuple[_Sized, bool]], small: Extent
) -> tuple[list[tuple[_Sized, bool]], bool]:
    """What was taken of the stream to measure it, and whether that was all and is small."""
    first, extent = list[tuple[_Sized, bool]](), Extent()
    for one in listed:
        first.append(one)
        extent += _extent(one)
        if extent.objects > small.objects or extent.bytes > small.bytes:
            return first, False
    return first, True


def _groups(listed: Iterable[tuple[_Sized, bool]], most: Extent) -> Iterator[tuple[tuple[_Sized, bool], ...]]:
    group, extent = list[tuple[_Sized, bool]](), Extent()
    for one in listed:
        group.append(one)
        extent += _extent(one)
        if extent.objects >= most.objects or extent.bytes >= most.bytes:
            yield tuple(group)
            group, extent = [], Extent()
    if group:
        yield tuple(group)


def _in_memory(one: tuple[SegmentCopies, bool]) -> int:
    """Bytes that the reading of a segment holds, about."""
    segment, parts = one
    return sum(_weight(copies.key, parts=parts) * copies.size for copies in segment.objects)


def _weight(key: str, *, parts: bool) -> int:
    name = parse_key(key)
    if name is None or not (parts or name.kind == "manifest"):
        return 0
    return _OBJECT_WEIGHT if name.kind == "originals" else _ROWS_WEIGHT


def _extent(one: tuple[_Sized, bool]) -> Extent:
    """One object of so many bytes, none of which count where it is not to be read."""
    sized, due = one
    return Extent(1, sized.size if due else 0)
