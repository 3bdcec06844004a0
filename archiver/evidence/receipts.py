"""Receipts: what the archive tells a gateway about one message, signed, provable offline. Pure.

One Ed25519 signature covers a whole batch: the receipts of a batch are the leaves of a Merkle tree
(RFC 6962), the root of which is signed, and each receipt carries its path to that root. That keeps
the price of a signature (about as much as hashing 50 kB) off every message, and every receipt
still verifies alone, with the public key only (archiver/FORMAT.md, section 7).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.errors import Damaged, InvalidInput
from vanvault.archiver.evidence.merkle import inclusion_path, leaf_hash, levels, root_from_path
from vanvault.archiver.format.batch import encode_placement
from vanvault.archiver.format.canonical import canonical, canonical_flat
from vanvault.archiver.model.batch import Placement
from vanvault.archiver.model.entry import Entry, Event, Message
from vanvault.archiver.model.times import rfc3339_us

RECEIPT_FORMAT = "vanvault-receipt-v1"

Receipt = dict[str, Any]


def statement(archive: str, key: str, size: int, root: bytes) -> bytes:
    """The signed text: five lines, each ended by a newline."""
    encoded = base64.b64encode(root).decode()
    return f"vanvault receipts v1\n{archive}\n{key}\n{size}\n{encoded}\n".encode()


def receipt_body(
    entry: Entry, row: int, *, archive: str, key: str, placements: list[dict[str, str]], signing_key: str
) -> Receipt:
    """All of a receipt but ``proof`` and ``signature``: the leaf of the tree."""
    body: Receipt = {
        "archive": archive,
        "format": RECEIPT_FORMAT,
        "gateway": entry.gateway,
        "id": entry.id,
        "object": key,
        "placements": placements,
        "policy": "all",
        "received_at": rfc3339_us(entry.received_us),
        "row": row,
        "sha256": entry.sha256.hex(),
        "sha512": entry.sha512.hex(),
        "signing_key": signing_key,
        "size": entry.size,
    }
    if isinstance(entry, Event):
        body["event_id"] = entry.event_id
    else:
        body["message_id"] = entry.message_id
        if entry.large_object:
            body["large_object"] = entry.large_object
    return body


def placements_of(
    entry: Entry, batch: Sequence[Placement], large: Sequence[Placement]
) -> tuple[Placement, ...]:
    """Where one entry lies: its batch's copies, and its large object's when it has one."""
    if isinstance(entry, Message) and entry.large_object:
        return (*batch, *(p for p in large if p.key == entry.large_object))
    return tuple(batch)


def _placements(
    entry: Entry, shared: list[dict[str, str]], large: Sequence[Placement]
) -> list[dict[str, str]]:
    if isinstance(entry, Message) and entry.large_object:
        return shared + [encode_placement(p) for p in large if p.key == entry.large_object]
    return shared  # one list for all rows of a batch: they are never changed


class ReceiptTree:
    """The receipts of one batch: their root, and each one complete on demand."""

    def __init__(self, bodies: Sequence[Receipt]) -> None:
        self._bodies = bodies
        self._levels = levels([leaf_hash(canonical_flat(body)) for body in bodies])

    @property
    def statement(self) -> bytes:
        """What the signing key signs for this batch."""
        first = self._bodies[0]
        return statement(first["archive"], first["object"], len(self._bodies), self._levels[-1][0])

    def receipt(self, index: int, signature: bytes) -> Receipt:
        """The complete receipt of row ``index``."""
        return {
            **self._bodies[index],
            "proof": {
                "index": index,
                "path": [node.hex() for node in inclusion_path(self._levels, index)],
                "size": len(self._bodies),
            },
            "signature": base64.b64encode(signature).decode(),
        }


def build_tree(
    entries: Sequence[Entry],
    *,
    archive: str,
    key: str,
    placements: Sequence[Placement],
    large: Sequence[Placement],
    signing_key: str,
) -> ReceiptTree:
    """The receipt tree of a batch, in row order. The same inputs give the same receipts, at any time."""
    shared = [encode_placement(placement) for placement in placements]
    return ReceiptTree(
        [
            receipt_body(
                entry,
                row,
                archive=archive,
                key=key,
                placements=_placements(entry, shared, large),
                signing_key=signing_key,
            )
            for row, entry in enumerate(entries)
        ]
    )


def verify_receipt(
    receipt: Mapping[str, Any],
    public_key: Callable[[str], Ed25519PublicKey],
    *,
    digests: tuple[str, str] | None = None,
) -> None:
    """Check one receipt offline, in this order: shape, path, signature, and the original when given.

    Args:
        public_key: gives the Ed25519 key of a key id; raises KeyUnavailable for one it does not trust.
        digests: SHA-256 and SHA-512 (hex) of the original at hand, or None to check the receipt alone.

    Raises:
        InvalidInput: not a receipt.
        Damaged: the receipt was changed, or is not of this original.
    """
    try:
        body = {name: value for name, value in receipt.items() if name not in ("proof", "signature")}
        proof = receipt["proof"]
        index, size = int(proof["index"]), int(proof["size"])
        path = [bytes.fromhex(node) for node in proof["path"]]
        signature = base64.b64decode(receipt["signature"], validate=True)
        archive, key, row = str(receipt["archive"]), str(receipt["object"]), int(receipt["row"])
        key_id = str(receipt["signing_key"])
        known_format = receipt["format"] == RECEIPT_FORMAT
        leaf = leaf_hash(canonical(body))
        claimed = (str(receipt["sha256"]), str(receipt["sha512"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            "this is not a VanVault receipt", hint="Give the JSON object that the push answered."
        ) from error
    if not known_format:
        raise InvalidInput("unknown receipt format", hint=f"This program verifies {RECEIPT_FORMAT}.")
    if index != row:
        raise Damaged("the receipt's proof is for another row")
    root = root_from_path(leaf, index, size, path)
    try:
        public_key(key_id).verify(signature, statement(archive, key, size, root))
    except InvalidSignature as error:
        raise Damaged(
            "the receipt's signature does not fit its content",
            hint="The receipt was changed, or another archive's public key was given.",
        ) from error
    if digests is not None and not all(map(hmac.compare_digest, claimed, digests)):
        raise Damaged("the receipt is genuine, but not of this original")
