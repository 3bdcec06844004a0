"""Which site leads, in which epoch, and whether this process may write in it.

An epoch names its leader: those of the primary are even, those of the standby odd. So two operators who
promote on the two sides of a partition can never make two leaders of one epoch. Epochs only grow; each
begins with an event in the archive (``leadership_record.py``), which every node folds like any other.

A writer adopts the epoch that it knows when it opens. When a higher epoch of another leader is folded, the
writer is *superseded*: it takes nothing until it reaches the new leader and everything that it acknowledged
itself lies there (``rejoin``), or until its process is started again.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from vanvault.archiver.core.errors import SiteUnavailable

#: In the order of their epochs.
LEADERS = ("primary", "standby")


@dataclass(frozen=True, slots=True, order=True)
class Leadership:
    """What holds since the newest failover event; the greatest of several holds good."""

    epoch: int = 0
    position: tuple[str, str] = ("", "")  # received_at and id of the event: tells two of one epoch apart
    alone: bool = False  # promoted and not failed back: the leader alone is enough, and it is needed

    @property
    def leader(self) -> str:
        """The site that leads in this epoch."""
        return _leader_of(self.epoch)

    @property
    def other(self) -> str:
        """The site that does not."""
        return _leader_of(self.epoch + 1)

    def next_epoch(self, leader: str) -> int:
        """The first epoch after this one in which ``leader`` leads."""
        return next(later for later in (self.epoch + 1, self.epoch + 2) if _leader_of(later) == leader)

    @classmethod
    def highest(cls, leaderships: Iterable[Leadership]) -> Leadership:
        """The one that is in force; the first epoch when there was never a failover."""
        return max(leaderships, default=cls())


def _leader_of(epoch: int) -> str:
    return LEADERS[epoch % len(LEADERS)]


class LeadershipState:
    """What one process folded, and the leadership in which it writes. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leadership = Leadership()
        self._written: Leadership | None = None  # adopted by this process's writer
        self._refusal: SiteUnavailable | None = None

    @property
    def leadership(self) -> Leadership:
        return self._leadership

    @property
    def superseded(self) -> bool:
        return self._refusal is not None

    def saw(self, leadership: Leadership) -> bool:
        """A leadership was folded; true when it is higher than what was known."""
        with self._lock:
            if leadership <= self._leadership:
                return False
            self._leadership = leadership
            if self._written is None or self._written.leader == leadership.leader:
                self._refusal = None
                self._written = leadership if self._written is not None else None
            else:
                self._refusal = _superseded(self._written, leadership)
            return True

    def rejoin(self) -> None:
        """This process writes in the newest epoch from now on."""
        with self._lock:
            self._written = self._leadership
            self._refusal = None

    def check_reached(self, away: Collection[str]) -> None:
        """Raises SiteUnavailable when the leader, which must hold every entry now, is one of ``away``."""
        leadership = self._leadership
        if leadership.alone and leadership.leader in away:
            raise SiteUnavailable(
                f"site {leadership.leader}, which leads since epoch {leadership.epoch}, "
                "is not reached from here",
                site=leadership.leader,
                may_be_stored=False,
                hint="Send the same request to a node that reaches it; operators: vanvault failover status.",
            )

    def check(self) -> None:
        """Raises SiteUnavailable while this process's writer is superseded. Costs one look at a field."""
        refusal = self._refusal
        if refusal is not None:
            raise refusal.with_traceback(None)

    @contextmanager
    def assumed(self, leadership: Leadership) -> Iterator[None]:
        """Act under ``leadership`` before it is on record: how the event that begins it is written."""
        assumed = replace(leadership, position=("", ""))
        with self._lock:
            before, self._leadership = self._leadership, assumed
        try:
            yield
        finally:
            with self._lock:
                if self._leadership is assumed:  # else the event, or a higher one, was folded meanwhile
                    self._leadership = before


def _superseded(written: Leadership, newer: Leadership) -> SiteUnavailable:
    return SiteUnavailable(
        f"site {newer.leader} leads since epoch {newer.epoch}; this node writes in epoch {written.epoch}",
        site=newer.leader,
        may_be_stored=False,
        hint="Send it to another node. This one goes on by itself once it reaches that site and everything"
        " that it acknowledged lies there; starting it again has the same effect at once.",
    )
