"""Looks at every site now and then, and puts each change of a site's health on record in the archive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from vanvault.archiver.core.errors import (
    Conflict,
    MachineLimit,
    NotFound,
    SettingsError,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.outcome import Done, Outcome
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.core.times import from_us, to_us
from vanvault.archiver.intake import system_event
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.replicas import HealthBoard
from vanvault.archiver.stores import SiteReader
from vanvault.archiver.upkeep.periodic.waiting_changes import WaitingChanges

_log = Logger("vanvault.health")

EVENT = "site.health"


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """Where changes of health are archived.

    ``is_open``: does intake accept such a line? Before it does for the first time, clocks may be wrong.

    ``may_degrade``: may an entry be archived at one site? Where not, a change waits until every site is
    usable again: to try would only leave an object at one site that all others then have to wait for.
    """

    submit: Callable[[EventDraft, Done], None]  # this node's intake
    is_open: Callable[[], bool]
    may_degrade: Callable[[], bool]


class SiteMonitor:
    """One task for each site, so that one that hangs does not keep the others from being looked at."""

    def __init__(
        self,
        sites: Mapping[str, SiteReader],
        health: HealthBoard,
        record: HealthRecord,
        *,
        waiting: WaitingChanges,
        clock: Clock,
        every_s: float,
    ) -> None:
        """``waiting`` keeps what intake does not take yet."""
        self._sites = sites
        self._health = health
        self._record = record
        self._waiting = waiting
        self._clock = clock
        self._every_s = every_s
        self._lock = threading.Lock()
        self._closed = False
        self._took_over = False
        self._unsaved = False
        self._submitted = False  # the oldest change is on its way into the archive

    @property
    def tasks(self) -> tuple[Task, ...]:
        """A look at one site, then the oldest change that is not on record; ``close`` comes after them."""
        return tuple(
            Task(f"site-monitor-{name}", partial(self._round, name), every_s=self._every_s, stop_s=5.0)
            for name in self._sites
        )

    def close(self) -> None:
        """Put nothing on record from now on; changes that wait are kept for the next start."""
        with self._lock:
            self._closed = True
            self._gather()
            self._save()
            self._waiting.close()

    def look(self, name: str) -> None:
        """Ask one site for its time."""
        try:
            self._sites[name].now()
        except (SiteUnavailable, NotFound, SettingsError) as error:
            self._health.saw(name, "look", error)
        except MachineLimit as error:  # nothing was seen of the site
            _log.warning("a site could not be asked", site=name, reason=error.message)
        else:
            self._health.saw(name, "look")

    def record(self) -> None:
        """Archive the oldest change that is not on record, if intake takes it; the next ones follow."""
        with self._lock:
            if self._closed:
                return
            self._gather()
            may_write = self._waiting and not self._submitted and self._may_write() and self._record.is_open()
            now = self._clock.now()
            change = self._waiting.first(to_us(now)) if may_write else None
            self._save()
            if change is None or change.occurred_us is None:
                return
            self._submitted = True
        # Under one id and time it becomes one line, however often it is sent, and by whom.
        occurred = from_us(change.occurred_us)
        draft = system_event(EVENT, change.detail, now=occurred, nonce=change.nonce)

        def done(outcome: Outcome, repeated: bool) -> None:
            with self._lock:
                self._submitted = False
                # A conflict: the line is archived, with the time at which a node that is dead now sent it.
                if isinstance(outcome, Conflict) or not isinstance(outcome, VanVaultError):
                    self._waiting.archived(change.nonce)

        try:
            self._record.submit(replace(draft, received_us=to_us(now)), done)
        except VanVaultError as error:
            done(error, False)  # refused: it is tried again at the next look

    def _gather(self) -> None:
        while (change := self._health.take_change()) is not None:
            self._waiting.add(change.detail())
            _log.warning("site health", **change.detail())
        if not self._took_over:
            try:
                self._waiting.take_over()
            except OSError as error:
                _log.warning("changes of health that another run left cannot be read", reason=error.strerror)
            self._took_over = True

    def _save(self) -> None:
        try:
            self._waiting.save()
        except OSError as error:
            if not self._unsaved:
                _log.warning("changes of health are only in memory", reason=error.strerror)
            self._unsaved = True
        else:
            self._unsaved = False

    def _may_write(self) -> bool:
        usable = all(site.state in ("healthy", "catching-up") for site in self._health.snapshot())
        return usable or self._record.may_degrade()

    def _round(self, name: str, stop: Signal) -> None:
        self.look(name)
        self.record()
