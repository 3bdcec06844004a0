"""Verbs about keys that go on record: escrow, a stolen signing key, a disclosed master key, one data key."""

from __future__ import annotations

from vanvault.recovery.custody.bundle import (
    KeyBundlePlan,
    KeyBundleRequest,
    ids_of_lines,
    open_key_bundle,
    plan_key_bundle,
    result_digest,
)
from vanvault.recovery.custody.escrow import (
    EscrowVerifyRequest,
    KeysRestored,
    KeysRestoreRequest,
    SplitReport,
    SplitRequest,
    restore_keys,
    split_keys,
    verify_escrow,
)
from vanvault.recovery.custody.exposed import ExposedEntry, ExposedReport, ExposedRequest, exposed
from vanvault.recovery.custody.known_keys import KnownKeys, known_keys
from vanvault.recovery.custody.revoke import (
    AcceptRequest,
    RevokeRequest,
    TrustReport,
    accept_objects,
    revoke_key,
)
from vanvault.recovery.custody.rotate import RotateRequest, rotate_keys
from vanvault.recovery.custody.standing import EscrowStanding, escrow_standing

__all__ = [
    "AcceptRequest",
    "EscrowStanding",
    "EscrowVerifyRequest",
    "ExposedEntry",
    "ExposedReport",
    "ExposedRequest",
    "KeyBundlePlan",
    "KeyBundleRequest",
    "KeysRestoreRequest",
    "KeysRestored",
    "KnownKeys",
    "RevokeRequest",
    "RotateRequest",
    "SplitReport",
    "SplitRequest",
    "TrustReport",
    "accept_objects",
    "escrow_standing",
    "exposed",
    "ids_of_lines",
    "known_keys",
    "open_key_bundle",
    "plan_key_bundle",
    "restore_keys",
    "result_digest",
    "revoke_key",
    "rotate_keys",
    "split_keys",
    "verify_escrow",
]
