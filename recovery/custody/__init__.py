"""Verbs about keys that go on record: escrow, a stolen signing key, a disclosed master key, one data key."""

from __future__ import annotations

from vanvault.recovery.custody.escrow import (
    KeysRestored,
    KeysRestoreRequest,
    SplitReport,
    SplitRequest,
    restore_keys,
    split_keys,
)
from vanvault.recovery.custody.exposed import ExposedEntry, ExposedReport, ExposedRequest, exposed
from vanvault.recovery.custody.revoke import (
    AcceptRequest,
    RevokeRequest,
    TrustReport,
    accept_objects,
    revoke_key,
)
from vanvault.recovery.custody.unwrap import UnwrappedKey, unwrap_key

__all__ = [
    "AcceptRequest",
    "ExposedEntry",
    "ExposedReport",
    "ExposedRequest",
    "KeysRestoreRequest",
    "KeysRestored",
    "RevokeRequest",
    "SplitReport",
    "SplitRequest",
    "TrustReport",
    "UnwrappedKey",
    "accept_objects",
    "exposed",
    "restore_keys",
    "revoke_key",
    "split_keys",
    "unwrap_key",
]
