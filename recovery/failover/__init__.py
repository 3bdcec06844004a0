"""Failover: promotion of a site when the other is lost, and the way back."""

from __future__ import annotations

from vanvault.recovery.failover.facts import gather
from vanvault.recovery.failover.failover import (
    FailbackRequest,
    FailoverResult,
    approve,
    check_reason,
    current_plan,
    failback,
    found_done,
    promote,
)
from vanvault.recovery.failover.plan import Facts, Plan, plan_promotion, promotion_subject

__all__ = [
    "Facts",
    "FailbackRequest",
    "FailoverResult",
    "Plan",
    "approve",
    "check_reason",
    "current_plan",
    "failback",
    "found_done",
    "gather",
    "plan_promotion",
    "promote",
    "promotion_subject",
]
