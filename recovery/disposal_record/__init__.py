"""Disposals on record at an open archive, and how the approval of each stands."""

from __future__ import annotations

from vanvault.recovery.disposal_record.reading import (
    ACT,
    KnownDisposal,
    KnownDisposals,
    backups_told,
    disposal_wish,
    known_disposals,
)

__all__ = ["ACT", "KnownDisposal", "KnownDisposals", "backups_told", "disposal_wish", "known_disposals"]
