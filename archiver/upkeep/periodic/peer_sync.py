"""The task that folds what other nodes wrote, and a way to ask for it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.ports import Stopwatch, SystemStopwatch
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.log_lines import Logger

_log = Logger("vanvault.follow")

#: Looks that may fail or be late before anybody is told.
_PATIENCE = 20
_WAIT_S = 5.0  # longest wait of a reader for a look that is under way


class PeerSync:
    """Calls ``look`` every ``interval_s`` seconds. A site that is away is no reason to stop."""

    def __init__(
        self,
        look: Callable[[], object],
        interval_s: float,
        *,
        stopwatch: Stopwatch | None = None,
        wait_s: float = _WAIT_S,
    ) -> None:
        """``wait_s``: longest wait of ``refresh`` for a look that is under way."""
        self._look = look
        self._interval_s = interval_s
        self._stopwatch = stopwatch or SystemStopwatch()
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._began = self._level = self._stopwatch.seconds()

    @property
    def task(self) -> Task:
        """One look a round."""
        return Task("peer-sync", self.round, every_s=self._interval_s)

    @property
    def behind_s(self) -> float:
        """Seconds since the last look that succeeded began."""
        return self._stopwatch.seconds() - self._level

    @property
    def patience_s(self) -> float:
        """Beyond so many seconds the node says that it is behind the others."""
        return max(10.0, _PATIENCE * self._interval_s)

    def round(self, stop: Signal) -> None:
        """Look now. Raises what the look raises."""
        with self._lock:
            self._once()

    def refresh(self) -> bool:
        """Look now, unless a look that began after this call is over already.

        False when it failed, or when another look holds this one up for too long: what others wrote lately
        may not be known then.
        """
        asked = self._stopwatch.seconds()
        if not self._lock.acquire(timeout=self._wait_s):
            return False
        try:
            if self._began >= asked:
                return self._level >= asked
            try:
                self._once()
            except VanVaultError:
                return False  # the next round tells the same error to the log and to metrics
            except Exception:  # noqa: BLE001 - a reader does without; it is logged
                _log.exception("other nodes cannot be followed")
                return False
            return True
        finally:
            self._lock.release()

    def _once(self) -> None:
        self._began = began = self._stopwatch.seconds()
        self._look()
        self._level = began
