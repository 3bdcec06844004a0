"""What a process does about failovers that it folds: it learns of them, stops waiting, and rejoins."""

from __future__ import annotations

from collections.abc import Collection
from itertools import takewhile

from vanvault.archiver.catalogue import HotTail, Search
from vanvault.archiver.core.names import batch_prefix
from vanvault.archiver.journal.leadership_record import newest_leadership
from vanvault.archiver.replicas import HealthBoard, LeadershipState

#: Degraded batches of one writer that are looked at before it may go on in a new epoch.
_OWED = 10_000


class FailoverListener:
    """Called after every fold; looks into the archive only when something was folded."""

    def __init__(self, lead: LeadershipState, health: HealthBoard, tail: HotTail, search: Search) -> None:
        self._lead = lead
        self._health = health
        self._tail = tail
        self._search = search
        self._newest = -1  # batch when it was last looked up

    def learn(self) -> None:
        """Learn of promotions and failbacks that were folded. Raises Damaged, SiteUnavailable (index)."""
        newest = self._tail.newest_batch()
        if newest == self._newest:
            return
        leadership = newest_leadership(self._search)
        self._newest = newest
        if self._lead.saw(leadership) and leadership.alone:
            self._health.take_out(
                leadership.other, f"site {leadership.leader} was promoted in epoch {leadership.epoch}"
            )

    def rejoin(self, writer: str, reached: Collection[str]) -> None:
        """Let a superseded writer go on where the leader was ``reached`` and lacks nothing of it."""
        lead = self._lead
        if lead.superseded and lead.leadership.leader in reached and not self._owes(writer):
            lead.rejoin()

    def _owes(self, writer: str) -> bool:
        """Does the leader lack anything that this writer acknowledged, as far as is known here?"""
        leader, prefix = self._lead.leadership.leader, f"{batch_prefix()}{writer}/"
        for key in takewhile(lambda key: key.startswith(prefix), self._tail.degraded(_OWED, prefix)):
            batch = self._tail.batch_of(key)
            copies = {(copy.site, copy.key) for copy in (*batch.placements, *batch.header.large)}
            if any((leader, held) not in copies for _, held in copies):
                return True
        return False
