"""Search items: what is known of an entry but its body and its placements, as JSON values. Pure.

The hot tail makes them in ``hot_tail/chunks.py``, of a segment's rows ``segments/rows.py`` does.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from vanvault.archiver.core.model import BUSINESS_FIELDS, Entry, Event, Message, Metadata
from vanvault.archiver.core.search_form import FOLDED_FIELDS, search_form
from vanvault.archiver.core.times import parse_rfc3339, to_us

Item = dict[str, Any]

#: Length of a position.
POSITION_BYTES = 12

#: Fields with which a search may ask, besides times: for equality, but for the prefix.
SEARCH_FIELDS = ("entry", "gateway", "message_id", "event_id", "sha256", *FOLDED_FIELDS)
#: The one field that is no equality: how a dossier number begins.
DOSSIER_PREFIX = "dossier_prefix"


def position(us: int, writer: str) -> bytes:
    """Where the entry stands that a writer received at this time: 12 bytes that order entries by time.

    They are unique, because a writer never repeats a time.
    """
    return us.to_bytes(8) + _writer_part(writer)


@lru_cache(maxsize=4096)
def _writer_part(writer: str) -> bytes:
    return hashlib.sha256(writer.encode()).digest()[:4]


def entry_of(item: Item) -> Entry:
    """The entry that an item describes (a message comes without its body)."""
    metadata = Metadata(
        **{name: item[name] for name in BUSINESS_FIELDS if name != "insurance_numbers"},
        insurance_numbers=tuple(item["insurance_numbers"]),
    )
    sha256, sha512 = bytes.fromhex(item["sha256"]), bytes.fromhex(item["sha512"])
    received_us = to_us(parse_rfc3339(item["received_at"]))
    if item["entry"] == "event":
        return Event(
            id=item["id"],
            gateway=item["gateway"],
            event_id=item["event_id"],
            received_us=received_us,
            occurred_us=to_us(parse_rfc3339(item["occurred_at"])),
            type=item["type"],
            actor=item["actor"],
            message_id=item["message_id"],
            metadata=metadata,
            detail=item["detail"],
            size=item["size"],
            sha256=sha256,
            sha512=sha512,
        )
    return Message(
        id=item["id"],
        gateway=item["gateway"],
        message_id=item["message_id"],
        received_us=received_us,
        content_type=item["content_type"],
        size=item["size"],
        sha256=sha256,
        sha512=sha512,
        metadata=metadata,
        metadata_note=item["metadata_note"],
        large_object=item["large_object"],
        body=None,
    )


def without_body(entry: Entry) -> Entry:
    """The entry as an index keeps it: nothing of an original's bytes stays in memory."""
    if not isinstance(entry, Message) or entry.body is None:
        return entry
    # ``dataclasses.replace`` takes more than twice as long, for each message that is archived.
    return Message(
        entry.id,
        entry.gateway,
        entry.message_id,
        entry.received_us,
        entry.content_type,
        entry.size,
        entry.sha256,
        entry.sha512,
        entry.metadata,
        entry.metadata_note,
        entry.large_object,
        None,
    )


def keys_of_filters(filters: dict[str, str]) -> list[tuple[str, str]]:
    """The (field, value) pairs to look up for a search's filters; ``matches`` checks the rest.

    ``entry`` has none of its own: every event has the kind "event", and most entries are messages. Nor has
    ``dossier_prefix``: the hot tail holds days, so that looking at what the other fields leave is enough.
    """
    pairs = [(field, value) for field, value in filters.items() if field not in ("entry", DOSSIER_PREFIX)]
    return pairs + ([("kind", "event")] if filters.get("entry") == "event" else [])


def matches(item: Item, filters: dict[str, str]) -> bool:
    """Does the item truly hold every filter's value? (Tokens are 8 bytes: nearly, not quite, proof.)"""
    for field, value in filters.items():
        wanted = search_form(field, value)
        if field == "insurance_number":
            if all(search_form(field, number) != wanted for number in item["insurance_numbers"]):
                return False
        elif field == DOSSIER_PREFIX:
            if not search_form(field, item["dossier_number"]).startswith(wanted):
                return False
        elif search_form(field, item.get(field, "")) != wanted:
            return False
    return True
