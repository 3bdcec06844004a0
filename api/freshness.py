"""Is an answer level with what was acknowledged? It is waited for; where it is not, the answer says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from vanvault.api.node import Node
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.errors import Busy, NotFound
from vanvault.archiver.core.times import rfc3339_us, to_us

_T = TypeVar("_T")

#: In ``unread`` in place of an object's key: what this node archived, and what other nodes did.
HOT_TAIL = "hot tail"
OTHER_NODES = "other nodes"
_NOT_FOLDED = "not folded yet"
_RETRY_S = 2  # Retry-After


def others_until(node: Node) -> datetime:
    """Until when this node knows what other nodes archived: when its last look at the sites began."""
    return node.archive.clock.now() - timedelta(seconds=node.duties.peers.behind_s)


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a read may lack: nothing, or what is named in ``unread``; ``why`` is for people."""

    unread: tuple[Unread, ...] = ()
    why: str = ""

    @classmethod
    def awaited(cls, node: Node) -> Freshness:
        """Wait, not for long, until everything that this node acknowledged is searchable."""
        now, unread, why = node.archive.clock.now(), [], ""
        updater, peers = node.intake.tail_updater, node.duties.peers
        if not updater.flush():
            waits = updater.unfolded()
            if waits is not None:
                first, last = rfc3339_us(waits.first_us), rfc3339_us(waits.last_us)
                unread.append(Unread(HOT_TAIL, _NOT_FOLDED, first, last))
                why = waits.reason or "the hot tail of this node is behind"
        behind = node.archive.behind
        if behind:
            first_us, last_us = node.archive.unfolded()
            unread.append(Unread(HOT_TAIL, _NOT_FOLDED, rfc3339_us(first_us), rfc3339_us(last_us)))
            why = why or behind
        if peers.behind_s > peers.patience_s:
            since = now - timedelta(seconds=peers.behind_s)
            unread.append(Unread(OTHER_NODES, _NOT_FOLDED, rfc3339_us(to_us(since)), rfc3339_us(to_us(now))))
            why = why or "what other nodes archived is not known here"
        return cls(tuple(unread), why)

    def find(self, node: Node, look: Callable[[], _T]) -> _T:
        """What ``look`` finds, also once what other nodes just wrote was folded.

        Raises NotFound only where the archive holds no such thing for certain; otherwise Busy.
        """
        try:
            return look()
        except NotFound as error:
            if self.unread:
                raise self._unknown(self.why) from error
        if not node.duties.peers.refresh():
            try:
                return look()
            except NotFound as error:
                raise self._unknown("what other nodes archived cannot be looked at now") from error
        return look()

    @staticmethod
    def _unknown(why: str) -> Busy:
        return Busy(
            f"this node cannot say now whether the archive holds it: {why}",
            retry_after=_RETRY_S,
            hint="Ask again, or ask another node. If this lasts, look at the log of this node.",
        )
