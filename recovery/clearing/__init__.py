"""Clearing: batches that a proved segment holds are removed at both sites once their locks are long over."""

from __future__ import annotations

from vanvault.recovery.clearing.outlook import SpentCount, SpentTally
from vanvault.recovery.clearing.run import ClearedSegment, ClearingTools, ClearReport, ClearRequest, clear
from vanvault.recovery.clearing.told import ClearedObject, cleared_object

__all__ = [
    "ClearReport",
    "ClearRequest",
    "ClearedObject",
    "ClearedSegment",
    "ClearingTools",
    "SpentCount",
    "SpentTally",
    "clear",
    "cleared_object",
]
