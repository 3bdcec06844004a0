"""Ports for what the pure core may not reach for itself: time and randomness.

Tests inject their own, so ten years pass in seconds and every run is repeatable.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """The current time, timezone-aware, UTC."""
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


class SystemEntropy:
    """The operating system's random source."""

    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)
