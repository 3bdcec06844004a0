"""Samples of what production answers, chosen by a seed, and asked again of the recovered archive."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, Query
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.evidence import Receipt, verify_receipt
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.recovery.drill.model import SampledEntry
from vanvault.recovery.drill.readers import in_subset
from vanvault.recovery.verified import Subset

#: Entries that one draw looks at for one in the subset.
_LOOKED_AT = 50
#: Fields by which a sample is looked for again.
_OF_ALL = ("transaction_id", "dossier_number", "employer_code", "tax_code")
_FOUND_BY = {"message": ("message_id", "sha256", *_OF_ALL), "event": ("event_id", "type", *_OF_ALL)}
#: Facts about where an entry lies: a batch before its compaction, a segment after it.
_WHERE = ("held", "placements", "segment", "verified_at")
_UNSETTLED = ("placements", "degraded", "policy", "proof", "signature", "signing_key")


@dataclass(frozen=True, slots=True)
class ExpectedAnswer:
    """What production says about one entry."""

    item: Item
    receipt: Receipt
    recorded: bool  # its commit is on record in the archive, so the receipt is fixed to the byte


def choose(
    node: ArchiveReader, count: int, seed: str, subset: Subset, before: datetime | None = None
) -> list[ExpectedAnswer]:
    """Up to ``count`` entries in the subset: oldest, newest, and at moments that ``seed`` decides.

    ``before``: of those that came before; None: of all. Raises KeyUnavailable.
    """
    upto = to_us(before) if before is not None else Query().to_us
    orders: tuple[Literal["newest", "oldest"], ...] = ("oldest", "newest")
    ends = [_first(node, Query(order=order, to_us=upto, limit=_LOOKED_AT), subset) for order in orders]
    chosen: dict[str, Item] = {item["id"]: item for item in ends if item is not None}
    if len(chosen) == 2:
        first, last = (to_us(parse_rfc3339(item["received_at"])) for item in chosen.values())
        for number in range(2 * count):
            if len(chosen) >= count:
                break
            digest = hashlib.sha256(f"{seed}\0{number}".encode()).digest()
            moment = first + int.from_bytes(digest[:8]) % (last - first + 1)
            item = _first(node, Query(from_us=moment, to_us=upto, order="oldest", limit=_LOOKED_AT), subset)
            if item is not None:
                chosen[item["id"]] = item
    unrecorded = {batch.key for batch in node.tail.uncommitted()}
    return [
        ExpectedAnswer(item, node.receipts.of(item["id"]), item["object"] not in unrecorded)
        for item in list(chosen.values())[:count]
    ]


def ask_again(
    node: ArchiveReader, expected: list[ExpectedAnswer], *, originals: bool = True
) -> list[SampledEntry]:
    """Does ``node`` answer the same: the entry, what finds it, its receipt, and its original's bytes?"""
    return [_sample(node, one, originals) for one in expected]


def _sample(node: ArchiveReader, expected: ExpectedAnswer, originals: bool) -> SampledEntry:
    item = expected.item
    try:
        problem = _difference(node, expected, originals)
    except VanVaultError as error:
        problem = error.message
    return SampledEntry(item["id"], item["object"], item["sha256"], not problem, problem)


def _difference(node: ArchiveReader, expected: ExpectedAnswer, originals: bool) -> str:
    """What is not the same, for people; "" for nothing."""
    item = expected.item
    found = node.search.entry(item["id"])
    if _but(found, *_WHERE) != _but(item, *_WHERE):
        return "its entry is another"
    if item["entry"] == "disposed":
        return ""  # there is no receipt and nothing else of it any more
    for field in _FOUND_BY[item["entry"]]:
        value = item.get(field, "")
        if value and not _finds(node, field, value, item):
            return f"{field} does not find it"
    receipt = node.receipts.of(item["id"])
    verify_receipt(receipt, node.signing.public)
    settled = expected.recorded and not _is_unrecorded(node, item["object"])
    unsettled = () if settled else _UNSETTLED
    if _but(receipt, *unsettled) != _but(expected.receipt, *unsettled):
        return "its receipt is another"
    if originals and item["entry"] == "message":
        body = node.original(found)
        if hashlib.sha256(body).hexdigest() != item["sha256"]:
            return "its original is another"
    return ""


def _finds(node: ArchiveReader, field: str, value: str, item: Item) -> bool:
    """Is the entry found by this value, at its own moment (others may share the value)?"""
    moment = to_us(parse_rfc3339(item["received_at"]))
    query = Query(filters={field: value}, from_us=moment, to_us=moment + 1, limit=_LOOKED_AT)
    return any(found["id"] == item["id"] for found in node.search.page(query, bare=True).items)


def _is_unrecorded(node: ArchiveReader, key: str) -> bool:
    return any(batch.key == key for batch in node.tail.uncommitted())


def _first(node: ArchiveReader, query: Query, subset: Subset) -> Item | None:
    items = node.search.page(query, bare=True).items
    found = next((item for item in items if _is_in(item, subset)), None)
    return node.search.entry(found["id"]) if found is not None else None


def _is_in(item: Item, subset: Subset) -> bool:
    large = item.get("large_object", "")
    return in_subset(item["object"], subset) and (not large or in_subset(large, subset))


def _but(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: field for name, field in value.items() if name not in names}
