"""Segments as an index file sees them: a table of them, and one running number for all their rows.

Row r of segment i is row ``base[i] + r`` of the index file. Segments are sorted by time, so running numbers
grow with time as long as segments do not overlap. Row groups are numbered in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vanvault.archiver.catalogue.index.fields import DEFAULT_GROUP_ROWS
from vanvault.archiver.core.errors import InvalidInput

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]

#: Rows of one segment; a reference has 32 bits, one of which tells claims apart.
MAX_SEGMENT_ROWS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """One immutable log object, its rows sorted by time."""

    key: str  # of the log object
    day: str  # YYYY-MM-DD
    rows: int
    first_us: int  # received, of the first row
    last_us: int  # received, of the last row
    row_group_rows: int = DEFAULT_GROUP_ROWS

    def __post_init__(self) -> None:
        if not 0 <= self.rows <= MAX_SEGMENT_ROWS or self.row_group_rows < 1:
            raise InvalidInput(f"segment {self.key}: {self.rows} rows in groups of {self.row_group_rows}")

    @property
    def row_groups(self) -> int:
        """How many row groups it has; the last may be short."""
        return -(-self.rows // self.row_group_rows)

    @property
    def order(self) -> tuple[int, int, str]:
        """Where it stands among the segments of an index file."""
        return self.first_us, self.last_us, self.key


class SegmentTable:
    """The segments of one index file in their order, and the running numbers of their rows and groups."""

    def __init__(self, segments: Iterable[SegmentInfo]) -> None:
        """Raises InvalidInput when a segment is given twice."""
        self.segments: Sequence[SegmentInfo] = tuple(sorted(segments, key=lambda one: one.order))
        if len({one.key for one in self.segments}) != len(self.segments):
            raise InvalidInput("one segment is given twice", hint="Leave out the index file that repeats it.")
        self.row_bases = _bases([one.rows for one in self.segments])
        self.group_bases = _bases([one.row_groups for one in self.segments])
        self._firsts = np.array([one.first_us for one in self.segments], np.int64)
        self._lasts = np.array([one.last_us for one in self.segments], np.int64)
        self._filled = np.array([one.rows > 0 for one in self.segments], bool)
        self.first_us = int(self._firsts.min()) if len(self._firsts) else 0
        self.last_us = int(self._lasts.max()) if len(self._lasts) else 0

    @property
    def rows(self) -> int:
        return int(self.row_bases[-1])

    def bases(self, section: str) -> Int64s:
        """First running number of each segment, and the number after the last; of rows or row groups."""
        return self.row_bases if section == "keys" else self.group_bases

    def span(self, section: str, from_us: int, to_us: int) -> tuple[int, int]:
        """Running numbers [low, high) that hold all segments with rows in [from_us, to_us)."""
        found = np.flatnonzero(self._filled & (self._firsts < to_us) & (self._lasts >= from_us))
        if not len(found):
            return 0, 0
        bases = self.bases(section)
        return int(bases[found[0]]), int(bases[found[-1] + 1])

    def split(self, section: str, numbers: Int64s) -> list[tuple[SegmentInfo, npt.NDArray[np.uint32]]]:
        """Running numbers (ascending) by segment, as the segment's own row or row-group numbers."""
        if not len(numbers):
            return []
        bases = self.bases(section)
        cuts = np.searchsorted(numbers, bases)
        filled = np.flatnonzero(np.diff(cuts))
        return [
            (self.segments[i], (numbers[cuts[i] : cuts[i + 1]] - bases[i]).astype(np.uint32))
            for i in filled.tolist()
        ]


def overlaps(segment: SegmentInfo, from_us: int, to_us: int) -> bool:
    """Whether the segment may have rows in [from_us, to_us)."""
    return segment.rows > 0 and segment.first_us < to_us and segment.last_us >= from_us


def _bases(sizes: list[int]) -> Int64s:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(sizes, np.int64))])
