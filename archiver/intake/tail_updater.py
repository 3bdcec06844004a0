"""The task that puts what this node committed into its hot tail, many objects at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

import structlog

from vanvault.archiver.catalogue import HotTail
from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.intake.pool import Ticket
from vanvault.archiver.intake.writer import CommittedBatch

_log = structlog.get_logger("vanvault.fold")

#: Pause between two transactions, so that one transaction takes many small objects.
_GATHER_S = 0.25
_RETRY_S = 1.0
#: Entries that may wait for the hot tail before intake is refused.
_BACKLOG = 100_000


class TailUpdater:
    """Applies committed batches in the background; ``flush`` waits until all are searchable."""

    def __init__(self, tail: HotTail, on_folded: Callable[[Sequence[Ticket]], None]) -> None:
        self._tail = tail
        self._on_folded = on_folded
        self._waiting: list[CommittedBatch] = []
        self._tickets: list[Ticket] = []
        self._backlog = 0
        self._since: float | None = None  # since when something waits
        self._hurry = False
        self._closed = False
        self._changed = threading.Condition()

    @property
    def task(self) -> Task:
        """Lasts as long as the node; told to stop, it first applies what waits."""
        return Task("tail-updater", self.run, ask=self._close)

    @property
    def backlog(self) -> int:
        """Entries that are committed and not yet searchable."""
        return self._backlog

    @property
    def behind_s(self) -> float:
        """How long the oldest of them waits, in seconds; 0 when none does."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def add(self, committed: Sequence[CommittedBatch], tickets: Sequence[Ticket]) -> None:
        """Queue committed objects and the tickets to forget once they are folded."""
        with self._changed:
            if committed and self._since is None:
                self._since = time.monotonic()
            self._waiting.extend(committed)
            self._tickets.extend(tickets)
            self._backlog += sum(batch.folded.header.rows for batch in committed)
            self._changed.notify_all()

    def check(self) -> None:
        """Raises Busy while the hot tail is too far behind, for instance because its disk is full."""
        if self._backlog > _BACKLOG:
            raise Busy("the hot tail is behind", retry_after=5, hint="Is the disk of the node's home full?")

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until everything added so far is folded; false when that took longer."""
        if not self._backlog:
            return True
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._backlog, timeout=timeout_s)

    def run(self, stop: Signal) -> None:
        """Apply batches as they come, until told to stop and nothing waits.

        After an error that is not expected the batches wait again, so the next run applies them.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                self._changed.wait_for(lambda: self._hurry or self._closed, timeout=_GATHER_S)
                taken = time.monotonic()
                batches, tickets = self._waiting, self._tickets
                self._waiting, self._tickets = [], []
            try:
                self._apply(batches)
            except BaseException:
                with self._changed:
                    self._waiting, self._tickets = [*batches, *self._waiting], [*tickets, *self._tickets]
                raise
            self._on_folded(tickets)
            with self._changed:
                self._backlog -= sum(batch.folded.header.rows for batch in batches)
                self._since = taken if self._waiting else None
                if not self._waiting:
                    self._hurry = False
                self._changed.notify_all()

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _apply(self, batches: Sequence[CommittedBatch]) -> None:
        while True:
            try:
                self._tail.apply([batch.folded for batch in batches])
                return
            except sqlite3.Error as error:
                # The archive holds the batches; a restart would fold them. Until the tail takes them,
                # their ids stay in memory, so no retry is archived twice.
                _log.error("the hot tail cannot be written", reason=str(error))
                with self._changed:
                    if self._changed.wait_for(lambda: self._closed, timeout=_RETRY_S):
                        return
