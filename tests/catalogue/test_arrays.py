"""What stands in for ``np.unique`` and ``pa.array`` gives what they give."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.catalogue.arrays import distinct, row_numbers

NUMBERS = st.lists(st.integers(0, 50), max_size=60)


@given(numbers=NUMBERS)
def test_different_values_are_given_once_and_in_order(numbers: list[int]) -> None:
    for kind in (np.uint32, np.int64):
        given_ = np.array(numbers, dtype=kind)
        assert distinct(given_).tolist() == np.unique(given_).tolist()
        assert distinct(given_).dtype == kind


@given(numbers=NUMBERS, step=st.integers(1, 3))
def test_row_numbers_choose_the_same_rows_whatever_their_width(numbers: list[int], step: int) -> None:
    rows = pa.table({"row": list(range(60))})
    for kind in (np.uint32, np.int64):
        chosen = np.array(numbers, dtype=kind)[::step]
        assert rows.take(row_numbers(chosen)) == rows.take(pa.array(chosen))
