"""Failover: promotion of a site, and the way back."""

from __future__ import annotations

from vanvault.recovery.failover.facts import gather
from vanvault.recovery.failover.failover import (
    Done,
    approve,
    as_of_now,
    check_reason,
    current_plan,
    failback,
    level,
    promote,
)
from vanvault.recovery.failover.plan import Facts, Missing, Plan, plan_promotion

__all__ = [
    "Done",
    "Facts",
    "Missing",
    "Plan",
    "approve",
    "as_of_now",
    "check_reason",
    "current_plan",
    "failback",
    "gather",
    "level",
    "plan_promotion",
    "promote",
]
