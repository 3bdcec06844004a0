"""What lies at the sites and is not the archive's, on record: one event for each site, reason and day.

::

    vanvault.quarantine.found   site, reason, count (of objects that this process knows), objects: the first
                                hundred names, as they are safe to show
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.replicas import SetAside

_log = Logger("vanvault.quarantine")

#: Names in one event.
NAMED = 100
_EVERY_S = 60.0

_Found = tuple[str, str]  # site and reason


def record_set_aside(archive: Archive) -> int:
    """Put on record what was set aside and is not on record today; how many events that took.

    Raises SiteUnavailable (nothing is taken now), KeyUnavailable, Damaged (the record cannot be read).
    """
    waiting = dict(_details(archive))
    if not waiting:
        return 0
    for known in _recorded_today(archive):
        waiting.pop(known, None)
    for (site, reason), detail in waiting.items():
        _log.error("objects at a site are not the archive's", site=site, reason=reason, count=detail["count"])
        archive.record(EventType.QUARANTINE_FOUND, detail)
    return len(waiting)


def recorded_counts(archive: Archive, within: timedelta) -> dict[_Found, int]:
    """By site and reason, the count of the newest event of the time ``within`` before now.

    Raises Damaged, SiteUnavailable: the record cannot be read.
    """
    since = to_us(archive.clock.now() - within)
    found: dict[_Found, int] = {}
    for event in own_events(archive.search, EventType.QUARANTINE_FOUND, from_us=since):
        detail = event.detail
        found.setdefault((str(detail.get("site")), str(detail.get("reason"))), int(detail.get("count", 0)))
    return found


class SetAsideRecord:
    """The same as periodic work of a node."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._told: set[tuple[_Found, str]] = set()  # with the day

    @property
    def task(self) -> Task:
        """A look a minute at what the node has come across; it lists nothing by itself."""
        return Task("set-aside", self.round, every_s=_EVERY_S, stop_s=10.0)

    def round(self, stop: Signal) -> None:
        """Put on record what is new today. Raises as ``record_set_aside``."""
        day = self._archive.clock.now().date().isoformat()
        found = {(at, day) for at, count in self._archive.quarantine.counts().items() if count}
        if found <= self._told:
            return
        try:
            record_set_aside(self._archive)
        except VanVaultError as error:
            _log.warning("what was set aside is not on record", reason=error.message)
            raise
        self._told = found


def _details(archive: Archive) -> Iterator[tuple[_Found, dict[str, object]]]:
    def owner(one: SetAside) -> _Found:
        return one.site, one.reason

    for at, group in groupby(archive.quarantine.found(), key=owner):
        objects = [one.key for one in group]
        yield at, {"site": at[0], "reason": at[1], "count": len(objects), "objects": objects[:NAMED]}


def _recorded_today(archive: Archive) -> Iterator[_Found]:
    today = archive.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for event in own_events(archive.search, EventType.QUARANTINE_FOUND, from_us=to_us(today)):
        detail = event.detail
        yield str(detail.get("site")), str(detail.get("reason"))
