"""A cache in memory that is bounded by count or by bytes; and what to do where a cache on disk is lost."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from vanvault.archiver.core.errors import CacheLost

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


T = TypeVar("T")

#: How often a run begins again on a new cache, before the disk is at fault.
_RUNS = 3


def again_where_lost(run: Callable[[], T], told: Callable[[CacheLost], None]) -> T:
    """What ``run`` gives; begun again where a cache was damaged under it, as after a kill.

    ``told``: hears of each. Raises what the last run raises.
    """
    for _ in range(_RUNS - 1):
        try:
            return run()
        except CacheLost as lost:
            told(lost)
    return run()


class BoundedCache(Generic[K, V]):
    """Values by key; the ones that were used longest ago leave first. Safe to share between threads.

    Every value has a size: 1 by default, so that ``limit`` is a number of values, or its bytes.
    """

    def __init__(self, limit: int, *, largest: int | None = None) -> None:
        """``limit``: of all sizes together, 0 holds nothing; ``largest``: of one value."""
        self._limit = limit
        self._largest = limit if largest is None else largest
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()  # used longest ago first
        self._size = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Of all values that are held."""
        return self._size

    def get(self, key: K) -> V | None:
        """The value, which counts as used now; None when it is not held."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            self._held.move_to_end(key)
            return held[0]

    def put(self, key: K, value: V, size: int = 1) -> None:
        """Hold a value in place of the one before, unless it is larger than one may be."""
        with self._lock:
            self._drop(key)
            if size > self._largest:
                return
            self._held[key] = (value, size)
            self._size += size
            while self._size > self._limit:
                _, (_, dropped) = self._held.popitem(last=False)
                self._size -= dropped

    def get_or_load(self, key: K, load: Callable[[], tuple[V, int]]) -> V:
        """The value, else what ``load`` gives: a value and its size. Raises whatever ``load`` raises.

        Two threads may load the same key at once; both get a value, one is held.
        """
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held[0]
        value, size = load()
        self.put(key, value, size)
        return value

    def remove(self, key: K) -> None:
        """Forget a value; no error when it is not held."""
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._size = 0

    def _drop(self, key: K) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._size -= held[1]
