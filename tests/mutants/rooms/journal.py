"""Bugs in ``archiver/journal``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "probes-unchecked",
        "archiver/journal/trust.py",
        "Trust.check_probes",
        "if reason:",
        "if False:",
        ("tests/journal/test_trust.py",),
    ),
    Mutant(
        "clock-jump-unseen",
        "archiver/journal/trust.py",
        "Trust.check_step",
        "abs(jump) > self._rules.max_skew",
        "False",
        ("tests/journal/test_trust.py",),
    ),
    Mutant(
        "clock-jump-back-unseen",
        "archiver/journal/trust.py",
        "Trust.check_step",
        "abs(jump)",
        "jump",
        ("tests/journal/test_trust.py",),
    ),
    Mutant(
        "clock-of-two-is-judged",
        "archiver/journal/trust.py",
        "Trust.check_clocks",
        "(off and rest.compared < 2)",
        "False",
        ("tests/journal/test_trust.py",),
    ),
    Mutant(
        "clock-without-the-leader",
        "archiver/journal/trust.py",
        "Trust.check_clocks",
        "if not self._judge.goes_on_without(off)",
        "if False",
        ("tests/journal/test_trust.py",),
    ),
    Mutant(
        "clocks-of-all-unasked",
        "archiver/journal/trust.py",
        "Trust.check_every_clock",
        "if not verdict.ok:",
        "if False:",
        ("tests/journal/test_trust.py",),
    ),
    Mutant(
        "window-excuses-nothing",
        "archiver/journal/availability/ledger.py",
        "_judge",
        '"planned" if window else "unplanned"',
        '"unplanned"',
        ("tests/journal/availability/test_ledger.py",),
    ),
    Mutant(
        "silence-counts-as-up",
        "archiver/journal/availability/ledger.py",
        "node_spans",
        "if until - mark.at_us <= _PATIENCE * mark.due_us:",
        "if True:",
        ("tests/journal/availability/test_ledger.py",),
    ),
    Mutant(
        "outside-view-is-ignored",
        "archiver/journal/availability/ledger.py",
        "_judge",
        "min(node, outside) if outside else node",
        "node",
        ("tests/journal/availability/test_ledger.py",),
    ),
    Mutant(
        "time-before-the-service-counts",
        "archiver/journal/availability/report.py",
        "totals",
        "before = max(0, min(end_us, began) - start_us)",
        "before = 0",
        ("tests/journal/availability/test_ledger.py", "tests/journal/availability/test_properties.py"),
    ),
    Mutant(
        "window-announced-late-is-planned",
        "archiver/journal/availability/model.py",
        "Window.counts_us",
        "if self.announced_us > self.start_us:",
        "if False:",
        ("tests/journal/availability/test_ledger.py",),
    ),
)
