"""A site in which the writing verbs do not exist.

``ReadOnlySite`` holds the reading methods of a site and nothing that leads to the others by name: code that
tries to put, extend or delete through it meets an AttributeError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import cast

from vanvault.archiver.stores.port import Capabilities, Site, SiteReader, StoredVersion, Stray


class ReadOnlySite:
    """``SiteReader`` over the reading methods of a site; closing it closes nothing."""

    __slots__ = (
        "_capabilities", "_get", "_get_locked", "_get_range", "_list", "_name", "_now", "_stat", "_strays",
        "_versions",
    )  # fmt: skip

    def __init__(self, site: SiteReader) -> None:
        self._name = site.site
        self._capabilities: Callable[[], Capabilities] = lambda: site.capabilities
        self._get, self._get_range, self._stat = site.get, site.get_range, site.stat
        self._get_locked = site.get_locked
        self._versions, self._list, self._strays, self._now = site.versions, site.list, site.strays, site.now

    @property
    def site(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities()

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        return self._get(key, version, most=most)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self._get_range(key, offset, length, version)

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self._get_locked(key, version, most=most)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return self._stat(key, version)

    def versions(self, key: str) -> list[StoredVersion]:
        return self._versions(key)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        return self._list(prefix, after)

    def strays(self) -> Iterator[Stray]:
        return self._strays()

    def now(self) -> datetime:
        return self._now()

    def close(self) -> None:
        """The site belongs to somebody else."""


def read_only(sites: Mapping[str, SiteReader]) -> Mapping[str, Site]:
    """These sites for an archive that reads.

    They have the type of whole sites, because one code path serves programs that write and programs that only
    read. Should it write after all, there is no such verb: it stops with an AttributeError.
    """
    return cast("Mapping[str, Site]", {name: ReadOnlySite(site) for name, site in sites.items()})
