"""Receipts: what the archive tells a gateway about one message, signed, provable offline. Pure.

One Ed25519 signature covers a whole batch: the receipts of a batch are the leaves of a Merkle tree
(RFC 6962), the root of which is signed, and each receipt carries its path to that root. That keeps
the price of a signature (about as much as hashing 50 kB) off every message, and every receipt
still verifies alone, with the public key only (archiver/FORMAT.md, section 7).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.canonical import canonical, canonical_flat, written
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.evidence.merkle import inclusion_path, leaf_hash, levels, root_from_path
from vanvault.archiver.core.model import Entry, Event, Message, Placement
from vanvault.archiver.core.times import rfc3339_us

RECEIPT_FORMAT = "vanvault-receipt-v1"
#: Sites of an archive (archiver/FORMAT.md, section 1); a receipt that names fewer is degraded.
SITE_COUNT = 2

Receipt = dict[str, Any]


def statement(archive: str, key: str, size: int, root: bytes) -> bytes:
    """The signed text: five lines, each ended by a newline."""
    encoded = base64.b64encode(root).decode()
    return f"vanvault receipts v1\n{archive}\n{key}\n{size}\n{encoded}\n".encode()


def receipt_body(
    entry: Entry,
    row: int,
    *,
    archive: str,
    key: str,
    placements: list[dict[str, str]],
    signing_key: str,
    degraded: bool = False,
) -> Receipt:
    """All of a receipt but ``proof`` and ``signature``: the leaf of the tree."""
    body: Receipt = {
        "archive": archive,
        "format": RECEIPT_FORMAT,
        "gateway": entry.gateway,
        "id": entry.id,
        "object": key,
        "placements": placements,
        "policy": "any" if degraded else "all",
        "received_at": rfc3339_us(entry.received_us),
        "row": row,
        "sha256": entry.sha256.hex(),
        "sha512": entry.sha512.hex(),
        "signing_key": signing_key,
        "size": entry.size,
    }
    if degraded:
        body["degraded"] = True
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
    own, large = parted(batch, large)
    if isinstance(entry, Message) and entry.large_object:
        return (*own, *(p for p in large if p.key == entry.large_object))
    return own


def parted(
    placements: Sequence[Placement], large: Sequence[Placement]
) -> tuple[tuple[Placement, ...], tuple[Placement, ...]]:
    """Copies of the batch object, and copies of its large objects.

    ``placements`` are the batch's, or those of a commit record that upgrades it, which name the large
    objects' later copies too; ``large`` are those of the header. For a large object that both name, the
    commit record's stand.
    """
    names = {placement.key for placement in large}
    if not names:
        return tuple(placements), ()
    later = tuple(placement for placement in placements if placement.key in names)
    renewed = {placement.key for placement in later}
    own = tuple(placement for placement in placements if placement.key not in names)
    return own, (*later, *(placement for placement in large if placement.key not in renewed))


def is_degraded(placements: Sequence[Placement], large: Sequence[Placement]) -> bool:
    """Does a site lack the batch object, or one of its large objects?"""
    own, large = parted(placements, large)
    keys = {placement.key for placement in large}
    return len(_sites(own)) < SITE_COUNT or any(
        len(_sites(p for p in large if p.key == key)) < SITE_COUNT for key in keys
    )


def holders(receipt: Receipt) -> frozenset[str]:
    """The sites that hold all of the entry, by its receipt."""
    keys = {receipt["object"], *([receipt["large_object"]] if "large_object" in receipt else [])}
    by_key = [{p["site"] for p in receipt["placements"] if p["key"] == key} for key in keys]
    return frozenset(set.intersection(*by_key))


def _sites(placements: Iterable[Placement]) -> set[str]:
    return {placement.site for placement in placements}


class ReceiptTree:
    """The receipts of one batch: their root, and each one complete on demand."""

    def __init__(self, bodies: Sequence[Receipt], known: Mapping[int, bytes] | None = None) -> None:
        """``known``: leaves of rows that were disposed of, by row, of which there is no receipt any more."""
        self._bodies = bodies
        known = known or {}
        self._leaves = [
            known[row] if row in known else leaf_hash(canonical_flat(body)) for row, body in enumerate(bodies)
        ]
        self._levels = levels(self._leaves)

    @property
    def degraded(self) -> bool:
        """Does one of the receipts say that a site lacks something?"""
        return any("degraded" in body for body in self._bodies)

    @property
    def statement(self) -> bytes:
        """What the signing key signs for this batch."""
        first = self._bodies[0]
        return statement(first["archive"], first["object"], len(self._bodies), self._levels[-1][0])

    def leaf(self, index: int) -> bytes:
        """The leaf (32 bytes) of row ``index``."""
        return self._leaves[index]

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
    known: Mapping[int, bytes] | None = None,
) -> ReceiptTree:
    """The receipt tree of a batch, in row order. The same inputs give the same receipts, at any time.

    ``known``: leaves of rows that were disposed of, by row; their entries say nothing here.
    """
    own, large = parted(placements, large)
    shared = [placement.as_json() for placement in own]  # one list for all rows: never changed
    short = len(_sites(own)) < SITE_COUNT
    bodies = []
    for row, entry in enumerate(entries):
        copies, degraded = shared, short
        if isinstance(entry, Message) and entry.large_object:
            apart = [p for p in large if p.key == entry.large_object]
            copies = shared + [placement.as_json() for placement in apart]
            degraded = short or len(_sites(apart)) < SITE_COUNT
        bodies.append(
            receipt_body(
                entry,
                row,
                archive=archive,
                key=key,
                placements=copies,
                signing_key=signing_key,
                degraded=degraded,
            )
        )
    return ReceiptTree(bodies, known)


def receipts_statement(
    columns: Mapping[str, Sequence[Any]],
    *,
    archive: str,
    key: str,
    placements: Sequence[Placement],
    large: Sequence[Placement],
    signing_key: str,
    known: Mapping[int, bytes] | None = None,
) -> bytes:
    """The statement of ``build_tree`` for rows that are columns, where no receipt of them is needed.

    ``columns``: Python values by name, times as whole microseconds; of one kind of batch.
    """
    own, large = parted(placements, large)
    shared = [placement.as_json() for placement in own]
    short = len(_sites(own)) < SITE_COUNT
    common = _common(shared, archive=archive, key=key, signing_key=signing_key, degraded=short)
    own_id = "message_id" if "large_object" in columns else "event_id"
    names = ("gateway", "id", "received_at", "sha256", "sha512", "size", own_id)
    apart = columns.get("large_object") or [""] * len(columns["id"])
    leaves = []
    for row, (gateway, entry, received_us, sha256, sha512, size, own_name, large_object) in enumerate(
        zip(*(columns[name] for name in names), apart, strict=True)
    ):
        if known and row in known:
            leaves.append(known[row])
            continue
        fields = common
        if large_object:
            copies = [p for p in large if p.key == large_object]
            degraded = short or len(_sites(copies)) < SITE_COUNT
            both = shared + [placement.as_json() for placement in copies]
            fields = _common(both, archive=archive, key=key, signing_key=signing_key, degraded=degraded)
            fields["large_object"] = large_object
        body = {
            **fields,
            "gateway": gateway,
            "id": entry,
            "received_at": rfc3339_us(received_us),
            "row": row,
            "sha256": sha256.hex(),
            "sha512": sha512.hex(),
            "size": size,
            own_id: own_name,
        }
        leaves.append(leaf_hash(canonical_flat(body)))
    return statement(archive, key, len(leaves), levels(leaves)[-1][0])


def _common(
    placements: list[dict[str, str]], *, archive: str, key: str, signing_key: str, degraded: bool
) -> dict[str, Any]:
    """What receipts of a batch have in common; the placements are written once for all of them."""
    fields: dict[str, Any] = {
        "archive": archive,
        "format": RECEIPT_FORMAT,
        "object": key,
        "placements": written(placements),
        "policy": "any" if degraded else "all",
        "signing_key": signing_key,
    }
    return {**fields, "degraded": True} if degraded else fields


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
