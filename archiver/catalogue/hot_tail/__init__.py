"""What is not compacted yet: a local fold over batches, in one SQLite file (tables: ``file.py``)."""

from __future__ import annotations

from vanvault.archiver.catalogue.hot_tail.file import SearchSecrets
from vanvault.archiver.catalogue.hot_tail.lost import BatchNumbers, LostBatches
from vanvault.archiver.catalogue.hot_tail.pruning import drop_covered, note_recheck
from vanvault.archiver.catalogue.hot_tail.refolding import list_all
from vanvault.archiver.catalogue.hot_tail.rows import (
    Claim,
    FindClaim,
    FindRepeats,
    FoldedBatch,
    KnownBatch,
    TailRow,
    position_of,
)
from vanvault.archiver.catalogue.hot_tail.tail import HotTail
from vanvault.archiver.catalogue.hot_tail.wrong_clocks import SKEW_US, WrongClock

__all__ = [
    "SKEW_US",
    "BatchNumbers",
    "Claim",
    "FindClaim",
    "FindRepeats",
    "FoldedBatch",
    "HotTail",
    "KnownBatch",
    "LostBatches",
    "SearchSecrets",
    "TailRow",
    "WrongClock",
    "drop_covered",
    "list_all",
    "note_recheck",
    "position_of",
]
