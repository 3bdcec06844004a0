"""Verification: every object at every site is read back, and everything that it says is recomputed."""

from __future__ import annotations

from vanvault.recovery.verify.archive import verify_archive
from vanvault.recovery.verify.model import Finding, Subset, VerifyReport
from vanvault.recovery.verify.reading import ObjectReader
from vanvault.recovery.verify.record import verify_runs
from vanvault.recovery.verify.run import VerifyRequest, read_back, verify
from vanvault.recovery.verify.runs import SiteRun, VerifyRun, next_subset
from vanvault.recovery.verify.verify import verify_sites
from vanvault.recovery.verify.whole import SET_ASIDE, Problem, is_harm, is_whole

__all__ = [
    "SET_ASIDE",
    "Finding",
    "ObjectReader",
    "Problem",
    "SiteRun",
    "Subset",
    "VerifyReport",
    "VerifyRequest",
    "VerifyRun",
    "is_harm",
    "is_whole",
    "next_subset",
    "read_back",
    "verify",
    "verify_archive",
    "verify_runs",
    "verify_sites",
]
