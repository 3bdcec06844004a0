"""Randomness that a test can repeat."""

from __future__ import annotations

from random import Random
from threading import Lock


class SeededEntropy:
    """The same seed gives the same bytes in the same order. Safe from many threads; never for real keys."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._lock = Lock()

    def token(self, size: int) -> bytes:
        with self._lock:
            return self._random.randbytes(size)
