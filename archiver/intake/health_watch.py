"""Looks at every site now and then, and puts each change of a site's health on record in the archive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from vanvault.archiver.errors import NotFound, SettingsError, SiteUnavailable, VanVaultError
from vanvault.archiver.intake.drafts import EventDraft
from vanvault.archiver.intake.pool import Done, Outcome
from vanvault.archiver.sites.health_board import Change, HealthBoard
from vanvault.archiver.store.port import SiteReader

_log = structlog.get_logger("vanvault.health")

EVENT = "site.health"


class HealthWatch:
    """One thread for each site, so that one that hangs does not keep the others from being looked at."""

    def __init__(
        self,
        sites: Mapping[str, SiteReader],
        health: HealthBoard,
        *,
        submit: Callable[[EventDraft, Done], None],
        event: Callable[[str, dict[str, object]], EventDraft],
        is_open: Callable[[], bool],
        may_degrade: Callable[[], bool],
        interval_s: float,
    ) -> None:
        """``submit``: this node's intake; ``event``: makes a log line of the archive's own, as of now.

        ``is_open``: does intake accept such a line? Before it does for the first time, clocks may be wrong.

        ``may_degrade``: may an entry be archived at one site? Where not, a change waits until every site is
        usable again: to try would only leave an object at one site that all others then have to wait for.
        """
        self._sites = sites
        self._health = health
        self._submit = submit
        self._event = event
        self._is_open = is_open
        self._may_degrade = may_degrade
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._change: Change | None = None  # the one that is on its way into the archive
        self._draft: EventDraft | None = None
        self._waiting = False
        self._threads = [
            threading.Thread(target=self._run, args=(name,), name=f"health-{name}", daemon=True)
            for name in sites
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends the threads; one that waits for its site is left behind."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout_s)

    def look(self, name: str) -> None:
        """Ask one site for its time."""
        try:
            self._sites[name].now()
        except (SiteUnavailable, NotFound, SettingsError) as error:
            self._health.saw(name, "look", error)
        else:
            self._health.saw(name, "look")

    def record(self) -> None:
        """Archive the oldest change that is not on record, if intake takes it; the next ones follow."""
        with self._lock:
            change = self._health.next_change()
            if change is None or self._waiting or not self._may_write() or not self._is_open():
                return
            if change is not self._change or self._draft is None:
                # Kept while it is tried again: under one id it becomes one line, however often it is sent.
                self._change, self._draft = change, self._event(EVENT, change.detail())
                _log.warning("site health", **change.detail())
            draft, self._waiting = self._draft, True

        def done(outcome: Outcome, repeated: bool) -> None:
            with self._lock:
                self._waiting = False
            if not isinstance(outcome, VanVaultError):
                self._health.archived(change)

        try:
            self._submit(draft, done)
        except VanVaultError as error:
            done(error, False)  # refused: it is tried again at the next look

    def _may_write(self) -> bool:
        usable = all(site.state in ("healthy", "catching-up") for site in self._health.snapshot())
        return usable or self._may_degrade()

    def _run(self, name: str) -> None:
        while not self._stop.wait(self._interval_s):
            try:
                self.look(name)
                self.record()
            except Exception:  # noqa: BLE001 - the thread goes on: without it nothing is looked at
                _log.exception("a look at a site failed", site=name)
