"""Sites as a drill may see them: a subset of a read-only site, and one site laid over another."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from operator import attrgetter

from vanvault.archiver.core.names import parse_key
from vanvault.archiver.stores import ReadOnlySite, SiteReader, StoredVersion
from vanvault.recovery.verify import Subset
from vanvault.recovery.work import Extent


class SubsetOfSite(ReadOnlySite):
    """Lists only the objects of a subset, and names of no object; what is asked for by name is given."""

    __slots__ = ("_subset",)

    def __init__(self, site: SiteReader, subset: Subset) -> None:
        super().__init__(site)
        self._subset = subset

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        return (version for version in super().list(prefix, after) if in_subset(version.key, self._subset))


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
