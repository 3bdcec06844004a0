"""Bugs in ``recovery/repair``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "repair-from-a-bad-site",
        "recovery/repair/plan.py",
        "_source",
        "if site not in bad",
        "if site",
        ("tests/recovery/test_repair.py",),
    ),
    Mutant(
        "repair-spreads-what-is-forged",
        "recovery/repair/plan.py",
        "plan_repair",
        "if key not in bogus else None",
        "if key else None",
        (
            "tests/recovery/test_repair.py",
            "tests/recovery/test_forgeries.py",
            "tests/recovery/test_strangers.py",
        ),
    ),
    Mutant(
        "repair-whole-despite-failures",
        "recovery/repair/repair.py",
        "RepairReport.whole",
        "not self.failed and ",
        "",
        ("tests/recovery/test_reports.py",),
    ),
    Mutant(
        "repair-extends-in-words-only",
        "recovery/repair/repair.py",
        "_extend",
        "target.extend(action.key, version.version, until)",
        "pass",
        ("tests/recovery/test_repair.py",),
    ),
    Mutant(
        "repair-plan-ends-well",
        "recovery/repair/plan.py",
        "RepairPlan.exit_code",
        "ExitCode.CHECK_FAILED",
        "ExitCode.OK",
        ("tests/recovery/test_reports.py",),
    ),
)
