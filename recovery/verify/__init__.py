"""The door of verify."""

from __future__ import annotations

from vanvault.recovery.verify.archive import chosen_sites, extent_of, verify_archive
from vanvault.recovery.verify.model import Finding, Problem, Share, VerifyReport
from vanvault.recovery.verify.reading import ObjectReader
from vanvault.recovery.verify.verify import verify

__all__ = [
    "Finding",
    "ObjectReader",
    "Problem",
    "Share",
    "VerifyReport",
    "chosen_sites",
    "extent_of",
    "verify",
    "verify_archive",
]
