"""Sites as a drill may see them: a subset of a read-only site, and one site laid over another."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TypeVar

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.stores import ReadOnlySite, Site, SiteReader, StoredVersion
from vanvault.recovery.verified import Subset
from vanvault.recovery.work import Extent

_T = TypeVar("_T")


def nothing_else(key: str) -> bool:
    """Default: a subset is the subset."""
    return False


class SubsetOfSite(ReadOnlySite):
    """Lists only the objects of a subset, and names of no object; what is asked for by name is given.

    ``also``: other objects that are listed, such as batches that stand in for a log of the subset.
    """

    __slots__ = ("_also", "_subset")

    def __init__(self, site: SiteReader, subset: Subset, also: Callable[[str], bool] = nothing_else) -> None:
        super().__init__(site)
        self._subset = subset
        self._also = also

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        return (version for version in super().list(prefix, after) if self._holds(version.key))

    def _holds(self, key: str) -> bool:
        return in_subset(key, self._subset) or self._also(key)


class Together(ReadOnlySite):
    """What several sites hold between them, as one: each object from the first of them that lists it.

    Under the policy ``any``, and while a site is out, one site holds what the other lacks yet. A recovery has
    both, and so has its rehearsal.
    """

    __slots__ = ("_all",)

    def __init__(self, first: SiteReader, others: Iterable[SiteReader]) -> None:
        super().__init__(first)
        self._all = (ReadOnlySite(first), *map(ReadOnlySite, others))

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        return self._first(lambda site: site.get(key, version, most=most))

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self._first(lambda site: site.get_range(key, offset, length, version))

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self._first(lambda site: site.get_locked(key, version, most=most))

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return self._first(lambda site: site.stat(key, version))

    def versions(self, key: str) -> list[StoredVersion]:
        return next((found for site in self._all if (found := site.versions(key))), [])

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        def of(number: int, site: SiteReader) -> Iterator[tuple[str, int, StoredVersion]]:
            return ((found.key, number, found) for found in site.list(prefix, after))

        listings = [of(number, site) for number, site in enumerate(self._all)]
        merged = heapq.merge(*listings, key=itemgetter(0, 1))
        for _, lines in groupby(merged, key=itemgetter(0)):
            chosen = None
            for _, number, found in lines:
                chosen = number if chosen is None else chosen
                if number == chosen:
                    yield found

    def _first(self, ask: Callable[[SiteReader], _T]) -> _T:
        for site in self._all[:-1]:
            with suppress(NotFound):
                return ask(site)
        return ask(self._all[-1])


class Layered(Together):
    """A site that is only read, and a scratch site that takes what a node would put there.

    So a new node completes, as every start does, what only some sites hold, and nothing reaches the site.
    """

    __slots__ = ("_layer",)

    def __init__(self, layer: Site, below: SiteReader) -> None:
        super().__init__(layer, (below,))
        self._layer = layer

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        return self._layer.put(key, data, sha256=sha256, retain_until=retain_until)

    def close(self) -> None:
        self._layer.close()


class Overlay(ReadOnlySite):
    """The recovered subset of a site, and of the survivor all that is outside the subset.

    So names, presence and chains can be verified whole when only a subset was recovered.
    """

    __slots__ = ("_subset", "_survivor")

    def __init__(self, recovered: SiteReader, survivor: SiteReader, subset: Subset) -> None:
        super().__init__(recovered)
        self._survivor = ReadOnlySite(survivor)
        self._subset = subset

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        if self._is_ours(key):
            return super().get(key, version, most=most)
        return self._survivor.get(key, version, most=most)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        if self._is_ours(key):
            return super().get_range(key, offset, length, version)
        return self._survivor.get_range(key, offset, length, version)

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        if self._is_ours(key):
            return super().get_locked(key, version, most=most)
        return self._survivor.get_locked(key, version, most=most)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return super().stat(key, version) if self._is_ours(key) else self._survivor.stat(key, version)

    def versions(self, key: str) -> list[StoredVersion]:
        return super().versions(key) if self._is_ours(key) else self._survivor.versions(key)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        ours = (found for found in super().list(prefix, after) if self._is_ours(found.key))
        theirs = (found for found in self._survivor.list(prefix, after) if not self._is_ours(found.key))
        return heapq.merge(ours, theirs, key=attrgetter("key"))

    def _is_ours(self, key: str) -> bool:
        return in_subset(key, self._subset)


class ById(Subset):
    """A subset in which a segment's id decides, so that the key of any of its objects tells."""

    def holds_segment(self, segment: str, last: bytes) -> bool:
        return self.holds(hashlib.sha256(segment.encode()).digest())


def in_subset(key: str, subset: Subset) -> bool:
    """Is the object with this key in the subset? Names of no object are in every subset."""
    name = parse_key(key)
    if name is None:
        return True
    if name.family == "segment":
        return ById(subset.number, subset.of).holds_segment(name.writer, name.sha256)
    return subset.holds(name.sha256)


def extents(source: SiteReader, subset: Subset) -> tuple[Extent, Extent]:
    """Newest versions at a site: all, and those in the subset. Raises SiteUnavailable."""
    total = todo = Extent()
    last = ""
    for version in source.list():
        if version.key == last:
            continue
        last = version.key
        total += Extent(1, version.size)
        if in_subset(version.key, subset):
            todo += Extent(1, version.size)
    return total, todo
