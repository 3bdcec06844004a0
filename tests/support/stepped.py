"""Time that a test moves for threads that wait: hours pass in no time, and nothing depends on the machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.contract.harness import ManualClock
from tests.support.archives import PATIENCE_S


class SteppedTime:
    """Clock, stopwatch and maker of signals. Threads that wait at a signal are woken by ``advance``."""

    def __init__(self) -> None:
        self._began = ManualClock().now()
        self._changed = threading.Condition()
        self._seconds = 0.0
        self._waiting: dict[
            int, tuple[SteppedSignal, float | None]
        ] = {}  # for what and until when, by thread

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._seconds)

    def seconds(self) -> float:
        return self._seconds

    def signal(self) -> SteppedSignal:
        return SteppedSignal(self)

    def wait(self, signal: SteppedSignal, timeout: float | None) -> bool:
        with self._changed:
            until = None if timeout is None else self._seconds + timeout
            self._waiting[threading.get_ident()] = signal, until
            self._changed.notify_all()
            try:
                while not signal.is_set() and (until is None or self._seconds < until):
                    assert self._changed.wait(PATIENCE_S), "nobody moved the time"
            finally:
                del self._waiting[threading.get_ident()]
            return signal.is_set()

    def wake(self) -> None:
        """Let those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def pass_until(self, moment: float) -> None:
        """Wait until a thread waits for just this moment, then let it come."""
        with self._changed:
            there = self._changed.wait_for(
                lambda: moment in [until for _, until in self._waiting.values()], PATIENCE_S
            )
            assert there, f"nobody waits for second {moment}: {sorted(map(repr, self._waiting.values()))}"
            self._seconds = moment
            self._changed.notify_all()

    def settle(self, threads: Callable[[], int]) -> None:
        """Until so many threads wait for a time that has not come yet."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            with self._changed:
                quiet = sum(self._is_quiet(signal, until) for signal, until in self._waiting.values())
            if quiet == threads():
                return
            assert time.monotonic() < give_up, "the threads did not come to rest"
            time.sleep(0.0002)

    def advance(self, seconds: float, threads: Callable[[], int]) -> None:
        """Let time pass, stopping at each moment for which a thread waits until it waits again."""
        self.settle(threads)
        end = self._seconds + seconds
        while True:
            with self._changed:
                next_at = min(
                    (until for _, until in self._waiting.values() if until is not None and until <= end),
                    default=None,
                )
                self._seconds = end if next_at is None else next_at
                self._changed.notify_all()
            self.settle(threads)
            if next_at is None:
                return

    def _is_quiet(self, signal: SteppedSignal, until: float | None) -> bool:
        """Does who waits for this wait on, as things are?"""
        return not signal.is_set() and (until is None or until > self._seconds)


class SteppedSignal:
    """As ``threading.Event``, in stepped time."""

    def __init__(self, time: SteppedTime) -> None:
        self._time = time
        self._set = False

    def set(self) -> None:
        self._set = True
        self._time.wake()

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        return self._time.wait(self, timeout)
