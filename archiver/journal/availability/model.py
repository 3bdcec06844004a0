"""What the ledger is made of. Frozen data; times are microseconds since the epoch, as everywhere inside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal


class Level(IntEnum):
    """How well a node, or the service, serves; more is better."""

    DOWN = 1  # it refuses messages
    DEGRADED = 2  # it takes them, but something is amiss
    UP = 3


#: What an interval counts as.
IntervalKind = Literal["up", "degraded", "planned", "unplanned"]
KINDS: tuple[IntervalKind, ...] = ("up", "degraded", "planned", "unplanned")


@dataclass(frozen=True, slots=True)
class Mark:
    """A node was alive at this moment, at this level."""

    at_us: int
    writer: str  # one run of one node
    level: Level | None  # None: as before
    due_us: int  # its next mark comes within this time, while it is alive
    ended: bool = False  # it serves no longer


@dataclass(frozen=True, slots=True)
class Window:
    """Planned downtime, announced ahead."""

    id: str
    start_us: int
    end_us: int
    announced_us: int
    reason: str
    who: str
    cancelled_us: int | None = None

    @property
    def counts_us(self) -> tuple[int, int]:
        """The part that counts as planned, [start, end): before it was cancelled.

        Nothing of a window that was not announced before it began.
        """
        if self.announced_us > self.start_us:
            return self.start_us, self.start_us
        end = self.end_us if self.cancelled_us is None else min(self.end_us, self.cancelled_us)
        return self.start_us, max(self.start_us, end)


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """What a probe outside saw."""

    at_us: int
    source: str
    level: Level
    valid_us: int  # it holds for so long, unless the same source says otherwise before


@dataclass(frozen=True, slots=True)
class AvailabilityEvidence:
    """All that the ledger is folded from."""

    marks: tuple[Mark, ...]
    windows: tuple[Window, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end) of one kind."""

    start_us: int
    end_us: int
    kind: IntervalKind
