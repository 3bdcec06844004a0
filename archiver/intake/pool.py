"""The pool of a group commit: tickets wait here for some milliseconds, or until they are enough."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.model import Draft
from vanvault.archiver.core.options import PoolLimits
from vanvault.archiver.core.outcome import Done, Outcome


@dataclass(slots=True)
class Ticket:
    """One draft on its way, and who waits for it."""

    draft: Draft
    waiting: list[Done] = field(default_factory=list)
    outcome: Outcome | None = None
    released: bool = False  # callers are being told; who comes now reads the outcome
    repeated: bool = False  # the entry was archived before: nobody who waits made it


class Pool:
    """A bounded queue of tickets; ``take`` cuts groups. Safe from many threads."""

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._queue: deque[Ticket] = deque()
        self._ready = threading.Condition()
        self._closed = False
        self._arriving = 0
        self._idle = False  # ``take`` waits for a first ticket
        self._last_group = 0
        self._expected = 1

    def arriving(self, change: int) -> None:
        """Count requests (+1, -1) that will soon add tickets; a group does not leave without them."""
        with self._ready:
            self._arriving += change
            if not self._arriving and self._queue:
                self._wake()

    def add(self, ticket: Ticket, *, more: bool = False) -> None:
        """Queue one ticket. ``more``: others follow at once, and then ``added``.

        Raises Busy when too many wait or the pool is closed.
        """
        with self._ready:
            if self._closed:
                raise Busy("the node is shutting down", retry_after=2, hint="Send it to another node.")
            if len(self._queue) >= self._limits.waiting_entries:
                raise Busy("too many entries wait to be written", retry_after=1)
            self._queue.append(ticket)
            if not more:
                self._wake()

    def added(self, requests: int = 0) -> None:
        """All of some tickets were added; ``requests``: so many are no longer on their way."""
        with self._ready:
            self._arriving -= requests
            if self._queue:
                self._wake()

    def _wake(self) -> None:
        """Let ``take`` look: for the first ticket, from which its wait counts, and when there are enough."""
        if self._idle or self._enough():
            self._ready.notify()

    def close(self) -> None:
        """No more tickets; ``take`` gives what is queued, then nothing."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def waiting(self) -> int:
        """Entries that wait to be written."""
        return len(self._queue)

    def take(self) -> list[Ticket]:
        """The next group, waiting for one; [] when the pool is closed and empty.

        A group waits, at most ``linger_s``, until as many tickets are there as lately came together: those
        of the last group (its callers send again) and those that came while it was written. So a lone
        caller waits for nobody, and many callers share one object.
        """
        with self._ready:
            self._expected = self._last_group + len(self._queue)
            self._idle = True
            while not self._queue and not self._closed:
                self._ready.wait()
            self._idle = False
            self._ready.wait_for(self._enough, timeout=self._limits.linger_s)
            group: list[Ticket] = []
            size = 0
            while self._queue and len(group) < self._limits.batch_rows:
                size += self._queue[0].draft.size
                if group and size > self._limits.batch_bytes:
                    break
                group.append(self._queue.popleft())
            self._last_group = len(group)
            return group

    def drain(self) -> list[Ticket]:
        """Everything that waits, at once, for a refusal."""
        with self._ready:
            tickets = list(self._queue)
            self._queue.clear()
            return tickets

    def _enough(self) -> bool:
        waiting = len(self._queue)
        if self._closed or waiting >= self._limits.batch_rows:
            return True
        return waiting >= self._expected and not self._arriving
