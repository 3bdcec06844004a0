"""What must be done so that all sites hold one object alike: names and locks compared. Pure.

Bytes are not compared: names carry their digest, so what is damaged is verification's to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.core.names import digest_in
from vanvault.archiver.replicas import Lag
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.objects import Copies


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
    """May the key be an object of the archive?"""
    return digest_in(key) is not None


def decide(copies: Copies, sites: Sequence[str]) -> tuple[ReconcileAction, ...]:
    """The actions for one key, of which ``copies`` hold the newest version (with its lock) first.

    Nothing for a key that is no object, or that no site holds. A site whose lock is not known is left alone.
    """
    if not is_object(copies.key) or not copies.at:
        return ()
    newest = {site: versions[0] for site, versions in copies.at.items()}
    source, best = max(newest.items(), key=lambda item: (_until(item[1]), item[0]))
    missing = [
        Fetch(copies.key, source, site, best.size, best.stored_at) for site in sites if site not in newest
    ]
    return (*missing, *_prolonged(copies.key, newest))


def add(lag: Lag, action: Fetch, now: datetime) -> Lag:
    """The lag with one more missing object."""
    age = max(0.0, (now - action.stored_at).total_seconds())
    return Lag(lag.objects + 1, lag.bytes + action.size, max(lag.seconds, age))


def _prolonged(key: str, newest: dict[str, StoredVersion]) -> Iterable[Prolong]:
    latest = max((v.retain_until for v in newest.values() if v.retain_until is not None), default=None)
    if latest is not None:
        for site, version in newest.items():
            if version.retain_until is not None and version.retain_until < latest:
                yield Prolong(key, site, version.version, latest)


def _until(version: StoredVersion) -> float:
    return version.retain_until.timestamp() if version.retain_until is not None else 0.0
