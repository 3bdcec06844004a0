"""Runs every task of a node in a thread of its own: start, back-off after a crash, bounded stop.

Tasks start in the order in which they were added and stop in the reverse order, each within its ``stop_s``;
what is still running then is waited for once more, all together, and its name is returned. Threads are
daemons: one that hangs in a call to a site does not keep the process alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.ports import Clock, Stopwatch
from vanvault.archiver.core.tasks import (
    Signal,
    Task,
    TaskPhase,
    TaskStatus,
    crashed,
    failed,
    rest_s,
    succeeded,
)
from vanvault.archiver.log_lines import Logger

_log = Logger("vanvault.tasks")

#: Seconds for all tasks together that did not end when it was their turn.
_LAST_S = 30.0


class _Running:
    """One task, its thread and what is known of it."""

    def __init__(self, task: Task, signal: Callable[[], Signal]) -> None:
        self.task = task
        self.status = TaskStatus(task.name)
        self.stop = signal()
        self.ended = signal()
        self.started = False

    def enter(self, phase: TaskPhase) -> None:
        self.status = replace(self.status, phase=phase)


@dataclass(frozen=True, slots=True)
class _Step:
    """What is done at the stop, between tasks."""

    name: str
    work: Callable[[], object]


class Supervisor:
    """``add`` and ``at_stop`` before ``start``; ``status`` from any thread; ``stop`` once."""

    def __init__(
        self, *, clock: Clock, stopwatch: Stopwatch, signal: Callable[[], Signal] = threading.Event
    ) -> None:
        """``signal`` makes what threads wait at; tests pass one whose time they move."""
        self._clock = clock
        self._stopwatch = stopwatch
        self._signal = signal
        self._steps: list[_Running | _Step] = []

    def add(self, *tasks: Task) -> None:
        """Register tasks. Raises ValueError when a name is taken."""
        for task in tasks:
            if any(one.name == task.name for one in self.status()):
                raise ValueError(f"there is a task {task.name} already")
            self._steps.append(_Running(task, self._signal))

    def at_stop(self, name: str, work: Callable[[], object]) -> None:
        """Call ``work`` once all that is added later has stopped; an error in it is logged."""
        self._steps.append(_Step(name, work))

    def start(self) -> None:
        """Start one thread for each task."""
        for one in self._running():
            one.started = True
            threading.Thread(target=self._live, args=(one,), name=one.task.name, daemon=True).start()

    def stop(self, last_s: float = _LAST_S) -> tuple[str, ...]:
        """Stop everything; the names of tasks that were still running after ``last_s`` seconds more."""
        late: list[_Running] = []
        for step in reversed(self._steps):
            if isinstance(step, _Step):
                self._do(step)
                continue
            step.stop.set()
            step.task.ask()
            if step.started and not step.ended.wait(step.task.stop_s):
                late.append(step)
        until = self._stopwatch.seconds() + last_s
        return tuple(
            one.task.name for one in late if not one.ended.wait(max(0.0, until - self._stopwatch.seconds()))
        )

    def status(self) -> tuple[TaskStatus, ...]:
        """Every task as it is now, in the order of the start."""
        return tuple(one.status for one in self._running())

    def _running(self) -> list[_Running]:
        return [step for step in self._steps if isinstance(step, _Running)]

    def _do(self, step: _Step) -> None:
        try:
            step.work()
        except Exception as error:  # noqa: BLE001 - the rest must be stopped, too; it is logged
            _log.error("a step of the stop failed", step=step.name, exc_info=error)

    def _live(self, one: _Running) -> None:
        task = one.task
        phase: TaskPhase = "crashed"
        try:
            pause = 0.0 if task.at_once or task.every_s is None else task.every_s
            one.enter("waiting")
            while not one.stop.wait(pause):
                one.enter("running")
                again = self._round(one)
                pause = rest_s(task, one.status)
                if not again:
                    break
                one.enter("resting" if one.status.crashes else "waiting")
            phase = "crashed" if one.status.crashes and not one.stop.is_set() else "ended"
        finally:
            one.enter(phase)
            one.ended.set()

    def _round(self, one: _Running) -> bool:
        """Run the task once; is there another round?"""
        task, before = one.task, one.status
        began = self._stopwatch.seconds()
        try:
            task.run(one.stop)
        except BaseException as error:
            if isinstance(error, VanVaultError) and task.every_s is not None:
                one.status = failed(before, error)
                if not before.error:  # once, until it works again
                    _log.warning(
                        "a task failed", task=task.name, kind=type(error).__name__, reason=error.message
                    )
                return True
            one.status = crashed(before, error, self._stopwatch.seconds() - began)
            trace = error if one.status.crashes == 1 else None  # the first of several in a row
            _log.error("a task crashed", task=task.name, kind=type(error).__name__, exc_info=trace)
            if not isinstance(error, Exception):
                raise
            return task.restart
        else:
            one.status = succeeded(before, self._clock.now())
            if before.error:
                _log.info("a task works again", task=task.name)
        return task.every_s is not None
