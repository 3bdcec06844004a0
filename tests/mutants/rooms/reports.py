"""Bugs in ``recovery/reports`` and ``recovery/notices``, and in the signed form of ``recovery/documents``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_COUNTS = ("tests/recovery/reports/test_counts.py",)
_CLERK = ("tests/recovery/reports/test_clerk.py",)
_DUE = ("tests/recovery/reports/test_due.py",)
_FILES = ("tests/recovery/reports/test_files.py",)
_NOTICES = ("tests/recovery/notices/test_notices.py",)

MUTANTS = (
    Mutant(
        "a-changed-report-is-believed",
        "recovery/documents/signed.py",
        "SignedForm.verified",
        "verify(public_key(key_id), signature, statement)",
        "public_key(key_id)",
        _FILES,
    ),
    Mutant(
        "the-edges-of-a-month-are-not-counted",
        "recovery/reports/volumes.py",
        "volumes",
        "_count_rows(archive, start, first, found, unread)",
        "pass",
        _COUNTS,
    ),
    Mutant(
        "looks-of-a-namesake-are-hers",
        "recovery/reports/period_record.py",
        "_looks",
        "one.look.viewer.id == account.id",
        "True",
        _CLERK,
        equivalent="a name is never given twice; the id is a second lock",
    ),
    Mutant(
        "looks-of-before-are-late",
        "recovery/reports/period_record.py",
        "_late",
        "vietnam_midnight(entry.effective)",
        "period.start",
        _CLERK,
    ),
    Mutant(
        "a-provisional-report-settles-the-period",
        "recovery/reports/due.py",
        "_of_kind",
        " and one.complete",
        "",
        _DUE,
    ),
    Mutant(
        "overdue-a-day-late",
        "recovery/reports/due.py",
        "_of_kind",
        "vietnam_day(now) >= period.due",
        "vietnam_day(now) > period.due",
        _DUE,
    ),
    Mutant(
        "a-report-that-no-site-took",
        "recovery/reports/verbs.py",
        "make_report",
        "archive_report(archive, report, data, zipped(files))",
        "pass",
        _FILES,
    ),
    Mutant(
        "a-late-notice-is-in-time",
        "recovery/notices/notice.py",
        "OwedNotice.is_late",
        "< _IN_TIME",
        "< timedelta(0)",
        _NOTICES,
    ),
    Mutant(
        "a-refused-address-is-forgotten",
        "recovery/notices/notice.py",
        "overdue_notices",
        " or one.id in refused",
        "",
        _NOTICES,
    ),
)
