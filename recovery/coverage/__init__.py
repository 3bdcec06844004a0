"""The door of coverage."""

from __future__ import annotations

from vanvault.recovery.coverage.hits import count_verifications
from vanvault.recovery.coverage.model import SiteCoverage, Tally, VerifyRun, next_share
from vanvault.recovery.coverage.record import FINISHED, finished_detail, site_times, verify_runs
from vanvault.recovery.coverage.report import CoverageReport, coverage, unverified_sites

__all__ = [
    "FINISHED",
    "CoverageReport",
    "SiteCoverage",
    "Tally",
    "VerifyRun",
    "count_verifications",
    "coverage",
    "finished_detail",
    "next_share",
    "site_times",
    "unverified_sites",
    "verify_runs",
]
