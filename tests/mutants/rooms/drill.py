"""Bugs in ``recovery/drill``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "loss-nothing-absent",
        "recovery/drill/loss.py",
        "absent",
        "if at != key",
        "if False",
        ("tests/recovery/drill/test_scenarios.py", "tests/recovery/drill/test_segments.py"),
    ),
    Mutant(
        "loss-of-large-objects",
        "recovery/drill/loss.py",
        "_Tally.loss",
        "messages + self._large",
        "messages",
        ("tests/recovery/drill/test_scenarios.py", "tests/recovery/drill/test_segments.py"),
    ),
    Mutant(
        "loss-answered-with-other-bytes",
        "recovery/drill/loss.py",
        "_answers",
        'bool(item["sha256"] == row["sha256"].hex())',
        "True",
        ("tests/recovery/drill/test_segments.py", "tests/recovery/drill/test_scenarios.py"),
    ),
)
