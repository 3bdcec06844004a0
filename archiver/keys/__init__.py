"""Custody of keys: masters that wrap data keys, and keys that sign."""

from __future__ import annotations

from vanvault.archiver.keys.files import KeyFiles
from vanvault.archiver.keys.object_trust import Judged, ObjectSigner, ObjectTrust, Unproved
from vanvault.archiver.keys.provider import (
    EscrowOrder,
    bring_back,
    check_order,
    create_masters,
    differing,
    make_in_escrow,
    masters_in,
    open_masters,
    open_token,
    token_of,
)
from vanvault.archiver.keys.published import PublishedKey, published_keys
from vanvault.archiver.keys.signing import (
    SigningKey,
    SigningKeys,
    load_public_keys,
    parse_public_keys,
    public_pem,
    verify,
)
from vanvault.archiver.keys.trust import ObjectList, TrustAct, TrustedKeys

__all__ = [
    "EscrowOrder",
    "Judged",
    "KeyFiles",
    "ObjectList",
    "ObjectSigner",
    "ObjectTrust",
    "PublishedKey",
    "SigningKey",
    "SigningKeys",
    "TrustAct",
    "TrustedKeys",
    "Unproved",
    "bring_back",
    "check_order",
    "create_masters",
    "differing",
    "load_public_keys",
    "make_in_escrow",
    "masters_in",
    "open_masters",
    "open_token",
    "parse_public_keys",
    "public_pem",
    "published_keys",
    "token_of",
    "verify",
]
