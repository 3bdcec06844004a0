"""Bugs in ``recovery/backup``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_RUN = "recovery/backup/run.py"
_STAGE = ("tests/recovery/backup/test_changed_stage.py",)

MUTANTS = (
    Mutant(
        "backup-counts-unchecked", _RUN, "_check_counts", "if list(counts) != promised", "if False", _STAGE
    ),
    Mutant(
        "backup-bytes-unchecked",
        _RUN,
        "_check_counts",
        "if list(counts) != promised",
        "if counts[0] != promised[0]",
        _STAGE,
    ),
    Mutant(
        "backup-takes-by-names-alone",
        _RUN,
        "_Run.take",
        "self._repository.files_of(snapshot) != wanted",
        "set(self._repository.files_of(snapshot)) != set(wanted)",
        _STAGE,
    ),
    Mutant(
        "backup-record-uncounted",
        _RUN,
        "run_backup",
        "_check_counts(counts, [len(data) for data in files.values()])",
        "pass",
        _STAGE,
    ),
)
