"""The door of journal."""

from __future__ import annotations

from vanvault.archiver.journal.conflict_record import FOUND, ConflictRecord
from vanvault.archiver.journal.heed import Heed
from vanvault.archiver.journal.lead_record import APPROVED, FAILED_BACK, HOOK, PROMOTED, detail_of, events
from vanvault.archiver.journal.own_events import first_event_at, own_events
from vanvault.archiver.journal.trust import Trust

__all__ = [
    "APPROVED",
    "FAILED_BACK",
    "FOUND",
    "HOOK",
    "PROMOTED",
    "ConflictRecord",
    "Heed",
    "Trust",
    "detail_of",
    "events",
    "first_event_at",
    "own_events",
]
