"""Locks of what is held: prolonged, at every site, long before they end.

A hold is over entries, and locks are of objects: so each object that holds one of them is kept, whole.
Nothing is ever shortened, and a hold that ends only leaves locks to run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.errors import NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.retention import rounded_up
from vanvault.archiver.core.tasks import Task
from vanvault.archiver.journal import EventType
from vanvault.recovery.holds.reading import held_items, known_holds
from vanvault.recovery.work import account, is_round_due_on_record

#: A lock that ends sooner is prolonged.
_AHEAD = timedelta(days=180)
#: From now on; by then a node has looked some hundred times.
_LOCK = timedelta(days=365)
_EVERY_S = 6 * 3600.0
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
    """Rounds at a serving node."""
    return Task("hold-locks", lambda stop: roll_locks(archive), every_s=_EVERY_S)


def roll_locks(archive: Archive) -> RolledLocks:
    """Prolong the lock of every copy of every object that a hold in force is over.

    A site that is away, a copy that is gone, and what of the record or of the entries could not be read, are
    in ``failures``. A round that extended something or failed is on record, and
    while a hold is in force one a day. Raises SiteUnavailable, Damaged
    (the index), KeyUnavailable.
    """
    book = known_holds(archive)
    failures = [f"{name}: the record of holds could not be read whole" for name in book.lacking]
    failures += [f"{event}: a hold in a form that this version cannot read" for event in book.unclear]
    keys: set[str] = set()
    for hold in book.in_force():
        try:
            keys |= objects_of(archive, held_items(archive, hold))
        except VanVaultError as error:
            failures.append(f"{hold.id}: {error.message}")
    extended = 0
    for site in archive.sites:
        extended += _roll(archive, site, sorted(keys), failures)
    copies = len(keys) * len(archive.sites)
    done = RolledLocks(len(book.in_force()), copies, extended, tuple(failures[:_MOST_NAMED]))
    told = extended or failures
    if told or (book.in_force() and is_round_due_on_record(archive, EventType.HOLD_LOCKS_ROLLED)):
        archive.record_aside(
            [archive.system_event(EventType.HOLD_LOCKS_ROLLED, {**done.as_json(), "who": account()})]
        )
    return done


def objects_of(archive: Archive, items: Iterable[Item]) -> set[str]:
    """Every object without which these entries cannot be read and proved."""
    segments = {one.manifest.segment: one for one in archive.catalogue.segments(spare=True)}
    keys: set[str] = set()
    for item in items:
        if item.get("large_object"):
            keys.add(item["large_object"])
        known = segments.get(item["segment"])
        if known is None:
            keys.add(item["object"])
        else:
            keys |= {known.key, *(part.key for part in known.manifest.parts)}
    return keys


def _roll(archive: Archive, site: str, keys: Sequence[str], failures: list[str]) -> int:
    """Prolong what ends soon at one site; how many. What failed is added to the list."""
    now, store, extended = archive.clock.now(), archive.sites[site], 0
    for key in keys:
        try:
            found = store.stat(key)
            if found.retain_until is None or found.retain_until < now + _AHEAD:
                store.extend(key, found.version, rounded_up(now + _LOCK))
                extended += 1
        except NotFound:
            failures.append(f"{site}: {key} is gone")
        except SiteUnavailable as error:
            failures.append(f"{site}: {error.message}")
            break
        except VanVaultError as error:
            failures.append(f"{site}: {key}: {error.message}")
    return extended
