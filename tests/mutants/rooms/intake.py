"""Bugs in ``archiver/intake``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_WRITER = "archiver/intake/writer.py"
_FAILURES = "tests/intake/test_write_failures.py"

MUTANTS = (
    Mutant(
        "commit-any-object-of-the-group",
        _WRITER,
        "Writer._place",
        "if all(name in",
        "if any(name in",
        (_FAILURES + "::test_a_group_of_two_objects_needs_both_of_them_at_a_site",),
    ),
    Mutant(
        "commit-degraded-unasked",
        _WRITER,
        "Writer._place",
        "(degraded and whole_at)",
        "whole_at",
        (_FAILURES,),
    ),
    Mutant(
        "commit-doubt-forgotten",
        _WRITER,
        "Writer._place",
        "self._unsettled = assembled",
        "self._unsettled = []",
        (_FAILURES,),
    ),
    Mutant(
        "commit-one-refusal-is-enough",
        _WRITER,
        "Writer._place",
        "if all(item.placing.surely_nowhere",
        "if any(item.placing.surely_nowhere",
        (_FAILURES,),
    ),
)
