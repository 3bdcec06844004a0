"""Bugs in ``archiver/export``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "offline-another-form-approved",
        "archiver/export/verify_offline.py",
        "check_extraction",
        '(read["approval"]["act"], subject["form"]) == ("extraction", form)',
        "True",
        ("tests/export/test_narrowing.py",),
    ),
    Mutant(
        "offline-more-fields",
        "archiver/export/verify_offline.py",
        "verify",
        "granted is None or set(item) <= granted",
        "True",
        ("tests/export/test_narrowing.py",),
    ),
    Mutant(
        "narrowed-to-nothing-less",
        "archiver/export/narrowing.py",
        "Narrowing.narrowed",
        'name in self.fields or name in ("id", "entry")',
        "True",
        ("tests/export/test_narrowing.py",),
    ),
    Mutant(
        "offline-another-original",
        "archiver/export/verify_offline.py",
        "verify",
        "same = claimed[0] in (None, first) and claimed[1] in (None, second)",
        "same = True",
        ("tests/export/test_verify_offline.py",),
    ),
    Mutant(
        "offline-another-receipt",
        "archiver/export/verify_offline.py",
        "verify",
        "check(same and told",
        "check(told",
        ("tests/export/test_verify_offline.py",),
    ),
    Mutant(
        "offline-member-changed",
        "archiver/export/verify_offline.py",
        "check_members",
        "found[name][0] == sha256",
        "True",
        ("tests/export/test_verify_offline.py",),
    ),
    Mutant(
        "offline-list-changed",
        "archiver/export/verify_offline.py",
        "check_members",
        'hashlib.sha256(listed).hexdigest() == manifest["content"]["sha256"]',
        "True",
        ("tests/export/test_verify_offline.py",),
    ),
    Mutant(
        "offline-counts",
        "archiver/export/verify_offline.py",
        "verify",
        'counts == manifest["counts"]',
        "True",
        ("tests/export/test_verify_offline.py",),
    ),
    Mutant(
        "offline-proof-of-another-row",
        "archiver/export/verify_offline.py",
        "check_receipt",
        'proof["index"] == receipt["row"]',
        "True",
        ("tests/export/test_verify_offline.py",),
    ),
    Mutant(
        "credentials-key-shown",
        "archiver/export/unwrapping.py",
        "unwrap_object",
        'if object.partition("/")[0] == "credentials":',
        "if False:",
        ("tests/recovery/custody/test_credentials_key.py",),
    ),
)
