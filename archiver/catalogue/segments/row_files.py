"""Row blocks of one log part at one site: an open area, and a block as a search asks it.

A log part that was written without blocks gives the same answers from its columns, only slower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vanvault.archiver.catalogue.arrays import row_numbers
from vanvault.archiver.catalogue.segments.rows import Row, columns_of, field_matches, mask, rows_at
from vanvault.archiver.core.format.row_blocks import Coded, Constant, RowArea, RowBlock

_RowNumbers = npt.NDArray[np.int64]

#: Bytes of memory for each sealed byte of a block, about.
_UNPACKED = 4


class Block(Protocol):
    """The rows of one row group."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes, about."""
        ...

    def matching(self, filters: Mapping[str, str], among: _RowNumbers | None) -> _RowNumbers:
        """_RowNumbers within the group, ascending, of the rows that hold every filter's value.

        ``among``: only these, ascending; None: all. Raises Damaged.
        """
        ...

    def rows_at(self, numbers: Sequence[int]) -> list[Row]:
        """Rows by their numbers, in that order; times as microseconds. Raises Damaged."""
        ...


class SearchBlock:
    """A row block, opened when it is first asked. Safe to share between threads."""

    def __init__(self, area: RowArea, number: int, sealed: bytes) -> None:
        self._area, self._number, self._sealed = area, number, sealed
        self._opened: RowBlock | None = None
        self.nbytes = _UNPACKED * len(sealed)

    @property
    def _block(self) -> RowBlock:
        sealed, opened = self._sealed, self._opened  # in this order: another thread may open it meanwhile
        if opened is None:
            opened = self._opened = self._area.block(self._number, sealed)
            self._sealed = b""
        return opened

    def matching(self, filters: Mapping[str, str], among: _RowNumbers | None) -> _RowNumbers:
        numbers = np.arange(self._block.rows) if among is None else among
        later: list[tuple[str, str]] = []
        for field, value in filters.items():
            column = self._block.column(columns_of({field: value})[0])
            if isinstance(column, Constant):
                if not field_matches(field, value, column.text):
                    return numbers[:0]
            elif isinstance(column, Coded):
                good = np.array([field_matches(field, value, text) for text in column.values()], bool)
                numbers = numbers[good[column.codes[numbers]]]
            else:
                later.append((field, value))
        for field, value in later:
            held = self._block.values(columns_of({field: value})[0], numbers.tolist())
            good = np.array([field_matches(field, value, one) for one in held], bool)
            numbers = numbers[good]
        return numbers

    def rows_at(self, numbers: Sequence[int]) -> list[Row]:
        return self._block.rows_at(numbers)


class TableBlock:
    """A row group that Parquet decoded. Safe to share between threads."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.nbytes = table.get_total_buffer_size()

    def matching(self, filters: Mapping[str, str], among: _RowNumbers | None) -> _RowNumbers:
        import pyarrow.compute as pc  # Parquet's columns are asked seldom, and this takes 50 ms to load

        table = self._table if among is None else self._table.take(row_numbers(among))
        found = np.flatnonzero(np.asarray(pc.fill_null(mask(table, dict(filters)), False)))
        return found if among is None else among[found]

    def rows_at(self, numbers: Sequence[int]) -> list[Row]:
        return rows_at(self._table, numbers)
