"""Repair: what one site lacks or holds damaged is copied from the other; nothing is removed."""

from __future__ import annotations

from vanvault.recovery.repair.plan import Copy, RepairAction, RepairPlan, action_fields, plan_repair
from vanvault.recovery.repair.repair import RepairReport, repair_sites
from vanvault.recovery.repair.run import RepairRequest, repair

__all__ = [
    "Copy",
    "RepairAction",
    "RepairPlan",
    "RepairReport",
    "RepairRequest",
    "action_fields",
    "plan_repair",
    "repair",
    "repair_sites",
]
