"""Random entries over few values, so that filters meet; folded batches of them, and what a search says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import count

from hypothesis import strategies as st
from tests.support.names import batch_key

from vanvault.archiver.catalogue import FoldedBatch
from vanvault.archiver.catalogue.items import Item
from vanvault.archiver.core.model import (
    BUSINESS_FIELDS,
    BatchHeader,
    Entry,
    Event,
    Message,
    Metadata,
    Placement,
)
from vanvault.archiver.core.names import archive_id
from vanvault.archiver.core.times import rfc3339_us

GATEWAYS = ("gateway-1", "gateway-2")
VALUES = ("", "a", "A ", "b", "à", "a\u0300")
WRITERS = ("0123456789abcdef", "0123456789abcdeg")

metadata = st.builds(
    Metadata,
    **{
        name: st.sampled_from(VALUES) for name in Metadata.__dataclass_fields__ if name != "insurance_numbers"
    },
    insurance_numbers=st.lists(
        st.sampled_from(["7912345678", "7900000001", "a"]), unique=True, max_size=3
    ).map(tuple),
)
#: What an entry is before it has a place: kind, gateway, number of its id, metadata.
drafts = st.tuples(
    st.sampled_from([Message, Event]), st.sampled_from(GATEWAYS), st.integers(0, 10_000), metadata
)


def folded(
    groups: Sequence[tuple[str, Sequence[tuple[type, str, str, bytes, Metadata]]]], *, start_us: int = 1_000
) -> list[FoldedBatch]:
    """Batches of (writer, entries); an entry is (class, gateway, id, digest, metadata); times rise."""
    times = count(start_us)
    sequences = {writer: count() for writer, _ in groups}
    return [_batch(writer, next(sequences[writer]), entries, times) for writer, entries in groups]


def _batch(
    writer: str, sequence: int, rows: Sequence[tuple[type, str, str, bytes, Metadata]], times: count[int]
) -> FoldedBatch:
    entries = tuple(
        _entry(archive_id(writer, sequence, row), next(times), *fields) for row, fields in enumerate(rows)
    )
    digest = hashlib.sha256(f"{writer}{sequence}".encode()).digest()
    key = batch_key(writer, sequence, "messages", digest)
    until = "2037-11-23T00:00:00Z"
    header = BatchHeader(
        "archive-1", writer, sequence, "messages", entries[-1].received_us, until, len(rows), ""
    )
    placements = tuple(Placement(site, key, f"v-{site}", until) for site in ("primary", "standby"))
    return FoldedBatch(key, header, entries, placements)


def _entry(
    id: str, us: int, kind: type, gateway: str, client_id: str, digest: bytes, about: Metadata
) -> Entry:
    if kind is Event:
        return Event(id, gateway, client_id, us, us, "type-a", "", "", about, "{}", 1, digest, digest * 2)
    return Message(id, gateway, client_id, us, "", 1, digest, digest * 2, about, "", "", None)


def item_of(entry: Entry) -> Item:
    """Everything about an entry but its body and its placements, as JSON values."""
    item: Item = {
        "id": entry.id,
        "gateway": entry.gateway,
        "received_at": rfc3339_us(entry.received_us),
        "size": entry.size,
        "sha256": entry.sha256.hex(),
        "sha512": entry.sha512.hex(),
    }
    for name in BUSINESS_FIELDS:
        item[name] = getattr(entry.metadata, name)
    item["insurance_numbers"] = list(entry.metadata.insurance_numbers)
    if isinstance(entry, Event):
        item["entry"] = "event"
        item["event_id"] = entry.event_id
        item["occurred_at"] = rfc3339_us(entry.occurred_us)
        item["type"] = entry.type
        item["actor"] = entry.actor
        item["message_id"] = entry.message_id
        item["detail"] = entry.detail
    else:
        item["entry"] = "message"
        item["message_id"] = entry.message_id
        item["content_type"] = entry.content_type
        item["metadata_note"] = entry.metadata_note
        item["large_object"] = entry.large_object
    return item


def keys_of(entry: Entry) -> Iterator[tuple[str, str]]:
    """The (field, value) pairs under which an entry is found; unknown values give none."""
    yield "gateway", entry.gateway
    if isinstance(entry, Event):
        yield "event_id", entry.event_id
        yield "type", entry.type
    yield "sha256", entry.sha256.hex()
    if entry.message_id:
        yield "message_id", entry.message_id
    metadata = entry.metadata
    for name in BUSINESS_FIELDS:
        value = getattr(metadata, name)
        if name == "insurance_numbers":
            for number in value:
                yield "insurance_number", number
        elif value:
            yield name, value
