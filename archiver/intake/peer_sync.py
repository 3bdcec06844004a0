"""The thread that keeps this node level with the others, and a way to ask for it at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from vanvault.archiver.core.errors import VanVaultError

_log = structlog.get_logger("vanvault.follow")

#: Looks that may fail or be late before anybody is told.
_PATIENCE = 20


class Follower:
    """Calls ``look`` every ``interval_s`` seconds. A site that is away is no reason to stop."""

    def __init__(self, look: Callable[[], object], interval_s: float) -> None:
        self._look = look
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._began = self._level = time.monotonic()
        self._failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def behind_s(self) -> float:
        """Seconds since the last look that succeeded began."""
        return time.monotonic() - self._level

    @property
    def patience_s(self) -> float:
        """Beyond so many seconds the node says that it is behind the others."""
        return max(10.0, _PATIENCE * self._interval_s)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def refresh(self) -> bool:
        """Look now, unless a look that began after this call is over already; false when it failed."""
        asked = time.monotonic()
        with self._lock:
            if self._began >= asked:
                return self._level >= asked
            return self._once()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            with self._lock:
                self._once()

    def _once(self) -> bool:
        self._began = began = time.monotonic()
        try:
            self._look()
        except VanVaultError as error:
            if not self._failing:
                _log.warning("other nodes cannot be followed", reason=error.message)
            self._failing = True
            return False
        except Exception:  # noqa: BLE001 - a thread that must go on; it is logged
            _log.exception("other nodes cannot be followed")
            return False
        self._level, self._failing = began, False
        return True
