"""Tasks of a running node, as data, and what is known of each: pure, without threads.

A room describes its periodic or long work as ``Task`` values, and the supervisor of upkeep runs them. So a
room below upkeep, such as intake, imports no supervisor and starts no thread.

::

    new ──► waiting ◄──► running          a periodic task: one round after another
              ▲            │ unexpected error
              └── resting ◄┘              waits longer after each crash in a row
    running ──► ended | crashed           told to stop, or never started again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

#: Rest after the first crash, and the longest rest, in seconds; it doubles in between.
FIRST_REST_S = 1.0
LONGEST_REST_S = 60.0

TaskPhase = Literal["new", "waiting", "running", "resting", "ended", "crashed"]


class Signal(Protocol):
    """Tells threads to stop, and lets them wait for that; ``threading.Event`` is one."""

    def set(self) -> None:
        """Wake everybody who waits, now and later."""
        ...

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds; true once the signal is set."""
        ...


def _nothing() -> None:
    """The default of ``Task.ask``."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work for one thread.

    ``run`` gets the signal that tells it to stop. With ``every_s`` it is one round, which is repeated after
    so many seconds. Without, it lasts as long as the node and returns when it was told to stop.

    A VanVaultError that a round raises is a failure (a site is away): the next round comes as usual. Any
    other exception is a crash (a fault of the program), and so is any error of a task that lasts: it begins
    again after a rest.
    """

    name: str  # also the label in metrics: one of few, never what a caller chose
    run: Callable[[Signal], object]
    every_s: float | None = None
    at_once: bool = False  # the first round comes at the start, not after ``every_s``
    restart: bool = True  # begin again after a crash
    ask: Callable[[], None] = _nothing  # called when it must stop: wakes what waits for something else
    stop_s: float = 30.0  # how long those that stop after it wait for its end


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """What is known of one task."""

    name: str
    phase: TaskPhase = "new"
    failures: int = 0  # rounds that failed or crashed since the start
    crashes: int = 0  # the last ones in a row that crashed
    error: str = ""  # kind of the last round's error; "" when it had none
    last_success: datetime | None = None  # when a round last ended without an error

    @property
    def has_crashed(self) -> bool:
        """Did the last round end in a crash, so that somebody should look?"""
        return self.crashes > 0 and self.phase != "ended"


def succeeded(status: TaskStatus, at: datetime) -> TaskStatus:
    """After a round without an error."""
    return replace(status, crashes=0, error="", last_success=at)


def failed(status: TaskStatus, error: BaseException) -> TaskStatus:
    """After a round that raised an error which the program knows."""
    return replace(status, failures=status.failures + 1, crashes=0, error=type(error).__name__)


def crashed(status: TaskStatus, error: BaseException, ran_s: float) -> TaskStatus:
    """After an unexpected error; one that came after a long time is no repetition of those before."""
    earlier = 0 if ran_s >= LONGEST_REST_S else status.crashes
    return replace(status, failures=status.failures + 1, crashes=earlier + 1, error=type(error).__name__)


def rest_s(task: Task, status: TaskStatus) -> float:
    """Seconds until the next round."""
    usual = task.every_s or 0.0
    if not status.crashes:
        return usual
    doubled = FIRST_REST_S * 2.0 ** min(status.crashes - 1, 30)
    return max(usual, min(doubled, LONGEST_REST_S))
