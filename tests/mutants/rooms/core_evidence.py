"""Bugs in ``archiver/core/evidence``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "merkle-leaf-as-node",
        "archiver/core/evidence/merkle.py",
        "leaf_hash",
        'b"\\x00"',
        'b"\\x01"',
        ("tests/core/evidence/test_merkle.py",),
    ),
    Mutant(
        "merkle-lone-node-doubled",
        "archiver/core/evidence/merkle.py",
        "levels",
        "above.append(row[-1])",
        "above.append(_node(row[-1], row[-1]))",
        ("tests/core/evidence/test_merkle.py",),
    ),
    Mutant(
        "merkle-path-too-short",
        "archiver/core/evidence/merkle.py",
        "root_from_path",
        "if last:",
        "if False:",
        ("tests/core/evidence/test_merkle.py",),
    ),
    Mutant(
        "merkle-path-too-long",
        "archiver/core/evidence/merkle.py",
        "root_from_path",
        "if last == 0:",
        "if False:",
        ("tests/core/evidence/test_merkle.py",),
    ),
    Mutant(
        "merkle-index-outside",
        "archiver/core/evidence/merkle.py",
        "root_from_path",
        "if not 0 <= index < size",
        "if False",
        ("tests/core/evidence/test_merkle.py",),
    ),
    Mutant(
        "receipt-proof-of-another-row",
        "archiver/core/evidence/receipts.py",
        "verify_receipt",
        "if index != row",
        "if False",
        ("tests/core/evidence/test_receipts.py",),
    ),
    Mutant(
        "receipt-of-any-original",
        "archiver/core/evidence/receipts.py",
        "verify_receipt",
        "not all(map(",
        "not any(map(",
        ("tests/core/evidence/test_receipts.py",),
    ),
    Mutant(
        "receipt-of-any-format",
        "archiver/core/evidence/receipts.py",
        "verify_receipt",
        "if not known_format",
        "if False",
        ("tests/core/evidence/test_receipts.py",),
    ),
    Mutant(
        "receipt-large-at-one-site",
        "archiver/core/evidence/receipts.py",
        "build_tree",
        "degraded = short or len(_sites(apart)) < SITE_COUNT",
        "degraded = short",
        (
            "tests/core/evidence/test_receipts.py",
            "tests/intake/test_policy_any.py::test_a_large_object_lies_at_one_site",
        ),
    ),
    Mutant(
        "statement-large-at-one-site",
        "archiver/core/evidence/receipts.py",
        "receipts_statement",
        "degraded = short or len(_sites(copies)) < SITE_COUNT",
        "degraded = short",
        ("tests/core/evidence/test_receipts.py",),
    ),
    Mutant(
        "receipt-holders-of-a-part",
        "archiver/core/evidence/receipts.py",
        "holders",
        "set.intersection",
        "set.union",
        (
            "tests/core/evidence/test_receipts.py",
            "tests/intake/test_policy_any.py::test_no_site_holds_row_and_large_object_together",
        ),
    ),
)
