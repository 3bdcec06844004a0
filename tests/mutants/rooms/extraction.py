"""Bugs in extractions: ``recovery/extraction`` and the form in ``archiver/people/extraction``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_TESTS = ("tests/recovery/test_extraction.py",)

MUTANTS = (
    Mutant(
        "extraction-of-more-than-was-counted",
        "recovery/extraction/run.py",
        "_counted",
        "if len(ids) != extraction.count:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "extraction-after-its-last-day",
        "archiver/people/extraction/fold.py",
        "Extraction.state",
        "if self.form.is_over(now):",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "extraction-goes-on-elsewhere",
        "recovery/extraction/run.py",
        "_check_claim",
        "claim is None or claim.digest != start.claim",
        "False",
        _TESTS,
    ),
    Mutant(
        "extraction-without-its-look",
        "recovery/extraction/run.py",
        "run_extraction",
        "shows(ids[first : first + _IDS_OF_A_LOOK])",
        "pass",
        _TESTS,
    ),
    Mutant(
        "extraction-of-another-file",
        "recovery/extraction/finished.py",
        "finished_file",
        'told["id"] != extraction.id or digest not in _manifests(archive, export)',
        "False",
        _TESTS,
    ),
    Mutant(
        "extraction-handed-over-to-another",
        "recovery/extraction/hand_over.py",
        "hand_over",
        "if extraction.handed.received_by == name:",
        "if True:",
        _TESTS,
    ),
    Mutant(
        "extraction-with-another-scan",
        "recovery/extraction/record.py",
        "_with_scan",
        "if given != sha256:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "extraction-step-of-another-form",
        "archiver/core/bound_fold.py",
        "BoundFold.of",
        'known is None or event.detail.get("digest") != self.digest(known)',
        "known is None",
        ("tests/people/test_extraction.py",),
    ),
    Mutant(
        "copy-runs-formulas",
        "recovery/extraction/copies.py",
        "_safe",
        "if text[:1] in _MARKED and text",
        "if False",
        _TESTS,
    ),
)
