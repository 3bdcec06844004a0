"""A server that is too slow again and again is left alone for a while; one that refuses gets one try each.

One exchange that is too slow costs its caller half a minute, and a request that is repeated its pauses.
Whoever reads many objects, and has another site to read them from, must not pay that for each of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Exchanges in a row that were too slow, after which the server is left alone.
MOST = 3
#: Seconds for which it is. After them one exchange that is too slow is enough.
REST_S = 30.0


class Slowness:
    """Counts what was too slow, or failed at every try, since then. Safe to share between threads."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._slow = 0
        self._rest_until = 0.0
        self._failed = 0  # requests in a row that failed at every try

    @property
    def rests(self) -> bool:
        """Is the server to be left alone now?"""
        return self._slow >= MOST and self._timer() < self._rest_until

    def was_slow(self) -> None:
        """An exchange was given up because it was too slow."""
        with self._lock:
            self._slow += 1
            self._rest_until = self._timer() + REST_S

    def was_in_time(self) -> None:
        """An answer with a body came in time."""
        self._slow = 0

    @property
    def fails(self) -> bool:
        """Is a second try of a request not worth its pause, because requests before it failed at each?"""
        return self._failed >= MOST

    def failed(self, *, unanswered: bool) -> None:
        """A request failed at every try; ``unanswered``: nothing answers at the server's address."""
        with self._lock:
            self._failed = MOST if unanswered else self._failed + 1

    def answered(self) -> None:
        """A request was carried out."""
        self._failed = 0
