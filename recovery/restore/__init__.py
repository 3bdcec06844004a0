"""Restore: an absent or empty site is rebuilt from the other, within 8 hours of the incident."""

from __future__ import annotations

from vanvault.recovery.restore.archive import ensure_site
from vanvault.recovery.restore.covered import Trusted
from vanvault.recovery.restore.plan import RestorePlan, plan_restore
from vanvault.recovery.restore.restore import RestoreReport, restore_site
from vanvault.recovery.restore.run import (
    Restoration,
    RestoreEstimate,
    RestoreRequest,
    estimate_restore,
    restore,
)

__all__ = [
    "Restoration",
    "RestoreEstimate",
    "RestorePlan",
    "RestoreReport",
    "RestoreRequest",
    "Trusted",
    "ensure_site",
    "estimate_restore",
    "plan_restore",
    "restore",
    "restore_site",
]
