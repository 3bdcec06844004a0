"""A budget of bytes in flight: memory is bounded by a setting, whatever clients do."""

from __future__ import annotations

import threading

from vanvault.archiver.core.errors import Busy


class ByteBudget:
    """Reserve before reading, release after answering. Safe from many threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """Most bytes that may be reserved."""
        return self._limit

    @property
    def used(self) -> int:
        """Bytes reserved now."""
        return self._used

    def reserve(self, size: int) -> None:
        """Take ``size`` bytes, or raise Busy at once: waiting would hold a connection and help nobody."""
        with self._lock:
            if self._used + size > self._limit:
                raise Busy(
                    "the node has as many bytes in flight as its settings allow",
                    retry_after=1,
                    hint="Send the same request again after the time in Retry-After.",
                )
            self._used += size

    def release(self, size: int) -> None:
        """Give ``size`` bytes back."""
        with self._lock:
            self._used -= size
