"""The 8 hours of a restore, counted from the incident, and whether it will be done by then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vanvault.archiver.core.ports import Clock
from vanvault.recovery.work import Extent, Step

LIMIT = timedelta(hours=8)

#: What is known of the pace before this is too little to alarm anybody.
_LEAST = timedelta(seconds=5)
#: The alarm is repeated after this long.
_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When all must be back."""

    incident: datetime  # UTC

    @property
    def at(self) -> datetime:
        return self.incident + LIMIT

    def met_by(self, end: datetime) -> bool:
        """Is what ends then in time?"""
        return end <= self.at


class Pace:
    """A Step that warns when the estimated end, at the pace so far, is after the deadline."""

    def __init__(
        self,
        step: Step,
        deadline: Deadline,
        todo: Extent,
        clock: Clock,
        alarm: Callable[[datetime], None],
    ) -> None:
        """``alarm`` hears the expected end, at once and then once a minute while it stays late."""
        self._step = step
        self._deadline = deadline
        self._todo = todo
        self._clock = clock
        self._alarm = alarm
        self._began = clock.now()
        self._done = Extent()
        self._said: datetime | None = None

    def __call__(self, items: int = 1, size: int = 0) -> None:
        self._step(items, size)
        self._done += Extent(items, size)
        now = self._clock.now()
        if now - self._began < _LEAST or (self._said is not None and now - self._said < _AGAIN):
            return
        end = self.expected_end(now)
        if end is not None and not self._deadline.met_by(end):
            self._said = now
            self._alarm(end)

    def expected_end(self, now: datetime) -> datetime | None:
        """At the pace so far, by bytes; None while nothing is done."""
        if not self._done.bytes:
            return None
        return self._began + (now - self._began) * (
            max(self._todo.bytes, self._done.bytes) / self._done.bytes
        )
