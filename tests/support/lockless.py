"""A site whose listings leave locks out, as those of buckets do; it counts what it is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from vanvault.archiver.stores import Capabilities, Site, StoredVersion


class Lockless:
    """``Site`` over another."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.asked: Counter[str] = Counter()  # requests by verb; "lines": what listings gave

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    @property
    def capabilities(self) -> Capabilities:
        return replace(self._site.capabilities, list_shows_locks=False)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        self.asked["list"] += 1
        for version in self._site.list(prefix, after):
            self.asked["lines"] += 1
            yield replace(version, retain_until=None)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        self.asked["stat"] += 1
        return self._site.stat(key, version)

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        self.asked["extend"] += 1
        return self._site.extend(key, version, retain_until)

    def now(self) -> datetime:
        self.asked["now"] += 1
        return self._site.now()
