"""Bugs in ``archiver/upkeep``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_PROOF, _KEEPER = "archiver/upkeep/compaction/proof.py", "archiver/upkeep/compaction/keeper.py"
_KEPT = ("tests/upkeep/compaction/test_keeper.py",)

MUTANTS = (
    Mutant(
        "proof-under-a-shorter-lock",
        _PROOF,
        "_missing",
        "(lock is None or lock < until)",
        "lock is None",
        _KEPT,
    ),
    Mutant(
        "proof-last-lock-listed",
        _PROOF,
        "_listed",
        "held[version.key] = max(locks, default=None)",
        "held[version.key] = version.retain_until",
        _KEPT,
    ),
    Mutant(
        "proof-first-lock-listed",
        _PROOF,
        "_listed",
        "held[version.key] = max(locks, default=None)",
        "held.setdefault(version.key, version.retain_until)",
        _KEPT,
    ),
    Mutant("proof-manifest-not-brought", _PROOF, "_bring", "return True", "return False", _KEPT),
    Mutant("proof-lacking-nothing", _PROOF, "prove_segments", "lacking.add(segment.n)", "pass", _KEPT),
    Mutant(
        "keeper-asks-where-locks-are-listed",
        _KEEPER,
        "_needed",
        "not site.capabilities.list_shows_locks",
        "site.capabilities.list_shows_locks",
        _KEPT,
    ),
    Mutant(
        "keeper-extends-nothing",
        _KEEPER,
        "_extend",
        "site.extend(action.held.key, action.held.version, action.retain_until)",
        "pass",
        _KEPT,
    ),
)
