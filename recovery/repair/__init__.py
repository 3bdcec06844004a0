"""The door of repair."""

from __future__ import annotations

from vanvault.recovery.repair.plan import Action, Copy, RepairPlan, plan_repair
from vanvault.recovery.repair.repair import RepairReport, repair

__all__ = [
    "Action",
    "Copy",
    "RepairPlan",
    "RepairReport",
    "plan_repair",
    "repair",
]
