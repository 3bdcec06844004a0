"""numpy and Arrow at a search's first question, without the library of masked arrays.

``np.unique`` and ``pa.array`` of numpy's numbers load it to ask whether it was used, which takes 20 ms.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_Number = TypeVar("_Number", bound=np.integer)


def distinct(values: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """The different values, ascending."""
    ordered = np.sort(values)
    is_new = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def row_numbers(values: npt.NDArray[Any]) -> pa.Array:
    """Row numbers as Arrow takes them; they are not copied where they are 64 bits wide already."""
    numbers = np.ascontiguousarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
