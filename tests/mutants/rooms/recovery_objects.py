"""Bugs in ``recovery/objects`` and ``recovery/restore``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_COPYING, _PLAN = "recovery/objects/copying.py", "recovery/restore/plan.py"
_LOCKS = ("tests/recovery/test_short_locks.py",)

MUTANTS = (
    Mutant(
        "copy-lock-never-extended",
        _COPYING,
        "write_good",
        "newest.retain_until is not None and newest.retain_until >= retain_until",
        "newest",
        _LOCKS,
    ),
    Mutant(
        "copy-extended-in-words-only",
        _COPYING,
        "write_good",
        "target.extend(key, newest.version, retain_until)",
        "pass",
        _LOCKS,
    ),
    Mutant(
        "restored-under-a-shorter-lock", _PLAN, "is_restored", "due is None or ours >= due", "True", _LOCKS
    ),
    Mutant(
        "restored-without-a-lock",
        _PLAN,
        "is_restored",
        "return ours is not None and (due is None or ours >= due)",
        "return due is None or ours is None or ours >= due",
        _LOCKS,
    ),
)
