"""Random entries over few values, so that filters meet; and folded batches of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import count

from hypothesis import strategies as st
from tests.support.names import batch_key

from vanvault.archiver.catalogue import FoldedBatch
from vanvault.archiver.core.model import BatchHeader, Entry, Event, Message, Metadata, Placement
from vanvault.archiver.core.names import archive_id

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
