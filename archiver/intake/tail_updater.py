"""The task that puts what this node committed into its hot tail, many objects at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vanvault.archiver.catalogue import HotTail
from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.machine import machine_limit
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.intake.pool import Ticket
from vanvault.archiver.intake.writer import CommittedBatch
from vanvault.archiver.log_lines import Logger

_log = Logger("vanvault.fold")

#: Pause between two transactions, so that one transaction takes many small objects.
_GATHER_S = 0.25
_RETRY_S = 1.0
#: Longest wait of a reader for what this node just archived. An attempt that takes longer is held up.
FRESH_S = 2.0
#: Entries that may wait for the hot tail before intake is refused.
_BACKLOG = 100_000


@dataclass(frozen=True, slots=True)
class Unfolded:
    """What is archived and not searchable yet: how much, of which times, and why where that is known."""

    entries: int
    first_us: int  # time of receipt of the first and the last of them
    last_us: int
    reason: str  # "" when nothing is known to be in the way


class TailUpdater:
    """Applies committed batches in the background; ``flush`` waits until all are searchable."""

    def __init__(self, tail: HotTail, on_folded: Callable[[Sequence[Ticket]], None]) -> None:
        self._tail = tail
        self._on_folded = on_folded
        self._waiting: list[CommittedBatch] = []
        self._tickets: list[Ticket] = []
        self._taken: Sequence[CommittedBatch] = ()  # what is being applied
        self._backlog = 0
        self._added = self._folded = 0  # batches, ever
        self._since: float | None = None  # since when something waits
        self._attempt: float | None = None  # since when the hot tail is being written
        self._failure: Exception | None = None  # of the last attempt
        self._hurry = False
        self._idle = False  # nothing waits, and the task waits for something
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
            self._added += len(committed)
            self._tickets.extend(tickets)
            self._backlog += sum(batch.folded.header.rows for batch in committed)
            if self._idle:  # while it gathers, nothing wakes it in vain
                self._changed.notify_all()

    def check(self) -> None:
        """Raises Busy while the hot tail is too far behind, for instance because its disk is full."""
        if self._backlog > _BACKLOG:
            raise Busy("the hot tail is behind", retry_after=5, hint="Is the disk of the node's home full?")

    def flush(self, timeout_s: float = FRESH_S, *, patient: bool = False) -> bool:
        """Wait until everything added so far is folded; false when it is not, at once where that is held up.

        Whoever gets false must say so: the hot tail may lack what was archived. ``patient``: wait all of the
        time, also while it cannot be written.
        """
        with self._changed:
            until = self._added
            if self._folded >= until:
                return True
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._folded >= until or (not patient and self._held_up(timeout_s)),
                timeout=timeout_s,
            )
            return self._folded >= until

    def unfolded(self) -> Unfolded | None:
        """What waits for the hot tail now; None when nothing does."""
        with self._changed:
            left = [one.folded for one in (*self._taken, *self._waiting)]
            if not left:
                return None
            times = [entry.received_us for one in left for entry in (*one.entries[:1], *one.entries[-1:])]
            return Unfolded(self._backlog, min(times, default=0), max(times, default=0), self._reason())

    def _held_up(self, patience_s: float) -> bool:
        """Did the last attempt fail, or does this one last longer than a reader waits?"""
        began = self._attempt
        return self._failure is not None or (began is not None and time.monotonic() - began > patience_s)

    def _reason(self) -> str:
        """Why the hot tail does not take it, in words that may leave this host."""
        if self._failure is None:
            return "the hot tail is being written by another process" if self._held_up(FRESH_S) else ""
        limit = machine_limit(self._failure)
        return limit.message if limit is not None else "the hot tail of this node cannot be written"

    def run(self, stop: Signal) -> None:
        """Apply batches as they come, until told to stop and nothing waits.

        After an error that is not expected the batches wait again, so the next run applies them.
        """
        while True:
            with self._changed:
                self._idle = True
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._idle = False
                if not self._waiting:
                    return
                self._changed.wait_for(lambda: self._hurry or self._closed, timeout=_GATHER_S)
                taken = time.monotonic()
                batches, tickets = self._waiting, self._tickets
                self._waiting, self._tickets, self._taken = [], [], batches
            applied = False
            try:
                applied = self._apply(batches)
            finally:
                if not applied:
                    with self._changed:
                        self._waiting = [*batches, *self._waiting]
                        self._tickets, self._taken = [*tickets, *self._tickets], ()
            if not applied:
                return  # told to stop: the next start folds what the archive holds
            self._on_folded(tickets)
            with self._changed:
                self._backlog -= sum(batch.folded.header.rows for batch in batches)
                self._folded += len(batches)
                self._taken, self._failure = (), None
                self._since = taken if self._waiting else None
                if not self._waiting:
                    self._hurry = False
                self._changed.notify_all()

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _apply(self, batches: Sequence[CommittedBatch]) -> bool:
        """Put them into the hot tail, however often that fails; false when told to stop before."""
        while True:
            self._attempt = time.monotonic()
            try:
                self._tail.apply([batch.folded for batch in batches])
                return True
            except (Busy, sqlite3.Error) as error:
                # The archive holds the batches; a restart would fold them. Until the tail takes them,
                # their ids stay in memory, so no retry is archived twice.
                _log.error("the hot tail cannot be written", reason=str(error))
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                    if self._changed.wait_for(lambda: self._closed, timeout=_RETRY_S):
                        return False
            finally:
                self._attempt = None
