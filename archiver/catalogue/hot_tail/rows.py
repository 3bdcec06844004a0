"""What goes into the hot tail and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from vanvault.archiver.catalogue.items import Item, position, without_body
from vanvault.archiver.core.model import BatchHeader, Commit, Entry, Placement


def position_of(entry: Entry, writer: str) -> bytes:
    """Where an entry stands in time."""
    return position(entry.received_us, writer)


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a (gateway, id) was first archived."""

    position: bytes
    sha256: bytes  # of the original or the canonical event
    gone: bool = False  # it was disposed of: nothing with this id is archived again


@dataclass(frozen=True, slots=True)
class FoldedBatch:
    """A committed batch, ready to be applied: its header, entries (bodies not needed) and copies."""

    key: str
    header: BatchHeader
    entries: tuple[Entry, ...]
    placements: tuple[Placement, ...]
    commit: Commit | None = None  # known when this process signed it, or a later header recorded it
    compacted: Mapping[int, Claim] = field(default_factory=dict)  # by row: what it repeats

    def without_bodies(self) -> FoldedBatch:
        """The same batch, without the bytes of originals, so that they do not stay in memory."""
        return replace(self, entries=tuple(map(without_body, self.entries)))


@dataclass(frozen=True, slots=True)
class KnownBatch:
    """What the hot tail keeps of one batch."""

    n: int
    key: str
    header: BatchHeader
    placements: tuple[Placement, ...]
    commit: Commit | None


@dataclass(frozen=True, slots=True)
class LastBatch:
    """The newest batch of a writer, as far as is known here."""

    writer: str
    key: str
    final: bool
    created_us: int


class TailRow(NamedTuple):
    """An entry of the hot tail and where it lies."""

    position: bytes
    item: Item
    batch: int  # number of its batch in this file
    row: int  # in the batch


#: The first claim on (entry, gateway, id).
FindClaim = Callable[[str, str, str], Claim | None]
#: Which of these entries, by index, repeat a compacted one, and the claim of that one.
FindRepeats = Callable[[Sequence[Entry]], Mapping[int, Claim]]
