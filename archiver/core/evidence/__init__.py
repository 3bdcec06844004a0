"""Evidence: receipts, the Merkle trees under them, and their verification."""

from __future__ import annotations

from vanvault.archiver.core.evidence.receipts import (
    Receipt,
    ReceiptTree,
    build_tree,
    holders,
    is_degraded,
    placements_of,
    receipts_statement,
    verify_receipt,
)

__all__ = [
    "Receipt",
    "ReceiptTree",
    "build_tree",
    "holders",
    "is_degraded",
    "placements_of",
    "receipts_statement",
    "verify_receipt",
]
