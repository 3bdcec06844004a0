"""Clocks that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class ManualClock:
    """Stands still until it is told to move."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC))

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


class TickingClock:
    """Each look moves it on by a millisecond."""

    def __init__(self, days: int = 0) -> None:
        self.moment = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC) + timedelta(days=days)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment
