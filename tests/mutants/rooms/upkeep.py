"""Bugs in ``archiver/upkeep``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_PROOF, _KEEPER = "archiver/upkeep/compaction/proof.py", "archiver/upkeep/compaction/keeper.py"
_LOCKS = "archiver/upkeep/compaction/known_locks.py"
_KNOWN = ("tests/upkeep/compaction/test_known_locks.py",)
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
        "action.held",
        _KEPT,
    ),
    Mutant(
        "keeper-believes-what-a-sample-shows-shorter",
        _LOCKS,
        "SiteLocks._shorter",
        "until < one.retain_until",
        "False",
        _KNOWN,
    ),
    Mutant(
        "keeper-sample-begins-anew-each-time",
        _LOCKS,
        "SiteLocks._next",
        "self.after = found[-1].key",
        "pass",
        _KNOWN,
    ),
    Mutant(
        "keeper-asks-for-the-sample-only",
        _LOCKS,
        "SiteLocks.check",
        "shorter += self._shorter(site, rest)",
        "pass",
        _KNOWN,
    ),
    Mutant(
        "gather-digests-unchecked",
        "archiver/upkeep/compaction/gather.py",
        "check_digests",
        "wrong = found.held() & found.differ(_named([table]))",
        "wrong = found.held() & ~found.held()",
        ("tests/upkeep/compaction/test_gather.py", "tests/upkeep/compaction/test_compact.py"),
    ),
    Mutant(
        "gather-sha512-unchecked",
        "archiver/core/format/batches/bodies.py",
        "BodyDigests.differ",
        "zip(self._columns(), other._columns(), strict=True)",
        "zip(self._columns()[:2], other._columns()[:2], strict=True)",
        ("tests/upkeep/compaction/test_gather.py", "tests/upkeep/compaction/test_compact.py"),
    ),
    Mutant(
        "plan-unrecorded-commits",
        "archiver/upkeep/compaction/plan.py",
        "plan_days",
        "batch.key not in recorded or ",
        "",
        ("tests/upkeep/compaction/test_plan.py",),
    ),
    Mutant(
        "plan-over-a-gap",
        "archiver/upkeep/compaction/plan.py",
        "plan_days",
        "if gap and not is_covered(writer, batch.header.sequence - 1)",
        "if False",
        ("tests/upkeep/compaction/test_plan.py",),
    ),
    Mutant(
        "plan-a-day-that-is-not-over",
        "archiver/upkeep/compaction/plan.py",
        "plan_days",
        "from_us(batch.header.created_us) >= before",
        "from_us(batch.header.created_us) > before",
        ("tests/upkeep/compaction/test_plan.py",),
    ),
    Mutant(
        "keep-what-ends-too-late",
        "archiver/upkeep/compaction/plan.py",
        "plan_keeping",
        "one.retain_until < now + ahead",
        "one.retain_until < now",
        ("tests/upkeep/compaction/test_plan.py",),
    ),
    Mutant(
        "segment-undecoded",
        "archiver/upkeep/compaction/steps.py",
        "is_made_of",
        'return digest_bodies(group.column("body") for group in groups) == rows',
        "return True",
        ("tests/upkeep/compaction/test_segment_proof.py",),
    ),
    Mutant(
        "segment-unproved",
        "archiver/upkeep/compaction/steps.py",
        "SegmentSteps._prove",
        "if digest() != part.placing.sha256",
        "if False",
        (
            "tests/upkeep/compaction/test_compact.py::test_a_site_that_gives_back_other_bytes_makes_no_segment",
        ),
    ),
    Mutant(
        "segment-locked-as-its-shortest-part",
        "archiver/upkeep/compaction/steps.py",
        "SegmentSteps.trust",
        "max(parse_rfc3339(part.retain_until) for part in manifest.parts)",
        "min(parse_rfc3339(part.retain_until) for part in manifest.parts)",
        ("tests/upkeep/compaction/test_segment_locks.py",),
    ),
    Mutant(
        "segment-parts-not-locked",
        "archiver/upkeep/compaction/steps.py",
        "SegmentSteps._lock",
        "locked.retain_until < until",
        "False",
        ("tests/upkeep/compaction/test_segment_locks.py",),
    ),
)
