"""What a running node puts on record about itself: each change of its state, and a heartbeat.

A state that cannot be archived when it begins (that is what being down means) waits, with its time, until
it can; if the node dies before, silence says the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.outcome import Done, Outcome
from vanvault.archiver.core.ports import Clock, Stopwatch
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal.availability.alive import AliveFiles
from vanvault.archiver.journal.availability.events import ALIVE, STATE, ended_detail, mark_detail
from vanvault.archiver.journal.availability.model import Level
from vanvault.archiver.log_lines import Logger

_log = Logger("vanvault.availability")

_TICK_S = 1.0
#: A process that did not come to its tick for so long was stopped: it served nobody meanwhile.
_STOPPED_S = 30.0
#: Looks for dead nodes of the same home, in ticks.
_LOOK_EVERY = 10
_SECOND = 1_000_000
#: Changes that wait to be archived; beyond it only the newest is kept up to date.
_MOST_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class RecordedNode:
    """The node that is recorded, and its way into the archive."""

    writer: Callable[[], str | None]  # id of the open chain; None before there is one
    state: Callable[[], tuple[Level, str] | None]  # its level and why; None while it starts
    submit: Callable[[EventDraft, Done], None]  # to intake; raises VanVaultError while that is closed
    event: Callable[[str, dict[str, object]], EventDraft]  # a draft from a type and its detail


class Recorder:
    """Ticks once a second; ``say_last`` comes after the last tick, while intake is still open."""

    def __init__(
        self,
        node: RecordedNode,
        files: AliveFiles,
        *,
        clock: Clock,
        stopwatch: Stopwatch,
        heartbeat_s: int,
    ) -> None:
        self._writer, self._state = node.writer, node.state
        self._submit, self._event = node.submit, node.event
        self._files, self._clock, self._stopwatch = files, clock, stopwatch
        self._due_s = heartbeat_s
        self._waiting: deque[tuple[EventDraft, str]] = deque()  # and whose heartbeat file it makes needless
        self._level: Level | None = None
        self._said_s = 0.0  # stopwatch when the last mark was made
        self._ticked: tuple[int, float] | None = None  # clock and stopwatch of the last tick
        self._ticks = 0
        self._lock = threading.Lock()

    @property
    def task(self) -> Task:
        """One tick a round."""
        return Task("availability", self.round, every_s=_TICK_S)

    def round(self, stop: Signal) -> None:
        """Tick."""
        self.tick()

    def say_last(self) -> None:
        """Say the last state; intake must still be open."""
        self.tick()
        self._flush()

    def finish(self) -> None:
        """After the chain is closed: remove the heartbeat file; the last object records the end."""
        writer = self._writer()
        if writer is not None:
            self._files.forget(writer)

    def tick(self) -> None:
        """Look, say what is new, and archive what waits."""
        writer, found = self._writer(), self._state()
        if writer is None or found is None:
            return
        now_us, seconds = to_us(self._clock.now()), self._stopwatch.seconds()
        level, why = found
        if self._ticked is not None and seconds - self._ticked[1] > _STOPPED_S:
            stopped_us = self._ticked[0]
            self._say(STATE, mark_detail(writer, stopped_us, Level.DOWN, due_s=self._due_s, why="stopped"))
            self._level = Level.DOWN
        if level != self._level:
            self._say(STATE, mark_detail(writer, now_us, level, due_s=self._due_s, why=why))
            self._level, self._said_s = level, seconds
        elif seconds - self._said_s >= self._due_s and level != Level.DOWN:
            self._say(ALIVE, mark_detail(writer, now_us, level, due_s=self._due_s))
            self._said_s = seconds
        self._ticked = now_us, seconds
        self._beat(writer, now_us)
        if level != Level.DOWN:  # a commit that fails would close intake until it is settled
            self._flush()

    def _beat(self, writer: str, now_us: int) -> None:
        try:
            self._files.beat(writer, now_us)
            if self._ticks % _LOOK_EVERY == 0:
                for word in self._files.dead(writer, now_us):
                    if all(whose != word.writer for _, whose in self._waiting):
                        self._say(ALIVE, ended_detail(word.writer, word.at_us), word.writer)
        except OSError as error:
            if self._ticks % 600 == 0:
                _log.warning("the heartbeat file cannot be written", reason=error.strerror)
        self._ticks += 1

    def _say(self, type: str, detail: dict[str, object], whose: str = "") -> None:
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                self._waiting.pop()
            self._waiting.append((self._event(type, detail), whose))

    def _flush(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        for number, (draft, whose) in enumerate(waiting):
            try:
                self._submit(draft, partial(self._done, draft, whose))
            except VanVaultError:
                with self._lock:
                    self._waiting.extendleft(reversed(list(waiting)[number:]))
                return

    def _done(self, draft: EventDraft, whose: str, outcome: Outcome, repeated: bool) -> None:
        if isinstance(outcome, VanVaultError):
            with self._lock:
                self._waiting.append((draft, whose))  # the same id: it is archived once
        elif whose:
            self._files.forget(whose)
