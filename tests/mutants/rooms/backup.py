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
    Mutant(
        "load-bytes-unchecked",
        "recovery/backup/restore.py",
        "load_objects",
        "if hashlib.sha256(data).digest() != sha256_of(entry.key)",
        "if False",
        ("tests/recovery/backup/test_bad_input.py::test_wrong_bytes_in_the_repository",),
    ),
    Mutant(
        "load-missing-is-fine",
        "recovery/backup/restore.py",
        "ObjectsReport.whole",
        "not self.failures and ",
        "",
        ("tests/recovery/backup/test_bad_input.py",),
    ),
    Mutant(
        "check-slices-unlooked",
        "recovery/backup/check.py",
        "_record_problems",
        "if one.snapshot not in held",
        "if False",
        (
            "tests/recovery/backup/test_bad_input.py",
            "tests/recovery/backup/test_life.py",
            "tests/recovery/backup/test_verbs.py",
        ),
    ),
    Mutant(
        "check-age-unlooked",
        "recovery/backup/check.py",
        "check_backup",
        "if age > limit",
        "if False",
        ("tests/recovery/backup/test_life.py::test_check_says_when_the_last_good_run_was",),
    ),
    Mutant(
        "forget-what-is-named",
        "recovery/backup/check.py",
        "forget_backups",
        "referenced.update(saved.snapshot for saved in record.slices)",
        "pass",
        ("tests/recovery/backup/test_life.py::test_forget_keeps_what_a_backup_needs",),
    ),
    Mutant(
        "forget-beyond-the-floor",
        "recovery/backup/plan.py",
        "check_floor",
        "if days < floor",
        "if False",
        ("tests/recovery/backup/test_plan.py",),
    ),
    Mutant(
        "backup-lacks-what-the-other-site-has",
        "recovery/backup/run.py",
        "plan_backup",
        "items += [ListedObject(key, versions[0].size) for key, (_, versions) in wanted.elsewhere.items()]",
        "pass",
        ("tests/recovery/backup/test_lacking_site.py",),
    ),
    Mutant(
        "backup-forgets-what-no-site-lists",
        "recovery/backup/wanted.py",
        "find_wanted",
        "known - first.objects.keys() - elsewhere.keys()",
        "set()",
        ("tests/recovery/backup/test_lacking_site.py",),
    ),
    Mutant(
        "backup-away-is-not-told",
        "recovery/backup/wanted.py",
        "find_wanted",
        "away.append(name)",
        "pass",
        ("tests/recovery/backup/test_lacking_site.py",),
    ),
    Mutant(
        "backup-whole-with-a-stale-escrow",
        "recovery/backup/run.py",
        "BackupReport.exit_code",
        "if self.whole and not self.escrow",
        "if self.whole",
        ("tests/recovery/backup/test_stale_escrow.py",),
    ),
)
