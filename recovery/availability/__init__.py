"""Availability as people see it: the year's report, planned windows, and notes of outside probes."""

from __future__ import annotations

from vanvault.recovery.availability.record import (
    announce_window,
    cancel_window,
    note_seen,
    window_fields,
    windows,
)
from vanvault.recovery.availability.report import AvailabilityReport, AvailabilityRequest, availability

__all__ = [
    "AvailabilityReport",
    "AvailabilityRequest",
    "announce_window",
    "availability",
    "cancel_window",
    "note_seen",
    "window_fields",
    "windows",
]
