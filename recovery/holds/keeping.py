"""Locks of what is held: prolonged, at every site, long before they end.

A hold is over entries, and locks are of objects: so each object that holds one of them is kept, whole.
Nothing is ever shortened, and a hold that ends only leaves locks to run out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import NotFound, VanVaultError
from vanvault.archiver.core.tasks import Task
from vanvault.archiver.journal import EventType
from vanvault.recovery.holds.reading import held_items, known_holds
from vanvault.recovery.work import account

#: A lock that ends sooner is prolonged.
_AHEAD = timedelta(days=180)
#: From now on; by then a node has looked some hundred times.
_LOCK = timedelta(days=365)
_DAY_S = 86_400.0
#: Failures that a report names.
_MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class RolledLocks:
    """What one round did."""

    holds: int  # in force
    copies: int  # of objects that hold something of theirs
    extended: int
    failures: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "holds": self.holds,
            "copies": self.copies,
            "extended": self.extended,
            "failures": list(self.failures),
        }


def hold_task(archive: Archive) -> Task:
    """A round each day, at a serving node."""
    return Task("hold-locks", lambda stop: roll_locks(archive), every_s=_DAY_S)


def roll_locks(archive: Archive) -> RolledLocks:
    """Prolong the lock of every copy of every object that a hold in force is over.

    A site that is away, and a copy that is gone, are in ``failures``. A round that extended something or
    failed is on record. Raises Damaged (what is held cannot be found whole), SiteUnavailable, KeyUnavailable.
    """
    holds = known_holds(archive).in_force()
    copies: set[tuple[str, str, str]] = set()
    for hold in holds:
        for item in held_items(archive, hold):
            copies |= {(one["site"], one["key"], one["version"]) for one in item["placements"]}
    now = archive.clock.now()
    extended, failures, away = 0, [], set[str]()
    for site, key, version in sorted(copies):
        if site in away:
            continue
        if site not in archive.sites:
            failures.append(f"{site}: there is no such site any more")
            away.add(site)
            continue
        store = archive.sites[site]
        try:
            until = store.stat(key, version).retain_until
            if until is None or until < now + _AHEAD:
                store.extend(key, version, (now + _LOCK).replace(microsecond=0))
                extended += 1
        except NotFound:
            failures.append(f"{site}: {key} is gone")
        except VanVaultError as error:
            failures.append(f"{site}: {error.message}")
            away.add(site)
    done = RolledLocks(len(holds), len(copies), extended, tuple(failures[:_MOST_NAMED]))
    if extended or failures:
        archive.record_aside(
            [archive.system_event(EventType.HOLD_LOCKS_ROLLED, {**done.as_json(), "who": account()})]
        )
    return done
