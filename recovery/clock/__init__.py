"""A clock that was wrong once: how the clocks stand, and the acceptance by which an archive goes on."""

from __future__ import annotations

from vanvault.recovery.clock.accept import AcceptanceReport, AcceptanceRequest, accept
from vanvault.recovery.clock.show import ClockState, ahead_now, show

__all__ = [
    "AcceptanceReport",
    "AcceptanceRequest",
    "ClockState",
    "accept",
    "ahead_now",
    "show",
]
