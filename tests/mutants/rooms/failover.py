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
    Mutant(
        "promote-approved-by-oneself",
        "recovery/failover/failover.py",
        "promote",
        "if name != who",
        "if name",
        ("tests/recovery/failover/test_cli.py",),
    ),
    Mutant(
        "promote-unapproved",
        "recovery/failover/failover.py",
        "promote",
        "if archive.settings.failover.approval and not others",
        "if False",
        ("tests/recovery/failover/test_cli.py",),
    ),
    Mutant(
        "promote-by-an-old-plan",
        "recovery/failover/failover.py",
        "as_of_now",
        "if now.id != plan.id",
        "if False",
        ("tests/recovery/failover/test_stale_plans.py",),
    ),
    Mutant(
        "promote-overtaken",
        "recovery/failover/failover.py",
        "_check_holds",
        'if (leadership.epoch, leadership.alone) != (plan.epoch, plan.action == "promote")',
        "if False",
        ("tests/recovery/failover/test_stale_plans.py",),
    ),
    Mutant(
        "failback-unlevel",
        "recovery/failover/failover.py",
        "conclude_failback",
        "if leveled.problems and not unlevel",
        "if False",
        ("tests/recovery/test_reports.py",),
    ),
    Mutant(
        "epoch-of-either-leader",
        "archiver/replicas/leadership.py",
        "Leadership.next_epoch",
        "if _leader_of(later) == leader",
        "if later",
        ("tests/recovery/failover/test_plan.py",),
    ),
    Mutant(
        "old-writer-writes-on",
        "archiver/replicas/leadership.py",
        "LeadershipState.saw",
        "self._refusal = _superseded(self._written, leadership)",
        "self._refusal = None",
        ("tests/recovery/failover/test_plan.py",),
    ),
    Mutant(
        "lower-epoch-holds",
        "archiver/replicas/leadership.py",
        "LeadershipState.saw",
        "if leadership <= self._leadership",
        "if leadership == self._leadership",
        ("tests/recovery/failover/test_plan.py",),
    ),
)
