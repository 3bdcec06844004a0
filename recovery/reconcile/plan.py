"""What must be done so that all sites hold one object alike: names and locks compared. Pure.

Bytes are not compared: names carry their digest, so what is damaged is verification's to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.replicas import Lag
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.objects import Copies, SignedDates


@dataclass(frozen=True, slots=True)
class Fetch:
    """``target`` lacks the object: copy it from ``source``, under the source's lock."""

    key: str
    source: str
    target: str
    size: int  # bytes
    stored_at: datetime  # at the source


@dataclass(frozen=True, slots=True)
class Prolong:
    """``target`` locks its newest version for less long than another site: move its lock."""

    key: str
    target: str
    version: str
    retain_until: datetime


ReconcileAction = Fetch | Prolong


def is_object(key: str) -> bool:
    """Is the key the name of an object of an archive?"""
    return parse_key(key) is not None


@dataclass(frozen=True, slots=True)
class DueLocks:
    """Until when an object must be locked, as far as a comparison of names can tell."""

    rules: LockRules
    signed: SignedDates
    now: datetime  # the latest of the sites' times
    covered: Callable[[str], bool] = lambda key: False  # does a segment hold the batch with this key?

    def is_spent(self, copies: Copies) -> bool:
        """A batch that a segment holds, with all locks over wherever it lies: another site cleared it.

        ``copies``: with their locks; a lock that is not known may stand.
        """
        locks = [version.retain_until for found in copies.at.values() for version in found[:1]]
        over = all(until is not None and until <= self.now for until in locks)
        return bool(locks) and over and self.covered(copies.key)

    def of(self, name: ObjectName, shown: Iterable[datetime]) -> datetime | None:
        """The signed date; without one the latest that a site shows and the rules can have asked for.

        None: nothing is to be prolonged. A large object, of which only a row tells the date, is locked as it
        was put: what a site shows is not followed.
        """
        signed = self.signed(name.key)
        if signed is not None:
            return min(signed, self.rules.longest(self.now))
        if name.family == "large":
            return None
        believed = (self.rules.believed(name, date, self.now) for date in shown)
        return max((date for date in believed if date is not None), default=None)


def decide(copies: Copies, sites: Sequence[str], due: DueLocks) -> tuple[ReconcileAction, ...]:
    """The actions for one key, of which ``copies`` hold the newest version (with its lock) first.

    Nothing for a key that is no object, or that no site holds. A site whose lock is not known is left alone.
    """
    name = parse_key(copies.key)
    if name is None or not copies.at:
        return ()
    newest = {site: versions[0] for site, versions in copies.at.items()}
    if len(newest) < len(sites) and due.is_spent(copies):
        return ()
    source, best = max(newest.items(), key=lambda item: (_until(item[1]), item[0]))
    missing = [
        Fetch(copies.key, source, site, best.size, best.stored_at) for site in sites if site not in newest
    ]
    return (*missing, *_prolonged(name, newest, due))


def add(lag: Lag, action: Fetch, now: datetime) -> Lag:
    """The lag with one more missing object."""
    age = max(0.0, (now - action.stored_at).total_seconds())
    return Lag(lag.objects + 1, lag.bytes + action.size, max(lag.seconds, age))


def _prolonged(name: ObjectName, newest: dict[str, StoredVersion], due: DueLocks) -> Iterable[Prolong]:
    shown = {version.retain_until for version in newest.values() if version.retain_until is not None}
    until = due.of(name, shown) if len(shown) > 1 else None
    if until is not None and until > due.now:
        for site, version in newest.items():
            if version.retain_until is not None and version.retain_until < until:
                yield Prolong(name.key, site, version.version, until)


def _until(version: StoredVersion) -> float:
    return version.retain_until.timestamp() if version.retain_until is not None else 0.0
