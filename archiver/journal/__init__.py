"""What the archive says about itself: its own events, typed, and what processes do when they fold one.

``own_events`` reads them; ``Archive.record`` writes them, through intake's writer.
"""

from __future__ import annotations

from vanvault.archiver.journal.clock_record import AcceptedClock, ClockRecord, accepted_details
from vanvault.archiver.journal.conflict_record import ConflictRecord
from vanvault.archiver.journal.events import (
    EventType,
    OwnEvent,
    every_own_event,
    first_event_at,
    newest_event,
    own_event,
    own_events,
)
from vanvault.archiver.journal.failover_listener import FailoverListener
from vanvault.archiver.journal.recorded import RecordedHistory, recorded_history
from vanvault.archiver.journal.trust import Trust, TrustRules

__all__ = [
    "AcceptedClock",
    "ClockRecord",
    "ConflictRecord",
    "EventType",
    "FailoverListener",
    "OwnEvent",
    "RecordedHistory",
    "Trust",
    "TrustRules",
    "accepted_details",
    "every_own_event",
    "first_event_at",
    "newest_event",
    "own_event",
    "own_events",
    "recorded_history",
]
