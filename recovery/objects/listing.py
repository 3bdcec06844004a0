"""The listings of several sites as one stream of keys; memory is bounded by a page of each.

A site that fails to list is noted in ``away`` and falls silent; the others go on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from vanvault.archiver.core.errors import SettingsError, SiteUnavailable, VanVaultError
from vanvault.archiver.core.names import batch_prefix, large_prefix, segment_prefix
from vanvault.archiver.stores import SiteReader, StoredVersion, Stray

#: Sorts after every key that starts with the same text: keys have no character beyond "z".
LAST = "~"

_T = TypeVar("_T")
_Entry = tuple[str, str, tuple[StoredVersion, ...]]  # key, site, versions newest first
#: Gives, in order, keys that start with a text and that should exist.
Known = Callable[[str], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Copies:
    """One key, and its versions (newest first) at each site that lists it."""

    key: str
    at: Mapping[str, tuple[StoredVersion, ...]]

    @property
    def size(self) -> int:
        """Bytes of the largest version."""
        return max((version.size for found in self.at.values() for version in found), default=0)


@dataclass(frozen=True, slots=True)
class SegmentCopies:
    """The objects of one segment, by name."""

    segment: str
    objects: tuple[Copies, ...]

    @property
    def size(self) -> int:
        """Bytes of the largest version of each."""
        return sum(copies.size for copies in self.objects)


def nothing_known(prefix: str) -> Iterator[str]:
    """No key is expected beyond those that sites list."""
    return iter(())


class Listing:
    """One pass over some sites."""

    def __init__(self, sites: Mapping[str, SiteReader], known: Known = nothing_known) -> None:
        """``known``: keys that should exist; one that no site lists comes with no copies."""
        self._sites = sites
        self._known = known
        self.away: dict[str, VanVaultError] = {}

    def everything(self) -> Iterator[Copies]:
        """Every key: those of no family, then segments, then writer by writer batches and large objects."""
        yield from self.strangers()
        for segment in self.segments():
            yield from segment.objects
        yield from self.writers()

    def strangers(self) -> Iterator[Copies]:
        """The keys of no family."""
        between = [
            ("", batch_prefix()),
            (batch_prefix() + LAST, large_prefix()),
            (large_prefix() + LAST, segment_prefix()),
            (segment_prefix() + LAST, ""),
        ]
        for after, before in between:
            yield from self.under("", after=after, before=before)

    def segments(self, segment: str = "") -> Iterator[SegmentCopies]:
        """Every segment, or one: its parts, then its manifest."""
        for owner, objects in groupby(self.under(segment_prefix(segment)), key=_owner):
            yield SegmentCopies(owner.rstrip("/"), tuple(objects))

    def writers(self) -> Iterator[Copies]:
        """Writer by writer its batches, then its large objects."""
        # What precedes the second slash orders both streams alike, whatever stands there.
        yield from heapq.merge(self.under(batch_prefix()), self.under(large_prefix()), key=_owner)

    def under(self, prefix: str, *, after: str = "", before: str = "") -> Iterator[Copies]:
        """The keys that start with ``prefix``, between ``after`` and ``before`` ("": no bound)."""
        streams = [self._one(site, prefix, after, before) for site in self._sites.values()]
        if prefix:
            streams.append((key, "", ()) for key in self._known(prefix))
        merged = heapq.merge(*streams, key=itemgetter(0))
        for key, entries in groupby(merged, key=itemgetter(0)):
            yield Copies(key, {site: versions for _, site, versions in entries if versions})

    def strays(self) -> Iterator[tuple[str, Stray]]:
        """(site, what is no version of any key)."""
        for name, site in self._sites.items():
            yield from ((name, stray) for stray in self._guarded(name, site.strays))

    def is_away(self, site: str) -> bool:
        """Has the site failed, or does it now? One object may be unreadable at a site that is there."""
        if site not in self.away:
            self._try(site, self._sites[site].now)
        return site in self.away

    def _one(self, site: SiteReader, prefix: str, after: str, before: str) -> Iterator[_Entry]:
        versions = self._guarded(site.site, lambda: site.list(prefix, after))
        for key, found in groupby(versions, key=lambda version: version.key):
            if before and key >= before:
                return
            yield key, site.site, tuple(found)

    def _guarded(self, site: str, listing: Callable[[], Iterable[_T]]) -> Iterator[_T]:
        if site in self.away:
            return
        try:
            yield from listing()
        except (SiteUnavailable, SettingsError) as error:
            self.away[site] = error

    def _try(self, site: str, verb: Callable[[], object]) -> None:
        try:
            verb()
        except (SiteUnavailable, SettingsError) as error:
            self.away[site] = error


def _owner(copies: Copies) -> str:
    """The part of a key in which the writer stands, with its slash: the order of the keys' rest, coarser."""
    rest = copies.key.partition("/")[2]
    owner, slash, _ = rest.partition("/")
    return owner + slash
