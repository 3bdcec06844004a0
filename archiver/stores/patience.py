"""How often to repeat a request, and how long to wait in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

_FIRST_PAUSE = 0.1  # seconds; doubles with each attempt
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """``attempts`` in all, with pauses of full jitter: so clients do not all come back at once."""

    attempts: int = 3
    sleep: Callable[[float], None] = time.sleep  # seconds
    chance: Callable[[], float] = random.SystemRandom().random  # 0..1

    def pause(self, attempt: int) -> None:
        """Wait after attempt number ``attempt``, counted from 0."""
        self.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt) * self.chance())

    def is_last(self, attempt: int) -> bool:
        return attempt + 1 >= self.attempts
