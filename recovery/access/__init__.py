"""The record of looks: nothing is shown that is not on record first; and reading that record."""

from __future__ import annotations

from vanvault.recovery.access.counter import ReadCounter
from vanvault.recovery.access.emergency import LONGEST_EMERGENCY, Emergency, EmergencyFiles
from vanvault.recovery.access.hand_over import handed_over
from vanvault.recovery.access.hearing import LookHearing
from vanvault.recovery.access.listing import (
    LookQuery,
    SeenLook,
    SeenLooks,
    filter_of_employer,
    filter_of_message,
    look_query,
    seen_looks,
)
from vanvault.recovery.access.looking import Looking, looking
from vanvault.recovery.access.record import look_event
from vanvault.recovery.access.recorder import LookPort, LookRecorder

__all__ = [
    "LONGEST_EMERGENCY",
    "Emergency",
    "EmergencyFiles",
    "LookHearing",
    "LookPort",
    "LookQuery",
    "LookRecorder",
    "Looking",
    "ReadCounter",
    "SeenLook",
    "SeenLooks",
    "filter_of_employer",
    "filter_of_message",
    "handed_over",
    "look_event",
    "look_query",
    "looking",
    "seen_looks",
]
