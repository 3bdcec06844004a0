"""Availability as people see it: the year's report, planned windows, and notes of outside probes."""

from __future__ import annotations

from vanvault.recovery.availability.nodes import running_here, running_nodes
from vanvault.recovery.availability.record import (
    announce_from_now,
    announce_window,
    cancel_window,
    note_seen,
    window_fields,
    windows,
)
from vanvault.recovery.availability.report import (
    AvailabilityReport,
    AvailabilityRequest,
    availability,
    known_availability,
)
from vanvault.recovery.availability.stop import PlannedStop, StopReport, stop_nodes

__all__ = [
    "AvailabilityReport",
    "AvailabilityRequest",
    "PlannedStop",
    "StopReport",
    "announce_from_now",
    "announce_window",
    "availability",
    "cancel_window",
    "known_availability",
    "note_seen",
    "running_here",
    "running_nodes",
    "stop_nodes",
    "window_fields",
    "windows",
]
