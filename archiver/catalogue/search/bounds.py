"""A stretch of positions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Positions [low, high) that a query may still return."""

    low: bytes
    high: bytes

    @property
    def from_us(self) -> int:
        return int.from_bytes(self.low[:8])

    @property
    def to_us(self) -> int:
        return int.from_bytes(self.high[:8])
