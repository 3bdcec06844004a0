"""Clearing: batches that a proved segment holds are removed at both sites once their locks are long over."""

from __future__ import annotations

from vanvault.recovery.clearing.run import ClearedSegment, ClearingTools, ClearReport, ClearRequest, clear

__all__ = [
    "ClearReport",
    "ClearRequest",
    "ClearedSegment",
    "ClearingTools",
    "clear",
]
