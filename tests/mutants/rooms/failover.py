"""Bugs in ``recovery/failover``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_PLAN = "recovery/failover/plan.py"
_PLANS = ("tests/recovery/failover/test_plan.py",)

MUTANTS = (
    Mutant("plan-id-without-from", _PLAN, "plan_id", '"from": leadership.epoch, ', "", _PLANS),
    Mutant("plan-id-without-action", _PLAN, "plan_id", '"action": action, ', "", _PLANS),
    Mutant(
        "promote-an-unreachable-site",
        _PLAN,
        "plan_promotion",
        "if not target.reachable:",
        "if False:",
        _PLANS,
    ),
)
