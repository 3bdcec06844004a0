"""Where an object lies now, and how long it is locked, as its sites say; asked once in a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from vanvault.archiver.errors import NotFound, SiteUnavailable
from vanvault.archiver.model.batch import Placement
from vanvault.archiver.model.times import rfc3339_seconds
from vanvault.archiver.ports import Stopwatch
from vanvault.archiver.store.port import Site

_CACHED = 20_000
_SECONDS = 600.0


class Places:
    """Answers from memory for ten minutes: locks only ever become longer. Safe to use from many threads."""

    def __init__(self, sites: Mapping[str, Site], stopwatch: Stopwatch) -> None:
        self._sites = sites
        self._stopwatch = stopwatch
        self._known: OrderedDict[str, tuple[float, tuple[Placement, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: str) -> tuple[Placement, ...]:
        """The newest version at every site that has it and answers."""
        now = self._stopwatch.seconds()
        with self._lock:
            known = self._known.get(key)
        if known is not None and now - known[0] < _SECONDS:
            return known[1]
        placements, complete = [], True
        for name, site in self._sites.items():
            try:
                found = site.stat(key)
            except NotFound:
                continue
            except SiteUnavailable:
                complete = False
                continue
            until = rfc3339_seconds(found.retain_until) if found.retain_until is not None else ""
            placements.append(Placement(name, key, found.version, until))
        result = tuple(placements)
        if complete:
            with self._lock:
                self._known[key] = (now, result)
                while len(self._known) > _CACHED:
                    self._known.popitem(last=False)
        return result
