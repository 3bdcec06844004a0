"""Verbs about keys that go on record: escrow, restore from escrow, and the data key of one object."""

from __future__ import annotations

from vanvault.recovery.custody.escrow import (
    KeysRestored,
    KeysRestoreRequest,
    SplitReport,
    SplitRequest,
    restore_keys,
    split_keys,
)
from vanvault.recovery.custody.unwrap import UnwrappedKey, unwrap_key

__all__ = [
    "KeysRestoreRequest",
    "KeysRestored",
    "SplitReport",
    "SplitRequest",
    "UnwrappedKey",
    "restore_keys",
    "split_keys",
    "unwrap_key",
]
