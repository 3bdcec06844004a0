"""Verifications on record, as every verb reads them: light, because each opening of an archive loads it."""

from __future__ import annotations

from vanvault.recovery.verified.hits import count_verifications
from vanvault.recovery.verified.record import verify_runs
from vanvault.recovery.verified.runs import SiteRun, Subset, VerifyRun, next_subset
from vanvault.recovery.verified.verified_at import VerifiedAt, waiting
from vanvault.recovery.verified.whole import (
    INFORMATIONAL,
    SET_ASIDE,
    Problem,
    is_failing,
    is_harm,
    is_whole,
)

__all__ = [
    "INFORMATIONAL",
    "SET_ASIDE",
    "Problem",
    "SiteRun",
    "Subset",
    "VerifiedAt",
    "VerifyRun",
    "count_verifications",
    "is_failing",
    "is_harm",
    "is_whole",
    "next_subset",
    "verify_runs",
    "waiting",
]
