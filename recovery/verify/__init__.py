"""Verification: every object at every site is read back, and everything that it says is recomputed."""

from __future__ import annotations

from vanvault.recovery.verify.archive import verify_archive
from vanvault.recovery.verify.at_site import SegmentAtSite, segment_at_site
from vanvault.recovery.verify.model import Finding, VerifyReport
from vanvault.recovery.verify.reading import ObjectReader
from vanvault.recovery.verify.run import VerifyRequest, read_back, verify
from vanvault.recovery.verify.segment_rows import RemadeBatch
from vanvault.recovery.verify.verify import verify_sites

__all__ = [
    "Finding",
    "ObjectReader",
    "RemadeBatch",
    "SegmentAtSite",
    "VerifyReport",
    "VerifyRequest",
    "read_back",
    "segment_at_site",
    "verify",
    "verify_archive",
    "verify_sites",
]
