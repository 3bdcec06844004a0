"""Merging sources of entries by time, each opened only when its turn comes. Pure.

A source yields *steps* in its order: either a hit, or a bound, which promises that nothing more comes from it
before that position. Bounds let the merge stop between two expensive reads, at a position from which a
later page can go on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

H = TypeVar("H")
H_co = TypeVar("H_co", covariant=True)


_WIDTH = 13


@dataclass(frozen=True, slots=True)
class Step(Generic[H_co]):
    """A hit at a position, or (``hit`` None) a bound."""

    position: bytes  # 12
    hit: H_co | None = None


@dataclass(frozen=True, slots=True)
class Source(Generic[H_co]):
    """Steps that are opened when the merge reaches ``bound``."""

    bound: bytes  # nothing of it comes before this position
    steps: Callable[[], Iterator[Step[H_co]]]


def merged(sources: Iterable[Source[H]], *, newest: bool) -> Iterator[Step[H]]:
    """All steps in order of position; hits at one position come together."""

    def rank(position: bytes) -> int:
        value = int.from_bytes(position.ljust(_WIDTH, b"\0"))  # bounds may be shorter, or one byte longer
        return -value if newest else value

    waiting = sorted(sources, key=lambda source: rank(source.bound), reverse=True)
    heap: list[tuple[int, int, Step[H], Iterator[Step[H]]]] = []
    opened = 0
    while heap or waiting:
        while waiting and (not heap or rank(waiting[-1].bound) <= heap[0][0]):
            steps = waiting.pop().steps()
            opened += 1
            first = next(steps, None)
            if first is not None:
                heapq.heappush(heap, (rank(first.position), opened, first, steps))
        if not heap:
            continue
        _, number, step, steps = heap[0]
        yield step
        following = next(steps, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (rank(following.position), number, following, steps))
