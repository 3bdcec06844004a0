"""Ports for time and randomness, which the pure core may not read directly.

Tests inject their own, so ten years pass in seconds and every run is repeatable.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the current time."""

    def now(self) -> datetime:
        """The current time, timezone-aware, UTC."""
        ...


class Stopwatch(Protocol):
    """A monotonic count of seconds: changes of the system clock do not affect it."""

    def seconds(self) -> float:
        """Seconds since some fixed moment; never runs backwards."""
        ...


class Entropy(Protocol):
    """Gives random bytes fit for keys and nonces."""

    def token(self, size: int) -> bytes:
        """``size`` fresh random bytes."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SystemStopwatch:
    """The operating system's monotonic clock."""

    def seconds(self) -> float:
        return time.monotonic()


class ClockStopwatch:
    """A stopwatch that reads a clock: for tests in which time is injected."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()  # counted from here, ten years of microseconds fit into a float

    def seconds(self) -> float:
        return (self._clock.now() - self._began).total_seconds()


class SystemEntropy:
    """The operating system's random source."""

    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)


@dataclass(frozen=True, slots=True)
class Ports:
    """What an object takes from its surroundings, passed together. The default is this host's."""

    clock: Clock = field(default_factory=SystemClock)
    stopwatch: Stopwatch = field(default_factory=SystemStopwatch)
    entropy: Entropy = field(default_factory=SystemEntropy)

    @classmethod
    def under(cls, clock: Clock, entropy: Entropy | None = None) -> Ports:
        """Ports under which all time, durations too, is what ``clock`` says: for tests."""
        return cls(clock, ClockStopwatch(clock), entropy or SystemEntropy())
