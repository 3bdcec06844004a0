"""Time cut into windows, so that a page of the newest entries does not ask about ten years. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from vanvault.archiver.catalogue.search.bounds import Bounds

#: Each window spans so many times the segments of the one before.
_GROWTH = 4


def windows(starts: Sequence[int], bounds: Bounds, first: int, *, newest: bool) -> Iterator[Bounds]:
    """``bounds`` in consecutive pieces, in the order of the search; together they are the whole.

    Args:
        starts: time of the first row of every segment, ascending.
        first: segments of the first window.
    """
    count = max(1, first)
    if newest:
        high, at = bounds.high, bisect_right(starts, bounds.to_us)
        while at > count and (low := starts[at - count].to_bytes(8)) > bounds.low:
            yield Bounds(low, high)
            high, at, count = low, at - count, count * _GROWTH
        yield Bounds(bounds.low, high)
        return
    low, at = bounds.low, max(0, bisect_left(starts, bounds.from_us) - 1)
    while at + count < len(starts) and (high := starts[at + count].to_bytes(8)) < bounds.high:
        if high > low:
            yield Bounds(low, high)
            low = high
        at, count = at + count, count * _GROWTH
    yield Bounds(low, bounds.high)
