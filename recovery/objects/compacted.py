"""Which batches segments hold, by writer and sequence: such a batch need not be there any more. Pure.

Memory: some hundred bytes for each range of sequences, and where evidence was read four bytes for each
batch, so that another object under a compacted one's number is told from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vanvault.archiver.core.names import ObjectName

#: Bytes of a compacted batch's SHA-256 that are remembered.
DIGEST_BYTES = 4


@dataclass(frozen=True, slots=True)
class CompactedRange:
    """Batches of one writer, ``first`` to ``last`` with both ends, in one trusted and whole segment."""

    writer: str
    first: int
    last: int
    source: str  # key of the object that says so
    digests: bytes = b""  # DIGEST_BYTES of every batch's SHA-256, in order; b"" when evidence was not read,
    previous: str = ""  # and then nothing of what follows is known: SHA-256 (hex) before the first batch
    first_us: int = 0  # time of the first and of the last row
    last_us: int = 0
    final: int | None = None  # the sequence with which the writer closed

    def digest(self, sequence: int) -> str:
        """What the SHA-256 (hex) of this batch begins with; "" when unknown."""
        start = DIGEST_BYTES * (sequence - self.first)
        return self.digests[start : start + DIGEST_BYTES].hex()

    def fits(self, name: ObjectName) -> bool:
        """Is the batch of this sequence the one with this name, as far as is known?"""
        return name.sha256.hex().startswith(self.digest(name.sequence))


@dataclass(slots=True)
class CompactedBatches:
    """The ranges of all segments that count."""

    _ranges: dict[str, list[CompactedRange]] = field(default_factory=dict)

    def add(self, covered: CompactedRange) -> None:
        self._ranges.setdefault(covered.writer, []).append(covered)

    def find(self, writer: str, sequence: int) -> CompactedRange | None:
        """The range in which a batch lies."""
        ranges = self._ranges.get(writer, ())
        return next((one for one in ranges if one.first <= sequence <= one.last), None)

    def holds(self, name: ObjectName | None) -> bool:
        """Is this very batch in a segment?"""
        if name is None or name.family != "batch":
            return False
        found = self.find(name.writer, name.sequence)
        return found is not None and found.fits(name)

    def contains(self, covered: CompactedRange) -> bool:
        """Are all batches of this range in segments already?"""
        sequence = covered.first
        while sequence <= covered.last:
            found = self.find(covered.writer, sequence)
            if found is None:
                return False
            sequence = found.last + 1
        return True

    def of(self, writer: str) -> tuple[CompactedRange, ...]:
        """A writer's ranges by their first sequence."""
        return tuple(sorted(self._ranges.get(writer, ()), key=lambda one: one.first))

    def writers(self) -> Iterator[str]:
        yield from sorted(self._ranges)
