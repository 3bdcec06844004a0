"""Bugs in ``archiver/export``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "offline-another-original",
        "archiver/export/verify_offline.py",
        "verify",
        'found[originals[item["id"]]] == claimed',
        "True",
        ("tests/export/test_verify_offline.py",),
    ),
    Mutant(
        "offline-another-receipt",
        "archiver/export/verify_offline.py",
        "verify",
        "same and receipt",
        "receipt",
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
