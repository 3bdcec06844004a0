"""Work on many objects in parallel, results in order, memory bounded by bytes in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Items begun or done before the oldest result is taken, for each worker.
_WINDOW = 4


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to work: hashing and decryption release the interpreter's lock, so threads are enough."""

    workers: int = 4
    bytes_in_flight: int = 256 * 2**20  # of objects begun; one object above it goes alone


def in_order(
    items: Iterable[_Item],
    work: Callable[[_Item], _Result],
    *,
    size: Callable[[_Item], int],
    effort: Effort,
) -> Iterator[tuple[_Item, _Result]]:
    """Each item with its result, in the order of ``items``, which is read no further ahead than needed.

    Args:
        size: bytes of the item that ``work`` holds in memory.

    An error of ``work`` is raised at its item's turn; what was not begun by then is dropped.
    """
    waiting: deque[tuple[_Item, int, Future[_Result]]] = deque()
    in_flight = 0
    pool = ThreadPoolExecutor(effort.workers, thread_name_prefix="recovery")
    try:
        for item in items:
            weight = size(item)
            while waiting and (
                len(waiting) >= effort.workers * _WINDOW or in_flight + weight > effort.bytes_in_flight
            ):
                oldest, freed, future = waiting.popleft()
                yield oldest, future.result()
                in_flight -= freed
            waiting.append((item, weight, pool.submit(work, item)))
            in_flight += weight
        while waiting:
            oldest, _, future = waiting.popleft()
            yield oldest, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
