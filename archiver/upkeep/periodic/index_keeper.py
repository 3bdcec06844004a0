"""The index files beside the sites, within a serving node: fetched by a new node, kept level by any.

Nothing waits for it. A site that is away is levelled in a later round; until then ``status`` tells of the
segments of which it keeps no index.
"""

from __future__ import annotations

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.log_lines import Logger

_log = Logger("vanvault.kept_index")

_EVERY_S = 60.0
#: An index that did not change is compared with what the sites keep so seldom: others may harm it there.
_ANYWAY_S = 3600.0


class IndexKeeper:
    """Fetches what is not here yet, the newest first; then keeps the sites level."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._levelled: frozenset[str] = frozenset()  # index files of the last round that failed nowhere
        self._due = archive.stopwatch.seconds()
        self._failures: dict[str, str] = {}

    @property
    def task(self) -> Task:
        """A round a minute; one that is told to stop ends after the file that it fetches or puts."""
        return Task("index-keeper", self.round, every_s=_EVERY_S, at_once=True, stop_s=0.0)

    def round(self, stop: Signal) -> None:
        """Raises SiteUnavailable, SiteFull (this node's disk), KeyUnavailable."""
        index = self._archive.index
        while not stop.is_set() and index.bring_next():
            pass
        names = index.names()
        if stop.is_set() or (names == self._levelled and self._archive.stopwatch.seconds() < self._due):
            return
        done = self._archive.keep_index()
        for one in done:
            self._tell(one.site, one.added, one.removed, one.failure)
        if done and not any(one.failure for one in done):
            self._levelled = index.names()
            self._due = self._archive.stopwatch.seconds() + _ANYWAY_S

    def _tell(self, site: str, added: int, removed: int, failure: str) -> None:
        if failure and self._failures.get(site) != failure:  # once, until it is another
            _log.warning("index files are not kept there now", site=site, reason=failure)
        if added or removed:
            _log.info("index files kept", site=site, added=added, removed=removed)
        self._failures[site] = failure
