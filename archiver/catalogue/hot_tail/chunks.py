"""A few entries of one batch together, sealed: what one row of the table ``chunk`` holds. Pure.

A chunk holds up to 32 entries of one batch, as they follow each other there, whose times of receipt lie
within a quarter of a second. So whoever looks for a position looks at the chunks of a quarter of a second, in
whatever order they were folded. Sealed is what an item says, as JSON without names, and after it the digests;
the times of receipt (8 bytes each) stand beside it in clear, as in every position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.catalogue.items import Item
from vanvault.archiver.core.model import BUSINESS_FIELDS, Entry, Event
from vanvault.archiver.core.times import rfc3339_us

#: Most entries of one chunk: who wants one of them opens all.
ROWS = 32
#: How far the times of one chunk lie apart at most.
SPAN_US = 250_000

NONCE_BYTES = 12
_SHA256 = 32
_DIGESTS = _SHA256 + 64
_LENGTH = 4  # bytes that say how long the JSON is
_TIME = 8

_OF_MESSAGE = attrgetter("gateway", "size", "message_id", "content_type", "metadata_note", "large_object")
_OF_EVENT = attrgetter("gateway", "size", "event_id", "occurred_us", "type", "actor", "message_id", "detail")
_OF_METADATA = attrgetter(*BUSINESS_FIELDS)
_MESSAGE_VALUES = 6


class DamagedChunk(Exception):
    """A chunk does not hold what was put there."""


@dataclass(frozen=True, slots=True)
class SealedChunk:
    """A chunk as it lies in the file."""

    first: int  # row of its first entry in the batch
    low: bytes  # smallest and greatest position
    high: bytes
    times: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """An opened chunk."""

    batch: int  # number of its batch in the file
    first: int
    low: bytes
    high: bytes
    times: bytes
    id_prefix: str  # of the ids of its entries
    values: list[Any]
    digests: bytes

    @property
    def rows(self) -> range:
        """The rows of the batch that it holds."""
        return range(self.first, self.first + len(self.values))

    def position(self, row: int) -> bytes:
        """Where an entry stands in time."""
        at = _TIME * (row - self.first)
        return self.times[at : at + _TIME] + self.low[_TIME:]

    def row_at(self, position: bytes) -> int | None:
        """The row with this position."""
        if not self.low <= position <= self.high or position[_TIME:] != self.low[_TIME:]:
            return None
        return next((row for row in self.rows if self.position(row) == position), None)

    def item(self, row: int) -> Item:
        """The entry of a row. Raises DamagedChunk."""
        n = row - self.first
        digests = self.digests[n * _DIGESTS : (n + 1) * _DIGESTS]
        try:
            return _item(self.values[n], f"{self.id_prefix}{row}", self.position(row), digests)
        except (TypeError, ValueError, IndexError) as error:
            raise DamagedChunk(f"a row of a chunk cannot be read: {type(error).__name__}") from error


def cut(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """The ranges [start, end) of rows that lie in one chunk each."""
    start = low = high = 0
    for row, entry in enumerate(entries):
        us = entry.received_us
        if start < row < start + ROWS and max(high, us) - min(low, us) <= SPAN_US:
            low, high = min(low, us), max(high, us)
            continue
        if row:
            yield start, row
        start, low, high = row, us, us
    if entries:
        yield start, len(entries)


def seal_chunk(
    entries: Sequence[Entry],
    positions: Sequence[bytes],
    first: int,
    id_prefix: str,
    key: AESGCM,
    nonce: bytes,
) -> SealedChunk:
    """Entries that follow each other in a batch from row ``first``, with their positions."""
    values = orjson.dumps([_values(entry, f"{id_prefix}{row}") for row, entry in enumerate(entries, first)])
    parts = [len(values).to_bytes(_LENGTH), values]
    for entry in entries:
        parts += (entry.sha256, entry.sha512)
    times = b"".join([position[:_TIME] for position in positions])
    low, high = min(positions), max(positions)
    sealed = nonce + key.encrypt(nonce, b"".join(parts), low + times)
    return SealedChunk(first, low, high, times, sealed)


def open_chunk(batch: int, id_prefix: str, chunk: SealedChunk, key: AESGCM) -> Chunk:
    """Decrypt a chunk. Raises DamagedChunk."""
    try:
        sealed = chunk.sealed
        plain = key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], chunk.low + chunk.times)
        end = _LENGTH + int.from_bytes(plain[:_LENGTH])
        values, digests = orjson.loads(plain[_LENGTH:end]), plain[end:]
        if len(digests) != len(values) * _DIGESTS or len(chunk.times) != len(values) * _TIME:
            raise ValueError("its parts are not of one length")
    except (InvalidTag, TypeError, ValueError) as error:
        raise DamagedChunk(f"a chunk cannot be opened: {type(error).__name__}") from error
    return Chunk(batch, chunk.first, chunk.low, chunk.high, chunk.times, id_prefix, values, digests)


def _values(entry: Entry, usual_id: str) -> tuple[str, tuple[Any, ...], tuple[Any, ...]]:
    fields = _OF_EVENT(entry) if isinstance(entry, Event) else _OF_MESSAGE(entry)
    return "" if entry.id == usual_id else entry.id, fields, _OF_METADATA(entry.metadata)


def _item(values: list[Any], usual_id: str, position: bytes, digests: bytes) -> Item:
    """The entry as a search item."""
    own_id, fields, metadata = values
    item: Item = {
        "id": own_id or usual_id,
        "gateway": fields[0],
        "received_at": rfc3339_us(int.from_bytes(position[:_TIME])),
        "size": fields[1],
        "sha256": digests[:_SHA256].hex(),
        "sha512": digests[_SHA256:].hex(),
    }
    item.update(zip(BUSINESS_FIELDS, metadata, strict=True))
    if len(fields) == _MESSAGE_VALUES:
        item["entry"] = "message"
        _, _, item["message_id"], item["content_type"], item["metadata_note"], item["large_object"] = fields
    else:
        item["entry"] = "event"
        _, _, item["event_id"], occurred_us, item["type"], item["actor"] = fields[:6]
        item["message_id"], item["detail"] = fields[6:]
        item["occurred_at"] = rfc3339_us(occurred_us)
    return item
