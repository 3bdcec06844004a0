"""The door of restore."""

from __future__ import annotations

from vanvault.recovery.restore.archive import answers, ensure_site, survey
from vanvault.recovery.restore.covered import Trusted
from vanvault.recovery.restore.deadline import Deadline, Pace
from vanvault.recovery.restore.plan import RestorePlan, plan_restore
from vanvault.recovery.restore.restore import RestoreReport, restore

__all__ = [
    "Deadline",
    "Pace",
    "RestorePlan",
    "RestoreReport",
    "Trusted",
    "answers",
    "ensure_site",
    "plan_restore",
    "restore",
    "survey",
]
