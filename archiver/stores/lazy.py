"""A site that may be away: opened at its first use, and again after it was away.

So a node starts, searches and restores while a site is down, and goes on by itself when the site is
back, even if that is a new folder at the old path.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar, cast

from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.stores.ordered import in_order
from vanvault.archiver.stores.port import (
    AllRights,
    Capabilities,
    Incoming,
    Site,
    StoredVersion,
    Stray,
    able_to_pass,
    passing,
)

_T = TypeVar("_T")


class LazySite:
    """``Site`` over whatever ``opener`` gives; safe to share between threads."""

    def __init__(self, name: str, opener: Callable[[], Site]) -> None:
        """``opener`` raises SiteUnavailable while the site is away."""
        self._name = name
        self._opener = opener
        self._open: Site | None = None
        self._lock = threading.Lock()

    @property
    def site(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return self._use().capabilities

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        return self._call(lambda site: site.get(key, version, most=most))

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self._call(lambda site: site.get_range(key, offset, length, version))

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self._call(lambda site: site.get_locked(key, version, most=most))

    def passes_on(self) -> bool:
        """See ``Passing.passes_on``."""
        return passing(self._use()) is not None

    def open_locked(self, key: str, version: str, *, most: int | None = None) -> Incoming:
        return self._call(lambda site: able_to_pass(site).open_locked(key, version, most=most))

    def put_from(
        self, key: str, incoming: Incoming, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        return able_to_pass(self._use()).put_from(key, incoming, sha256=sha256, retain_until=retain_until)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return self._call(lambda site: site.stat(key, version))

    def versions(self, key: str) -> list[StoredVersion]:
        return self._call(lambda site: site.versions(key))

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        return in_order(self._stream(lambda site: site.list(prefix, after)), self._name, prefix, after)

    def strays(self) -> Iterator[Stray]:
        return self._stream(lambda site: site.strays())

    def now(self) -> datetime:
        return self._call(lambda site: site.now())

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        return self._call(lambda site: site.put(key, data, sha256=sha256, retain_until=retain_until))

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        return self._call(lambda site: site.extend(key, version, retain_until))

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _use(self) -> Site:
        with self._lock:
            if self._open is None:
                self._open = self._opener()
            return self._open

    def _call(self, verb: Callable[[Site], _T]) -> _T:
        site = self._use()
        try:
            return verb(site)
        except SiteFull:
            raise  # it is there, and another opening would not make room
        except SiteUnavailable:
            self._reopen_next_time(site)
            raise

    def _stream(self, listing: Callable[[Site], Iterator[_T]]) -> Iterator[_T]:
        site = self._use()
        try:
            yield from listing(site)
        except SiteUnavailable:
            self._reopen_next_time(site)
            raise

    def _reopen_next_time(self, site: Site) -> None:
        # Other threads may still be inside the old one: it is let go of, not closed under them.
        with self._lock:
            if self._open is site:
                self._open = None


class LazyDisposer(LazySite):
    """``AllRights`` over whatever ``opener`` gives, for ``disposing.py``."""

    def __init__(self, name: str, opener: Callable[[], AllRights]) -> None:
        super().__init__(name, opener)

    def delete(self, key: str, version: str) -> None:
        def remove(site: Site) -> None:
            cast(AllRights, site).delete(key, version)

        self._call(remove)
