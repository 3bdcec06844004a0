"""Conflicts: one id of one gateway, archived with different bytes on the two sides of a partition.

Both entries are kept for ever. A person looks at both and puts on record what was found; the archive is
not changed by it. Only ids of the archive are told: what the gateway called them may be about somebody.
"""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound, VanVaultError
from vanvault.archiver.core.times import rfc3339_us
from vanvault.archiver.journal import own_events

EVENT = "conflict.resolved"
MAX_REASON = 1_000  # characters


@dataclass(frozen=True, slots=True)
class EntryConflict:
    """An entry that repeats an id with other bytes, and the valid entry with that id.

    What cannot be read now, because a segment is damaged or away, is None.
    """

    entry: str | None  # "message" or "event"
    id: str | None
    first: str | None  # the archive's id of the entry that stands
    gateway: str | None
    received_at: str  # RFC 3339
    first_received_at: str


def conflicts(archive: Archive) -> list[EntryConflict]:
    """All conflicts, resolved or not, in the order of receipt."""
    return [_conflict(archive, *pair) for pair in archive.tail.conflicting()]


def open_conflicts(archive: Archive) -> list[EntryConflict]:
    """Conflicts that nobody has resolved on record, as far as can be read.

    Raises Damaged, SiteUnavailable: the index cannot be read, so nobody knows what is resolved.
    """
    found = conflicts(archive)
    if not found:
        return []
    resolved = _resolved(archive)
    return [conflict for conflict in found if not resolved.holds(conflict)]


def count_open(archive: Archive) -> int:
    """How many conflicts are open, or may be: one about which nothing can be read now is. Never raises."""
    try:
        return len(open_conflicts(archive))
    except VanVaultError:
        return archive.tail.conflicts()


def resolve(archive: Archive, entry_id: str, *, reason: str, who: str) -> EntryConflict:
    """Put on record that a person looked at a conflict, and what came of it.

    Raises:
        InvalidInput: no reason, or too long a one.
        NotFound: there is no conflict with this id.
        Conflict: it is resolved already.
        Damaged, SiteUnavailable: one of the two cannot be read, or nothing could be put on record.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput(
            f"a reason of 1 to {MAX_REASON} characters is needed",
            field="reason",
            hint="Say what the two entries are, and which of them holds good.",
        )
    found = _about(archive, entry_id)
    if _resolved(archive).holds(found):
        raise Conflict(f"the conflict about {found.id} is resolved already")
    detail: dict[str, object] = {"entry": found.id, "first": found.first, "reason": reason, "who": who}
    archive.record(EVENT, detail)
    return found


def _about(archive: Archive, entry_id: str) -> EntryConflict:
    """The conflict about an entry; who resolves it looked at both, so both must be there to be read."""
    for pair in archive.tail.conflicting():
        found = _conflict(archive, *pair)
        if entry_id in (found.id, found.first):
            for position in pair:
                archive.search.at(position)
            return found
    raise NotFound(f"there is no conflict about {entry_id[:60]}", hint="Run: vanvault reconcile --json")


def _conflict(archive: Archive, position: bytes, first: bytes) -> EntryConflict:
    late, early = _item(archive, position), _item(archive, first)
    return EntryConflict(
        late.get("entry"), late.get("id"), early.get("id"), late.get("gateway"), _time(position), _time(first)
    )


def _item(archive: Archive, position: bytes) -> Item:
    try:
        return archive.search.at(position)
    except VanVaultError:
        return {}  # that there is a conflict must be told all the same; verify says what is damaged


def _time(position: bytes) -> str:
    return rfc3339_us(int.from_bytes(position[:8]))


@dataclass(frozen=True, slots=True)
class _Resolved:
    """What people put on record. Where the later entry was compacted first, the two are exchanged."""

    entries: frozenset[str]
    pairs: frozenset[frozenset[str]]

    def holds(self, conflict: EntryConflict) -> bool:
        return conflict.id in self.entries or frozenset((conflict.id, conflict.first)) in self.pairs


def _resolved(archive: Archive) -> _Resolved:
    told = [event.detail for event in own_events(archive.search, EVENT)]
    return _Resolved(
        frozenset(detail["entry"] for detail in told),
        frozenset(frozenset((detail["entry"], detail["first"])) for detail in told),
    )
