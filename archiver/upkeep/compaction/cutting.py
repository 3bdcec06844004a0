"""Where a day is cut into segments, and what must wait because something before it is damaged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from vanvault.archiver.catalogue import KnownBatch
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.model import BatchHeader
from vanvault.archiver.core.options import SegmentLimits


class MeasuredBatch(Protocol):
    """A batch that was read whole, or what is known of it since."""

    @property
    def header(self) -> BatchHeader: ...

    @property
    def raw_bytes(self) -> int: ...


_Batch = TypeVar("_Batch", bound=MeasuredBatch)
_Outcome = TypeVar("_Outcome", covariant=True)


class Reading(Protocol[_Outcome]):
    """The reading of a batch, as a future has it."""

    def result(self) -> _Outcome:
        """What was read. Raises Damaged, NotFound: no site gives it whole."""
        ...

    def cancel(self) -> object: ...


@dataclass(slots=True)
class Cutter:
    """Cuts one day after the other."""

    limits: SegmentLimits
    damaged: list[str] = field(default_factory=list)  # batches that no site gives whole
    _held_back: set[str] = field(default_factory=set)  # writers

    def cut(self, readings: Iterable[tuple[KnownBatch, Reading[_Batch]]]) -> Iterator[list[_Batch]]:
        """A day's batches, as many at once as one segment takes.

        Of a writer of which an earlier batch is damaged nothing more is taken: what follows holds its commit
        record, and stays with it until it is mended.
        """
        taken: list[_Batch] = []
        rows = size = 0
        for batch, reading in readings:
            if batch.header.writer in self._held_back:
                reading.cancel()
                continue
            try:
                found = reading.result()
            except (Damaged, NotFound):
                self.damaged.append(batch.key)
                self._held_back.add(batch.header.writer)
                continue
            raw = found.raw_bytes
            if taken and (rows + found.header.rows > self.limits.rows or size + raw > self.limits.raw_bytes):
                yield taken
                taken, rows, size = [], 0, 0
            taken.append(found)
            rows += found.header.rows
            size += raw
        if taken:
            yield taken
