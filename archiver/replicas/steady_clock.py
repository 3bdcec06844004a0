"""The node's clock: the host's as it was when all clocks last agreed, and the seconds that passed since.

An entry's time is kept for ever, nothing may be archived before the last one's time, and locks are counted
from it. So a host whose clock is set wrong for a moment must not give one to anybody: not to what is received
then, nor to what waits and is archived when the clock is right again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from vanvault.archiver.core.ports import Clock, Stopwatch


class SteadyClock:
    """Follows the host's clock only where ``set_by`` says that it is right. Safe to use from many threads."""

    def __init__(self, host: Clock, stopwatch: Stopwatch) -> None:
        """Until all clocks were compared for the first time, the host's clock is used."""
        self.host = host
        self._stopwatch = stopwatch
        self._anchor = self.reading()
        self.agreed = False  # were all clocks compared, and agreed?

    def reading(self) -> tuple[datetime, float]:
        """The host's time, and the stopwatch's seconds at that moment."""
        return self.host.now(), self._stopwatch.seconds()

    def set_by(self, reading: tuple[datetime, float]) -> None:
        """All clocks agreed with this reading of the host's."""
        self._anchor, self.agreed = reading, True

    def now(self) -> datetime:
        then, seconds = self._anchor
        return then + timedelta(seconds=self._stopwatch.seconds() - seconds)

    def jump(self) -> timedelta:
        """How far the host's clock was set since all clocks agreed; negative: back."""
        return self.host.now() - self.now()
