"""Decoded blocks, the last used ones, bounded by bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

DEFAULT_BYTES = 64 * 2**20


class BlockCache:
    """Shared by all index files of a process; safe to share between threads."""

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        """``limit``: bytes of decoded blocks; 0 keeps nothing."""
        self._limit = limit
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size

    def get(self, key: Hashable, load: Callable[[], tuple[T, int]]) -> T:
        """What lies under ``key``, else what ``load`` gives, with its size in bytes.

        Two threads may load the same block at once; both get it, one is kept.
        """
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                found: T = held[0]
                return found
        value, size = load()
        with self._lock:
            if key not in self._held and size <= self._limit:
                self._held[key] = (value, size)
                self._size += size
                while self._size > self._limit:
                    _, (_, dropped) = self._held.popitem(last=False)
                    self._size -= dropped
        return value
