"""Segments: many batches compacted, and the signed statement that makes one trusted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Covered:
    """Batches of one writer, sequences ``first`` to ``last`` with both ends, that a segment holds whole."""

    writer: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SegmentPart:
    """One object of a segment."""

    kind: str  # "log", "originals", "evidence" or "residue"
    key: str
    size: int  # bytes as stored
    rows: int
    retain_until: str  # the lock that was asked for at every site, RFC 3339
    chunks: bytes = b""  # 16 bytes for each CHUNK_BYTES of it, for who reads ranges; empty: of the originals


@dataclass(frozen=True, slots=True)
class SegmentManifest:
    """What a segment holds. It is written last, after every part was read back whole from every site."""

    archive: str
    segment: str  # id, 16 characters; made like a writer's when the compaction began
    day: str  # YYYY-MM-DD, UTC: the day of every covered batch's youngest row
    created_us: int  # when it was proved
    first_us: int  # received_at of its first and of its last row
    last_us: int
    messages: int  # rows
    events: int
    raw_bytes: int  # of the originals and canonical events, as received
    covers: tuple[Covered, ...]  # by writer and sequence
    parts: tuple[SegmentPart, ...]
    signing_key: str = ""
    signature: bytes = b""
    replaces: tuple[str, ...] = ()  # of a residue segment: ids of those in whose place it stands, ascending
    disposal: str = ""  # of a residue segment: id of the disposal that made it

    @property
    def is_residue(self) -> bool:
        """Does it stand in the place of other segments, some rows of which were disposed of?"""
        return bool(self.disposal)

    def part(self, kind: str) -> SegmentPart | None:
        """The object of this kind; None when the segment needs none."""
        return next((part for part in self.parts if part.kind == kind), None)

    @property
    def rows(self) -> int:
        return self.messages + self.events

    def holds(self, writer: str, sequence: int) -> bool:
        """Is this batch compacted here?"""
        return any(c.writer == writer and c.first <= sequence <= c.last for c in self.covers)

    def holds_all(self, other: SegmentManifest) -> bool:
        """Is every batch of the other segment in this one?"""
        return all(
            any(c.writer == one.writer and c.first <= one.first and one.last <= c.last for c in self.covers)
            for one in other.covers
        )


@dataclass(frozen=True, slots=True)
class ResidueRow:
    """What is left of one entry that was disposed of, beside what its row in the log still says."""

    writer: str
    sequence: int
    row: int
    what: str  # "entry" (whole) or "original" (only its bytes)
    entry: str  # "message" or "event"
    rule: str  # id of the rule by which it was due
    due_us: int
    disposal: str  # id of the disposal, which is the number of its certificate
    disposed_us: int
    digest: bytes  # 32: of the row as its writer signed it (archiver/FORMAT.md, section 3.1)
    leaf: bytes | None  # 32: of the receipt's tree (section 7); None: its batch has no commit record

    @property
    def id(self) -> str:
        """The archive's id of the entry."""
        return f"{self.writer}-{self.sequence}-{self.row}"

    @property
    def is_whole(self) -> bool:
        """Was the whole entry disposed of, and not only its original?"""
        return self.what == "entry"
