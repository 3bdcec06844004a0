"""A site that answers what its owner wants: wrong times, wrong lists, wrong bytes, or nothing.

Lies are told by a ``Site`` around the true one, so that they are the same for every kind of store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from vanvault.archiver.core.errors import NotFound, SiteUnavailable
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.archiver.stores.port import Stray

#: Seconds that a site which hangs keeps a caller waiting before it gives up.
HANG_S = 2.0
_NEVER = datetime(9998, 12, 31, tzinfo=UTC)
_LATE = timedelta(days=400)


@dataclass
class Lies:
    """The lies that are told now, by name, and what each is about."""

    told: dict[str, str] = field(default_factory=dict)  # name -> key, where it is about one
    released: threading.Event = field(default_factory=threading.Event)

    def tell(self, name: str, about: str = "") -> None:
        self.released = threading.Event()
        self.told[name] = about

    def clear(self) -> None:
        """The truth again; who hangs is let go."""
        self.told.clear()
        self.released.set()

    def __contains__(self, name: str) -> bool:
        return name in self.told

    def about(self, name: str, key: str) -> bool:
        """Is this lie told of this key?"""
        return name in self.told and self.told[name] in ("", key)


class LyingSite:
    """``Site`` with lies."""

    def __init__(self, site: Site, lies: Lies) -> None:
        self._site = site
        self._lies = lies

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def now(self) -> datetime:
        self._hang("hangs")
        now = self._site.now()
        if "clock-ahead" in self._lies:
            return now + _LATE
        if "clock-behind" in self._lies:
            return now - _LATE
        if "clock-at-the-end-of-time" in self._lies:
            return datetime.max.replace(tzinfo=UTC)
        return now

    def get(self, key: str, version: str | None = None, **bounds: Any) -> bytes:
        self._hang("hangs")
        self._hang("hangs-at-reads")
        self._deny(key)
        data = self._site.get(key, version, **bounds)
        return self._other(key, data)

    def get_locked(self, key: str, version: str, **bounds: Any) -> tuple[bytes, StoredVersion]:
        return self.get(key, version, **bounds), self.stat(key, version)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        self._hang("hangs")
        self._hang("hangs-at-reads")
        self._deny(key)
        data = self._site.get_range(key, offset, length, version)
        if self._lies.about("gives-more-than-asked", key):
            return data + bytes(length + 1)
        return self._other(key, data)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        self._hang("hangs")
        self._deny(key)
        return self._told(self._site.stat(key, version))

    def versions(self, key: str) -> list[StoredVersion]:
        self._hang("hangs")
        if self._lies.about("hides", key) or "lists-nothing" in self._lies:
            return []
        return [self._told(version) for version in self._site.versions(key)]

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        self._hang("hangs")
        self._hang("hangs-at-lists")
        if "lists-nothing" in self._lies:
            return
        found = self._site.list(prefix, after)
        if "lists-backwards" in self._lies:
            found = iter(list(found)[::-1])
        if "lists-the-first-for-ever" in self._lies:
            found = self._for_ever(found)
        if "lists-in-circles" in self._lies:
            found = self._in_circles(lambda: self._site.list(prefix, after))
        if "lists-beyond-what-was-asked" in self._lies:
            found = self._site.list()
        for version in found:
            if not self._lies.about("hides", version.key):
                yield self._told(version)

    def strays(self) -> Iterator[Stray]:
        self._hang("hangs")
        if "shows-strays-for-ever" in self._lies:
            number = 0
            while not self._lies.released.is_set():
                number += 1
                yield Stray(f"stray-{number}")
        yield from self._site.strays()

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        self._hang("hangs")
        if "keeps-nothing" in self._lies:
            return StoredVersion(
                key, "1m80gqhrt8g7cm8-20381123T000000Z", len(data), retain_until, self._site.now()
            )
        if "takes-nothing" in self._lies:
            raise SiteUnavailable("it takes nothing", site=self._site.site, may_be_stored=True)
        found = self._site.put(key, data, sha256=sha256, retain_until=retain_until)
        return replace(found, retain_until=_NEVER) if "says-locks-for-ever" in self._lies else found

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        self._hang("hangs")
        if "extends-nothing" in self._lies:
            return replace(self._site.stat(key, version), retain_until=retain_until)
        return self._told(self._site.extend(key, version, retain_until))

    def close(self) -> None:
        self._site.close()

    def _hang(self, how: str) -> None:
        if how in self._lies and not self._lies.released.wait(HANG_S):
            raise SiteUnavailable("no answer", site=self._site.site, may_be_stored=True)

    def _deny(self, key: str) -> None:
        if self._lies.about("denies", key) or self._lies.about("hides", key):
            raise NotFound(f"site {self._site.site} holds no such version of {key}")

    def _other(self, key: str, data: bytes) -> bytes:
        if self._lies.about("gives-other-bytes", key):
            return bytes([data[0] ^ 1]) + data[1:] if data else b"?"
        if self._lies.about("gives-nothing", key):
            return b""
        return data

    def _told(self, version: StoredVersion) -> StoredVersion:
        if "says-locks-for-ever" in self._lies:
            version = replace(version, retain_until=_NEVER)
        if "says-nothing-is-locked" in self._lies:
            version = replace(version, retain_until=None)
        if "says-all-is-empty" in self._lies:
            version = replace(version, size=0)
        if "says-all-is-huge" in self._lies:
            version = replace(version, size=2**62)
        if "says-all-is-of-tomorrow" in self._lies:
            version = replace(version, stored_at=version.stored_at + timedelta(days=30_000))
        return version

    def _for_ever(self, found: Iterator[StoredVersion]) -> Iterator[StoredVersion]:
        first = next(found, None)
        while first is not None and not self._lies.released.is_set():
            yield first

    def _in_circles(self, listing: Callable[[], Iterator[StoredVersion]]) -> Iterator[StoredVersion]:
        found = True
        while found and not self._lies.released.is_set():
            found = False
            for version in listing():
                found = True
                yield version
