"""What this process thinks of each site; many threads tell it what they saw, and ask it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from vanvault.archiver.core.errors import MachineLimit, SiteFaulty, SiteFull, VanVaultError
from vanvault.archiver.core.options import HealthRules
from vanvault.archiver.core.ports import Clock, Stopwatch
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.replicas.health import (
    Cause,
    Seen,
    SiteHealth,
    SiteState,
    Sort,
    barred,
    level,
    seen,
    taken_out,
    unbarred,
)

#: Changes that nobody has taken; the oldest are dropped beyond that, and the newest tell the state.
_CHANGES_KEPT = 1_000
#: Characters of a failure's text that go on record.
_REASON = 200

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lag:
    """What a site lacks of what the other holds."""

    objects: int = 0
    bytes: int = 0
    seconds: float = 0.0  # age of the oldest object that is missing


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a site's state, for the archive's log."""

    site: str
    before: SiteState
    after: SiteState
    at: datetime
    reason: str

    def detail(self) -> dict[str, object]:
        """The detail of the event ``vanvault.site.health``."""
        return {
            "site": self.site,
            "from": self.before,
            "to": self.after,
            "at": rfc3339_seconds(self.at.replace(microsecond=0)),
            "reason": self.reason[:_REASON],
        }


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """One site as status, readiness and metrics show it."""

    site: str
    state: SiteState
    since: datetime | None  # None: as it was found at the start
    reason: str
    lag: Lag | None  # None: not compared yet, or the site is gone
    barred: tuple[Cause, ...] = ()  # what a check found wrong with its answers

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        lag = self.lag
        return {
            "site": self.site,
            "state": self.state,
            "since": rfc3339_seconds(self.since.replace(microsecond=0)) if self.since else None,
            "reason": self.reason,
            "barred": list(self.barred),
            "lag": None
            if lag is None
            else {"objects": lag.objects, "bytes": lag.bytes, "seconds": round(lag.seconds, 3)},
        }


class HealthBoard:
    """Safe to share between threads."""

    def __init__(
        self, sites: Iterable[str], *, clock: Clock, stopwatch: Stopwatch, rules: HealthRules | None = None
    ) -> None:
        self._clock = clock
        self._stopwatch = stopwatch
        self._rules = rules or HealthRules()
        self._lock = threading.Lock()
        self._health = {site: SiteHealth() for site in sites}
        self._lags: dict[str, Lag] = {}
        self._full: set[str] = set()  # sites of which the last put failed for want of room
        self._changes: deque[Change] = deque(maxlen=_CHANGES_KEPT)

    def saw(self, site: str, sort: Sort, error: VanVaultError | None = None) -> None:
        """A put or a look at ``site`` succeeded, or failed with ``error``; a faulty site is barred.

        Where this machine could not ask, nothing was seen of the site.
        """
        if isinstance(error, MachineLimit):
            return
        if isinstance(error, SiteFaulty):
            self.bar(site, "listing", error.message)
            return
        reason = error.message if error is not None else ""
        what = Seen(sort, error is None, self._stopwatch.seconds(), reason)
        with self._lock:
            if isinstance(error, SiteFull):
                self._full.add(site)
            elif error is not None or sort == "put":
                self._full.discard(site)
            if site in self._health:
                self._move(site, seen(self._health[site], what, self._rules, self._clock.now()))

    def put_ended(self, site: str, error: VanVaultError | None) -> None:
        """A put succeeded, or failed with ``error``."""
        self.saw(site, "put", error)

    def level(self, site: str) -> None:
        """A comparison found nothing that ``site`` lacks."""
        with self._lock:
            self._lags[site] = Lag()
            self._move(site, level(self._health[site], self._clock.now()))

    def take_out(self, site: str, reason: str) -> None:
        """By decision of an operator, ``site`` is not waited for until it comes back."""
        with self._lock:
            self._move(site, taken_out(self._health[site], reason, self._clock.now()))

    def bar(self, site: str, cause: Cause, reason: str) -> None:
        """A check found that what ``site`` answers is wrong: it is out until ``unbar``."""
        with self._lock:
            if site in self._health:
                self._move(site, barred(self._health[site], cause, reason, self._clock.now()))

    def unbar(self, site: str, cause: Cause) -> None:
        """The same check found it right; it comes back like any other site that was out."""
        with self._lock:
            if site in self._health and self._health[site].barred:
                self._move(site, unbarred(self._health[site], cause))

    def barred(self, cause: Cause) -> frozenset[str]:
        """Sites that are out for this cause."""
        return frozenset(
            site for site, health in self._health.items() if any(one == cause for one, _ in health.barred)
        )

    def lags(self, site: str, lag: Lag | None) -> None:
        """What a comparison found that ``site`` lacks; None: that is not known any more."""
        with self._lock:
            if lag is None:
                self._lags.pop(site, None)
            else:
                self._lags[site] = lag

    def state(self, site: str) -> SiteState:
        """The state of one site."""
        return self._health[site].state

    def out(self) -> frozenset[str]:
        """Sites that are not waited for."""
        return frozenset(site for site, health in self._health.items() if health.state == "out")

    def catching_up(self) -> frozenset[str]:
        """Sites that came back and may lack objects."""
        return frozenset(site for site, health in self._health.items() if health.state == "catching-up")

    def is_full(self, site: str) -> bool:
        """Was want of room the last thing that was wrong with the site?"""
        return site in self._full

    def usable(self, sites: Mapping[str, _T]) -> dict[str, _T]:
        """Those of ``sites`` that are not out; all of them when every one is."""
        out = self.out()
        return {name: site for name, site in sites.items() if name not in out} or dict(sites)

    def snapshot(self) -> tuple[SiteStatus, ...]:
        """Every site's state, since when, why, and what it lacks."""
        with self._lock:
            return tuple(
                SiteStatus(
                    site,
                    health.state,
                    health.since,
                    _reason_of(health),
                    self._lags.get(site),
                    tuple(cause for cause, _ in health.barred),
                )
                for site, health in self._health.items()
            )

    def take_change(self) -> Change | None:
        """The oldest change that was not taken yet: whoever takes it sees that it is archived."""
        with self._lock:
            return self._changes.popleft() if self._changes else None

    def _move(self, site: str, after: SiteHealth) -> None:
        before = self._health[site]
        self._health[site] = after
        if after.state != before.state:
            at = after.since or self._clock.now()
            self._changes.append(Change(site, before.state, after.state, at, _reason_of(after)))


def _reason_of(health: SiteHealth) -> str:
    """Why the site is in its state; an outage that is over is no reason for what it does now."""
    return "" if health.state == "catching-up" else health.reason
