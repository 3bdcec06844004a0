"""A merge of sorted streams, each of which is opened only when the merge reaches it. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def merge_opened(
    streams: Iterable[tuple[int, Callable[[], Iterator[T]]]], rank: Callable[[T], int]
) -> Iterator[T]:
    """What all streams give, by rank, ascending.

    Args:
        streams: the least rank that one may give, and what opens it.
        rank: of what a stream gives, in ascending order.
    """
    waiting = sorted(streams, key=lambda one: one[0], reverse=True)
    heap: list[tuple[int, int, T, Iterator[T]]] = []
    opened = 0
    while heap or waiting:
        while waiting and (not heap or waiting[-1][0] <= heap[0][0]):
            stream = waiting.pop()[1]()
            opened += 1
            first = next(stream, None)
            if first is not None:
                heapq.heappush(heap, (rank(first), opened, first, stream))
        if not heap:
            continue
        _, number, one, stream = heap[0]
        yield one
        following = next(stream, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (rank(following), number, following, stream))
