"""One entry of a segment, and how its transaction stands."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.retention import CaseState


@dataclass(frozen=True, slots=True)
class EntryClock:
    """One entry of a segment, and the clock of its transaction."""

    segment: str  # key of its manifest
    id: str
    gateway: str
    entry: str  # "message", "event", or "disposed"
    received_us: int
    transaction: str  # its id; "": the entry is its own
    state: CaseState
    due_log_us: int | None  # the end of the last day; None: it is open, all gone, or the archive's own
    due_originals_us: int | None
    large_object: str  # key of the object that holds its bytes, or ""
    size: int  # bytes as received
    has_insurance_number: bool
    repeats: str  # id of the entry that it repeats, which searches show in its place, or ""
    closed_us: int | None  # the time that counts for the line that closed it; None: as for the dues
    start_us: int | None  # what its period is counted from
    first_us: int  # receipt of the first entry of its transaction
    last_us: int  # and of the last one
    entries: int  # of its transaction
    was_closed: bool  # the transaction was closed once, and opened again
    unread: bool  # something that may belong to its transaction could not be read

    @property
    def is_own(self) -> bool:
        """Is it one of the archive's own lines?"""
        return self.gateway == SYSTEM_GATEWAY
