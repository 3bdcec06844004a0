"""Bugs in ``recovery/clearing``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_COMPARING, _PLAN = "recovery/clearing/comparing.py", "recovery/clearing/plan.py"
_RUN, _STANDING = "recovery/clearing/run.py", "recovery/clearing/standing.py"
_COMPARED = ("tests/recovery/clearing/test_comparing.py",)
_CLEARED = ("tests/recovery/clearing/test_clear.py",)

MUTANTS = (
    Mutant(
        "clearing-rows-not-compared",
        _COMPARING,
        "difference",
        "columns_in(rest) != dict(held.columns)",
        "False",
        _COMPARED,
    ),
    Mutant(
        "clearing-originals-not-compared", _COMPARING, "difference", "own != held.bodies", "False", _COMPARED
    ),
    Mutant(
        "clearing-without-commit-record",
        _COMPARING,
        "difference",
        "evidence.commit is None",
        "False",
        _COMPARED,
    ),
    Mutant(
        "clearing-as-soon-as-the-lock-ends",
        _PLAN,
        "Waiting.is_over",
        "until + self.after <= now",
        "until <= now",
        _COMPARED,
    ),
    Mutant(
        "clearing-goes-on-while-halted",
        _RUN,
        "_Run.run",
        "report.halted and not self._request.dry_run",
        "False",
        _CLEARED,
    ),
    Mutant(
        "clearing-believes-the-name",
        _RUN,
        "_Run._removed",
        "self._compare(group.site, key, versions, held)",
        "''",
        _CLEARED,
    ),
    Mutant(
        "clearing-takes-no-note-of-strangers",
        _STANDING,
        "reasons_against",
        "found += _set_aside(archive)",
        "_set_aside(archive)",
        _CLEARED,
    ),
)
