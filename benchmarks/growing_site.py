"""A site in memory that takes a million objects: listings step through sorted keys, and show no locks.

What ``fill`` put has no bytes: it is folded already, and nothing reads it.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores import Capabilities, StoredVersion, Stray


class GrowingSite:
    """``Site``; one version of each key."""

    def __init__(self, site: str, clock: Clock) -> None:
        self.site = site
        self._clock = clock
        self._keys: list[str] = []
        self._held: dict[str, tuple[bytes, datetime, datetime]] = {}  # bytes, lock, stored at
        self._lock = threading.Lock()
        self.asked: Counter[str] = Counter()  # requests by verb; "lines": of listings

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(lock="none", lock_binds_administrator=False, list_shows_locks=False)

    def fill(self, keys: list[str], retain_until: datetime) -> None:
        """Objects without bytes."""
        at = self._clock.now()
        self._keys = sorted([*self._keys, *keys])
        self._held |= dict.fromkeys(keys, (b"", retain_until, at))

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        self.asked["put"] += 1
        with self._lock:
            if key not in self._held:
                insort(self._keys, key)
            self._held[key] = bytes(data), retain_until, self._clock.now()
        return self._facts(key, locks=True)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        self.asked["get"] += 1
        self._facts(key, locks=True)
        return self._held[key][0]

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        return self.get(key, version)[offset : offset + length]

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self.get(key, version), self._facts(key, locks=True)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        self.asked["stat"] += 1
        return self._facts(key, locks=True)

    def versions(self, key: str) -> list[StoredVersion]:
        self.asked["versions"] += 1
        return [self._facts(key, locks=True)] if key in self._held else []

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        self.asked["list"] += 1
        after = max(after, prefix)
        at = bisect_right(self._keys, after) - (after in self._held and after == prefix)
        while at < len(self._keys) and (key := self._keys[at]).startswith(prefix):
            self.asked["lines"] += 1
            yield self._facts(key, locks=False)
            at += 1

    def strays(self) -> Iterator[Stray]:
        return iter(())

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        self.asked["extend"] += 1
        data, until, at = self._held[key]
        self._held[key] = data, max(until, retain_until), at
        return self._facts(key, locks=True)

    def now(self) -> datetime:
        self.asked["now"] += 1
        return self._clock.now()

    def close(self) -> None:
        """It stays for the next archive of this process."""

    def _facts(self, key: str, *, locks: bool) -> StoredVersion:
        found = self._held.get(key)
        if found is None:
            raise NotFound(f"site {self.site} holds no {key}")
        data, until, at = found
        return StoredVersion(key, "v1", len(data), until if locks else None, at)


class TimedLists:
    """``Site`` over another: the CPU and the lines of its listings are counted apart."""

    def __init__(self, site: object) -> None:
        self._site = site
        self.cpu_s = 0.0
        self.lines = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._site, name)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        began = time.thread_time()
        listing = self._site.list(prefix, after)  # type: ignore[attr-defined]
        for version in listing:
            self.cpu_s += time.thread_time() - began
            self.lines += 1
            yield version
            began = time.thread_time()
        self.cpu_s += time.thread_time() - began


#: How long what ``fill`` puts is locked.
LOCK = timedelta(days=45)
