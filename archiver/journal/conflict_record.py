"""Conflicts as the archive records them, so that they outlive the hot tail that saw them.

::

    vanvault.conflict.found   conflicts: a list of entry, first (ids of the archive, "" for one that could
                              not be read), entry_at, first_at (their positions, hexadecimal)

A fold sees a conflict as long as the later of the two entries is in a batch. A hot tail that is made anew, or
a node that was away, never folds what is compacted: so a compaction puts on record the conflicts that it
knows before it takes their entries away, and every node learns them from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vanvault.archiver.catalogue import Catalogue, HotTail, Search
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.journal.events import EventType, own_events
from vanvault.archiver.journal.record_look import RecordLook

#: Conflicts in one event: some 150 bytes each.
_TOGETHER = 100

#: Positions of an entry that repeats an id with other bytes, and of the one that stands.
Pair = tuple[bytes, bytes]


class ConflictRecord:
    """One process's look at the record; safe to use from many threads."""

    def __init__(self, tail: HotTail, catalogue: Catalogue, search: Search) -> None:
        self._tail = tail
        self._search = search
        self._look = RecordLook(tail, catalogue, "conflicts")

    def learn(self) -> None:
        """Let the hot tail know every conflict on record. Looks only when something was folded."""
        self._look.take(lambda: self._tail.learn_conflicts(list(self._recorded())))

    def unrecorded(self) -> Iterator[dict[str, object]]:
        """Details of the events to record, so that every conflict known here is on record.

        Raises Damaged, SiteUnavailable: the record cannot be read.
        """
        known = self._tail.conflicting()
        if not known:
            return
        recorded = {frozenset(pair) for pair in self._recorded()}
        left = [pair for pair in known if frozenset(pair) not in recorded]
        for start in range(0, len(left), _TOGETHER):
            yield {"conflicts": [self._told(*pair) for pair in left[start : start + _TOGETHER]]}

    def _recorded(self) -> Iterator[Pair]:
        for event in own_events(self._search, EventType.CONFLICT_FOUND, order="oldest"):
            yield from map(_pair_of, event.detail["conflicts"])

    def _told(self, entry: bytes, first: bytes) -> dict[str, str]:
        return {
            "entry": self._id_at(entry),
            "entry_at": entry.hex(),
            "first": self._id_at(first),
            "first_at": first.hex(),
        }

    def _id_at(self, position: bytes) -> str:
        try:
            return str(self._search.at(position)["id"])
        except VanVaultError:
            return ""  # one that was compacted and is damaged since: its position is enough to know it by


def _pair_of(told: Mapping[str, Any]) -> Pair:
    return bytes.fromhex(told["entry_at"]), bytes.fromhex(told["first_at"])
