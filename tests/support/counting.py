"""A site that counts what it is asked; its listings may leave out the locks, as those of S3 do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from vanvault.archiver.stores import Capabilities, Site, StoredVersion


class CountingSite:
    """``Site`` over another one; ``asked``: calls by verb, each a request or more at an S3 site."""

    def __init__(self, site: Site, *, shows_locks: bool = False) -> None:
        self._site = site
        self._shows_locks = shows_locks
        self.change: Callable[[StoredVersion], StoredVersion] = lambda version: version  # of listed versions
        self.asked: Counter[str] = Counter()

    @property
    def site(self) -> str:
        return self._site.site

    @property
    def capabilities(self) -> Capabilities:
        return replace(self._site.capabilities, list_shows_locks=self._shows_locks)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        self.asked["list"] += 1
        for version in self._site.list(prefix, after):
            yield self.change(version if self._shows_locks else replace(version, retain_until=None))

    def passes_on(self) -> bool:
        """Its objects are read and put as wholes, each by a verb that is counted."""
        return False

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._site, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.asked[name] += 1
            return verb(*arguments, **options)

        return counted
