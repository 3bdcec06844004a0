"""The thread that keeps checking whether a running node may go on locking.

It also folds what other processes wrote (a probe, another node), so that what it judges is recent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from vanvault.archiver.errors import VanVaultError
from vanvault.archiver.intake.committer import Committer

_log = structlog.get_logger("vanvault.watch")


class Watch:
    """Calls ``check`` every ``interval_s`` seconds; while it raises, intake is held with that reason."""

    def __init__(self, committer: Committer, check: Callable[[], None], interval_s: float) -> None:
        self._committer = committer
        self._check = check
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            if self._committer.state != "ready":
                continue  # recovery asks the same before it opens
            try:
                self._check()
            except VanVaultError as error:
                was_held = self._committer.held is not None
                self._committer.hold(error)  # first of all: the log may take its time
                if not was_held:
                    _log.error("intake is held", reason=error.message)
            else:
                if self._committer.held is not None:
                    _log.info("intake is open again")
                self._committer.hold(None)
