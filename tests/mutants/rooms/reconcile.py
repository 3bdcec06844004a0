"""Bugs in ``recovery/reconcile``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "reconcile-copies-nothing",
        "recovery/reconcile/plan.py",
        "decide",
        "if site not in newest",
        "if False",
        ("tests/recovery/test_reconcile.py",),
    ),
    Mutant(
        "reconcile-locks-not-carried",
        "recovery/reconcile/plan.py",
        "_prolonged",
        "version.retain_until < until",
        "False",
        ("tests/recovery/test_reconcile.py",),
    ),
    Mutant(
        "reconcile-follows-any-lock",
        "recovery/reconcile/plan.py",
        "DueLocks.of",
        "self.rules.believed(name, date, self.now)",
        "date",
        ("tests/recovery/test_reports.py",),
    ),
    Mutant(
        "reconcile-level-despite-failures",
        "recovery/reconcile/reconcile.py",
        "ReconcileReport.level",
        "not self.failures and ",
        "",
        ("tests/recovery/test_reports.py",),
    ),
    Mutant(
        "reconcile-level-despite-gaps",
        "recovery/reconcile/reconcile.py",
        "ReconcileReport.level",
        "and not any(lag.objects for lag in self.left.values())",
        "",
        ("tests/recovery/test_reports.py",),
    ),
    Mutant(
        "reconcile-half-a-listing-is-whole",
        "recovery/reconcile/reconcile.py",
        "reconcile_sites",
        "        raise error\n",
        "        continue\n",
        ("tests/recovery/test_reconcile.py", "tests/recovery/test_reconciler.py"),
    ),
    Mutant(
        "reconciled-while-degraded",
        "recovery/reconcile/reconciler.py",
        "Reconciler._after",
        "if not self._archive.tail.degraded(1):",
        "if True:",
        ("tests/recovery/test_reconciler.py",),
    ),
    Mutant(
        "conflict-that-nobody-can-read-is-none",
        "recovery/reconcile/conflicts.py",
        "count_open",
        "return archive.tail.conflicts()",
        "return 0",
        ("tests/recovery/test_conflicts.py",),
    ),
)
