"""Bugs in ``recovery/objects`` and ``recovery/restore``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_COPYING, _PLAN = "recovery/objects/copying.py", "recovery/restore/plan.py"
_RESTORE = "recovery/restore/restore.py"
_REQUESTS = ("tests/recovery/test_restore_requests.py",)
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
    Mutant(
        "restored-by-an-old-look-at-the-target",
        _PLAN,
        "in_turn",
        "plan.work.age_s < NEW_S",
        "True",
        _REQUESTS,
    ),
    Mutant(
        "restored-although-nobody-needs-it",
        _RESTORE,
        "_copy",
        "item.compacted and is_over(version, at_source)",
        "False",
        _REQUESTS,
    ),
    Mutant(
        "restored-without-asking-the-source-for-its-lock",
        "archiver/replicas/promised.py",
        "read_listed",
        "return site.get_locked(version.key, version.version)",
        "return _get(site, version)",
        _REQUESTS,
    ),
    Mutant(
        "passing-on-tried-for-ever",
        _RESTORE,
        "_PassingOn.__call__",
        "self._failed + 1 if passed is None else 0",
        "self._failed",
        _REQUESTS,
    ),
    Mutant(
        "copied-of-another-key",
        _COPYING,
        "_versions",
        "takewhile(lambda version: version.key == key, site.list(key))",
        "site.list()",
        ("tests/recovery/test_copying_requests.py",),
    ),
)
