"""Bodies of many batches in the order of a segment, a row group of which is in memory at a time. Pure.

Bodies are most of a segment. They are never sorted: the order of the rows says which body comes next. A batch
is decoded when its first body is due and let go after its last one. Rows of one writer follow each other in
time, so about as many batches are open as there were writers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from vanvault.archiver.core.format.segments.schema import ORIGINALS

_Rows = np.ndarray[tuple[int], np.dtype[np.int64]]


#: Gives the bodies of a batch, one for each row, with null where a row has none.
Bodies = Callable[[], pa.ChunkedArray]


class OrderedBodies:
    """The originals of a segment, to be taken once."""

    def __init__(self, batches: Sequence[tuple[int, Bodies]], order: _Rows) -> None:
        """Args:
        batches: rows and bodies of each.
        order: the rows that have a body, in the segment's order; they count through all batches.
        """
        self._bodies: list[Bodies | None] = [bodies for _, bodies in batches]
        self._first = np.cumsum([0] + [rows for rows, _ in batches])
        self._order = order
        self._batch: _Rows = np.searchsorted(self._first, order, side="right") - 1
        self.num_rows = len(order)

    def tables(self, rows: int) -> Iterator[pa.Table]:
        """All of them in order, in tables of so many rows; the last one may be shorter."""
        last = dict(zip(self._batch.tolist(), range(self.num_rows), strict=True))  # the last one counts
        opened: dict[int, pa.Array] = {}
        for start in range(0, self.num_rows, rows):
            stop = min(start + rows, self.num_rows)
            due = sorted(set(self._batch[start:stop].tolist()))
            for number in due:
                bodies = self._bodies[number]
                if bodies is not None:
                    opened[number], self._bodies[number] = bodies().combine_chunks(), None
            yield self._window(start, stop, due, opened)
            for number in due:
                if last[number] < stop:
                    del opened[number]

    def _window(self, start: int, stop: int, due: list[int], opened: dict[int, pa.Array]) -> pa.Table:
        bodies = opened[due[0]] if len(due) == 1 else pa.concat_arrays([opened[number] for number in due])
        before = np.zeros(len(self._first), np.int64)
        before[due] = np.cumsum([0] + [len(opened[number]) for number in due[:-1]])
        numbers = self._batch[start:stop]
        places = before[numbers] + self._order[start:stop] - self._first[numbers]
        return pa.Table.from_arrays([bodies.take(pa.array(places))], schema=ORIGINALS)
