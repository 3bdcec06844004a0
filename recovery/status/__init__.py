"""What there is in an archive, and how strong it is: sites, locks, keys, counts, and what is late."""

from __future__ import annotations

from vanvault.recovery.status.known import known_status
from vanvault.recovery.status.report import SegmentsStatus, SiteReport, StatusReport
from vanvault.recovery.status.run import status
from vanvault.recovery.status.strength import lock_strength

__all__ = [
    "SegmentsStatus",
    "SiteReport",
    "StatusReport",
    "known_status",
    "lock_strength",
    "status",
]
