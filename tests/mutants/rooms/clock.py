"""Bugs in ``recovery/clock``, and in what it rests on: the journal's record, the hot tail, the timeline."""

from __future__ import annotations

from tests.mutants.model import Mutant

_ACCEPT, _SHOW = "recovery/clock/accept.py", "recovery/clock/show.py"
_WRONG = "archiver/catalogue/hot_tail/wrong_clocks.py"
_TESTS = ("tests/recovery/test_clock.py",)

MUTANTS = (
    Mutant(
        "clock-accepted-while-clocks-disagree",
        _ACCEPT,
        "accept",
        "archive.trust.check_present_clocks()",
        "pass",
        _TESTS,
    ),
    Mutant(
        "clock-approved-by-oneself",
        _ACCEPT,
        "_check",
        'in ("", request.who.strip())',
        'in ("",)',
        _TESTS,
    ),
    Mutant("clock-accepted-without-reason", _ACCEPT, "_check", "not text.strip() or", "", _TESTS),
    Mutant(
        "clock-ahead-is-no-failure",
        _SHOW,
        "ClockState.exit_code",
        "if self.ahead or not self.verdict.ok",
        "if not self.verdict.ok",
        _TESTS,
    ),
    Mutant(
        "clock-latest-acceptance-stands",
        _WRONG,
        "learn",
        "at_us = min(at_us, excluded.at_us)",
        "at_us = max(at_us, excluded.at_us)",
        _TESTS,
    ),
    Mutant("clock-time-stays-ahead", _WRONG, "WrongClock.counts_as", "min(us, self.at_us)", "us", _TESTS),
    Mutant(
        "clock-new-acceptance-lists-nothing",
        _WRONG,
        "learn",
        """connection.execute("DELETE FROM fact WHERE name = 'folded_us'")""",
        "pass",
        _TESTS,
    ),
    Mutant(
        "clock-fold-under-a-clock-ahead-counts",
        _WRONG,
        "fold_start",
        "or int(row[0]) > now_us + SKEW_US",
        "",
        _TESTS,
    ),
    Mutant(
        "clock-timeline-by-received-time",
        "archiver/catalogue/search/true_order.py",
        "in_true_order",
        "us if one is None else one.counts_as(us)",
        "us",
        _TESTS,
    ),
)
