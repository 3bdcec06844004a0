"""How much of the archive was verified, and when: by the verifications on record."""

from __future__ import annotations

from vanvault.recovery.coverage.aside import KnownAside, set_aside_on_record
from vanvault.recovery.coverage.damage import KnownDamage, damage_on_record
from vanvault.recovery.coverage.report import (
    CoverageReport,
    CoverageRequest,
    coverage,
    coverage_of,
    last_verified,
    unverified_sites,
)

__all__ = [
    "CoverageReport",
    "CoverageRequest",
    "KnownAside",
    "KnownDamage",
    "coverage",
    "coverage_of",
    "damage_on_record",
    "last_verified",
    "set_aside_on_record",
    "unverified_sites",
]
