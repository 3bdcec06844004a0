"""How slowly a body may come. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BodyPace:
    """How long a body may take, in seconds of the event loop."""

    silence_s: float  # between two pieces
    grace_s: float  # before the least rate counts
    bytes_per_s: float  # the least rate on average; 0: none
    limit_s: float  # for all of it

    def deadline(self, began: float, now: float, size: int) -> float:
        """When the body is late unless more of it comes; ``size`` bytes came until ``now``."""
        slow = began + self.grace_s + size / self.bytes_per_s if self.bytes_per_s else began + self.limit_s
        return min(now + self.silence_s, slow, began + self.limit_s)
