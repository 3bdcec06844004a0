"""Disposal of what the law no longer asks for: planned, approved by others, run later, certified."""

from __future__ import annotations

from vanvault.recovery.disposal.backups import say_backups_gone
from vanvault.recovery.disposal.papers import CERTIFICATE_FORM, PLAN_FORM
from vanvault.recovery.disposal.planning import MadePlan, PlanWish, plan_disposal
from vanvault.recovery.disposal.removing import LeftCopy
from vanvault.recovery.disposal.run import RanDisposal, check_runnable, run_disposal
from vanvault.recovery.disposal.verbs import (
    certificate_file,
    signed_certificate,
    signed_plan,
    withdraw_disposal,
)

__all__ = [
    "CERTIFICATE_FORM",
    "PLAN_FORM",
    "LeftCopy",
    "MadePlan",
    "PlanWish",
    "RanDisposal",
    "certificate_file",
    "check_runnable",
    "plan_disposal",
    "run_disposal",
    "say_backups_gone",
    "signed_certificate",
    "signed_plan",
    "withdraw_disposal",
]
