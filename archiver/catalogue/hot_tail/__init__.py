"""What is not compacted yet: a local fold over batches, in one SQLite file (tables: ``file.py``)."""

from __future__ import annotations

from vanvault.archiver.catalogue.hot_tail.file import SearchSecrets
from vanvault.archiver.catalogue.hot_tail.pruning import drop_covered, note_recheck
from vanvault.archiver.catalogue.hot_tail.tail import (
    Claim,
    FindClaim,
    FindRepeats,
    FoldedBatch,
    HotTail,
    KnownBatch,
    TailRow,
    position_of,
)

__all__ = [
    "Claim",
    "FindClaim",
    "FindRepeats",
    "FoldedBatch",
    "HotTail",
    "KnownBatch",
    "SearchSecrets",
    "TailRow",
    "drop_covered",
    "note_recheck",
    "position_of",
]
