"""Conditions as a serving node sees them: a look every minute, and soon after something was archived.

A readiness check and a scrape read the last look; neither waits for one. It lists no site: what lies at the
sites and is not the archive's is known from the node's own listings and from the record.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.upkeep import recorded_counts
from vanvault.recovery.conditions.facts import ArchiveFacts
from vanvault.recovery.conditions.first_seen import FirstSeen
from vanvault.recovery.conditions.gather import gather_facts, seen_here
from vanvault.recovery.conditions.judge import Condition, conditions_of

#: Seconds between two questions whether a look is due.
_ASK_S = 1.0
#: A look comes at least so often, as things become late by time alone.
_EVERY_S = 60.0
#: At most this share of the time is spent on looks.
_SHARE = 0.02
#: A node that has not opened its chain may know little of the archive: so long it is waited for.
_PATIENCE_S = 60.0

#: Intake that is refused for less is no condition: a failed commit is settled, a clock is compared again.
_MOMENT_S = 60.0

#: What a look of status may see, and this one does not.
_UNSEEN = frozenset({"hot-tail-incomplete", "set-aside"})


class ConditionWatch:
    """``last`` is what the newest look found, by ``facts``; None before the first."""

    def __init__(
        self,
        archive: Archive,
        *,
        opened: Callable[[], bool],
        lock_alarms: Callable[[], int],
        refusal: Callable[[], VanVaultError | None] = lambda: None,
    ) -> None:
        """``opened``: has the node folded what there is? ``lock_alarms``: of the keeper's last round.

        ``refusal``: why intake is refused now.
        """
        self._refusal = refusal
        self._archive = archive
        self._opened = opened
        self._lock_alarms = lock_alarms
        self._began_s = archive.stopwatch.seconds()
        self._first_seen = FirstSeen.of(archive.home)
        self._looked_s: float | None = None
        self._rest_s = 0.0
        self._refused_s: float | None = None  # since when intake is refused
        self._newest = -1  # batch at the last look
        self.last: tuple[Condition, ...] | None = None
        self.facts: ArchiveFacts | None = None

    @property
    def task(self) -> Task:
        """One question a round whether a look is due, and the look."""
        return Task("conditions", self.round, every_s=_ASK_S, at_once=True, stop_s=10.0)

    def round(self, stop: Signal) -> None:
        """Look if it is time. Raises as ``gather_facts``: then the last look stands."""
        if self._refusal() is None:
            self._refused_s = None
        elif self._refused_s is None:
            self._refused_s = self._archive.stopwatch.seconds()
        if self._is_due():
            self.look()

    def look(self) -> None:
        """Look now. Raises as ``gather_facts``."""
        archive, began_s = self._archive, self._archive.stopwatch.seconds()
        self._newest, self._looked_s = archive.tail.newest_batch(), began_s
        recorded = recorded_counts(archive, timedelta(days=1))
        known = {**recorded, **{at: count for at, count in archive.quarantine.counts().items() if count}}
        seen = seen_here(
            archive,
            archive.health.snapshot(),
            set_aside=sum(known.values()),
            lock_alarms=self._lock_alarms(),
            trouble=self._refusal(),
            refused_since=self._refused_since(),
        )
        facts = gather_facts(archive, seen)
        self.last, self.facts = conditions_of(facts, self._first_seen.known(facts.now)), facts
        self._first_seen.remember(self.last, facts.now, _UNSEEN)
        self._rest_s = (archive.stopwatch.seconds() - began_s) / _SHARE

    def _refused_since(self) -> datetime | None:
        if self._refused_s is None:
            return None
        lasted_s = self._archive.stopwatch.seconds() - self._refused_s
        return self._archive.clock.now() - timedelta(seconds=lasted_s) if lasted_s >= _MOMENT_S else None

    def _is_due(self) -> bool:
        now_s = self._archive.stopwatch.seconds()
        if self._looked_s is None:
            return self._opened() or now_s - self._began_s > _PATIENCE_S
        waited_s = now_s - self._looked_s
        is_new = self._archive.tail.newest_batch() != self._newest
        return waited_s >= self._rest_s and (is_new or waited_s >= _EVERY_S)
