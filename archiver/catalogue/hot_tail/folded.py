"""What goes into the hot tail and what comes out of it. Frozen data, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from vanvault.archiver.core.model import BatchHeader, Commit, Entry, Placement


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a (gateway, id) was first archived."""

    position: bytes
    sha256: bytes  # of the original or the canonical event


@dataclass(frozen=True, slots=True)
class FoldedBatch:
    """A committed batch, ready to be applied: its header, entries (bodies not needed) and copies."""

    key: str
    header: BatchHeader
    entries: tuple[Entry, ...]
    placements: tuple[Placement, ...]
    commit: Commit | None = None  # known when this process signed it, or a later header recorded it
    compacted: Mapping[int, Claim] = field(default_factory=dict)  # by row: what it repeats


@dataclass(frozen=True, slots=True)
class KnownBatch:
    """What the hot tail keeps of one batch."""

    n: int
    key: str
    header: BatchHeader
    placements: tuple[Placement, ...]
    commit: Commit | None


def position_of(entry: Entry, writer: str) -> bytes:
    """12 bytes that order entries by time of receipt and are unique: a writer never repeats a time."""
    return entry.received_us.to_bytes(8) + hashlib.sha256(writer.encode()).digest()[:4]
