"""Tokens of the hot tail, in sorted blocks: (field, value) -> positions, in time order.

A B-tree would touch one page for each of some twenty tokens of every entry. Here a fold appends one block
of sorted records for all its entries, and blocks of like size are merged when there are enough of them
(a log-structured merge, size-tiered). A record is 20 bytes: token (8), position (12).

A look-up is a binary search in every block; a block knows the positions that it spans, so that a probe
for one position reads the one or two blocks of its time. Readers hold a snapshot (a read transaction),
because a merge replaces blocks.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from vanvault.archiver.catalogue.items import POSITION_BYTES

_TOKEN_BYTES = 8
_RECORD_BYTES = _TOKEN_BYTES + POSITION_BYTES

#: Blocks of one tier that are merged into one of the next.
_FAN = 8
#: Blocks of this many records are not merged further: 32 MB, what a merge may hold in memory.
_LARGEST = 1_600_000
#: A token this many times as common as the rarest is probed instead of walked.
_PROBE_FROM = 100
#: Records that are read at once while a range is walked.
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class _Block:
    id: int
    records: int
    low: bytes  # smallest and greatest position
    high: bytes


def add_records(connection: sqlite3.Connection, records: list[bytes]) -> None:
    """Append one block (within the caller's transaction), and merge what has become too many."""
    if not records:
        return
    _insert(connection, records)
    tier = 0
    while True:
        rows = connection.execute("SELECT id FROM block WHERE tier = ? ORDER BY id LIMIT ?", (tier, _FAN))
        ids = [row[0] for row in rows]
        if len(ids) < _FAN:
            if tier >= _tier(_LARGEST):
                return
            tier += 1
            continue
        _merge(connection, ids)


def drop_positions(connection: sqlite3.Connection, positions: list[bytes]) -> None:
    """Remove every record of these positions (within the caller's transaction), block by block."""
    gone = np.array(positions, dtype=f"S{POSITION_BYTES}")
    low, high = min(gone.tolist()), max(gone.tolist())
    spans = connection.execute(
        "SELECT id FROM block WHERE high >= ? AND low <= ?", (_padded(low), _padded(high))
    ).fetchall()
    for (block,) in spans:
        (data,) = connection.execute("SELECT data FROM block WHERE id = ?", (block,)).fetchone()
        records = np.frombuffer(
            data, dtype=[("token", f"S{_TOKEN_BYTES}"), ("position", f"S{POSITION_BYTES}")]
        )
        kept = records[~np.isin(records["position"], gone)]
        if not len(kept):
            connection.execute("DELETE FROM block WHERE id = ?", (block,))
        elif len(kept) < len(records):
            left = kept.tobytes()
            spans_left = [
                left[i + _TOKEN_BYTES : i + _RECORD_BYTES] for i in range(0, len(left), _RECORD_BYTES)
            ]
            connection.execute(
                "UPDATE block SET data = ?, records = ?, low = ?, high = ? WHERE id = ?",
                (left, len(kept), min(spans_left), max(spans_left), block),
            )


def count(connection: sqlite3.Connection, token: bytes, low: bytes, high: bytes) -> int:
    """How many positions in [low, high) a token has."""
    return sum(end - start for _, start, end in _ranges(connection, token, low, high))


def positions(
    connection: sqlite3.Connection, token: bytes, low: bytes, high: bytes, *, newest: bool
) -> Iterator[bytes]:
    """The positions of a token in [low, high), in time order; some may come twice."""
    ranges = _ranges(connection, token, low, high)
    walks = [_walk(connection, block, start, end, newest=newest) for block, start, end in ranges]
    return heapq.merge(*walks, reverse=newest)


def has(connection: sqlite3.Connection, token: bytes, position: bytes) -> bool:
    """Is the token at this very position?"""
    return any(True for _ in _ranges(connection, token, position, position + b"\0"))


def intersection(
    connection: sqlite3.Connection, tokens: list[bytes], low: bytes, high: bytes, *, newest: bool
) -> Iterator[bytes]:
    """The positions in [low, high) that all tokens have, in time order, each once.

    The rarest token leads. Tokens that are much more common are probed at its positions; the others are
    walked beside it, which costs less than probing them would.
    """
    counted = sorted((count(connection, token, low, high), token) for token in tokens)
    rarest = counted[0][0]
    walked = [token for number, token in counted if number <= rarest * _PROBE_FROM]
    probed = [token for number, token in counted if number > rarest * _PROBE_FROM]
    streams = [positions(connection, token, low, high, newest=newest) for token in walked]
    for position in _common(streams, newest=newest):
        if all(has(connection, token, position) for token in probed):
            yield position


def _common(streams: list[Iterator[bytes]], *, newest: bool) -> Iterator[bytes]:
    """What all sorted streams have, each once."""
    last = b""
    heads = [next(stream, b"") for stream in streams]
    while all(heads):
        furthest = min(heads) if newest else max(heads)
        if all(head == furthest for head in heads):
            if furthest != last:
                yield furthest
            last = furthest
            heads[0] = next(streams[0], b"")
            continue
        for index, head in enumerate(heads):
            if head != furthest:
                heads[index] = next(streams[index], b"")


def _insert(connection: sqlite3.Connection, records: Iterable[bytes]) -> None:
    ordered = sorted(records)
    spans = [record[_TOKEN_BYTES:] for record in ordered]
    connection.execute(
        "INSERT INTO block(tier, records, low, high, data) VALUES(?, ?, ?, ?, ?)",
        (_tier(len(ordered)), len(ordered), min(spans), max(spans), b"".join(ordered)),
    )


def _merge(connection: sqlite3.Connection, ids: list[int]) -> None:
    records: list[bytes] = []
    for block in ids:
        (data,) = connection.execute("SELECT data FROM block WHERE id = ?", (block,)).fetchone()
        records += (data[i : i + _RECORD_BYTES] for i in range(0, len(data), _RECORD_BYTES))
    connection.executemany("DELETE FROM block WHERE id = ?", [(block,) for block in ids])
    _insert(connection, records)


def _tier(records: int) -> int:
    """0 for up to 63 records, then one more for every factor of eight."""
    return max(0, (min(records, _LARGEST).bit_length() - 4) // 3)


def _ranges(
    connection: sqlite3.Connection, token: bytes, low: bytes, high: bytes
) -> list[tuple[_Block, int, int]]:
    """Per block, the record numbers [start, end) of a token's positions in [low, high)."""
    found = []
    rows = connection.execute(
        "SELECT id, records, low, high FROM block WHERE high >= ? AND low < ?", (low, high)
    )
    for block in (_Block(*row) for row in rows.fetchall()):
        with connection.blobopen("block", "data", block.id, readonly=True) as blob:
            start = _bisect(blob, block.records, token + low)
            end = _bisect(blob, block.records, token + high, start)
        if end > start:
            found.append((block, start, end))
    return found


def _bisect(blob: sqlite3.Blob, records: int, wanted: bytes, start: int = 0) -> int:
    """The first record number from ``start`` whose record is not below ``wanted``."""
    end = records
    while start < end:
        middle = (start + end) // 2
        if _read(blob, middle * _RECORD_BYTES, _RECORD_BYTES) < wanted:
            start = middle + 1
        else:
            end = middle
    return start


def _read(blob: sqlite3.Blob, at: int, size: int) -> bytes:
    try:
        blob.seek(at)
    except ValueError as error:
        raise sqlite3.DatabaseError("a block is shorter than its row says") from error
    return blob.read(size)


def _walk(
    connection: sqlite3.Connection, block: _Block, start: int, end: int, *, newest: bool
) -> Iterator[bytes]:
    """Positions of the records [start, end), chunk by chunk, from the end when ``newest``."""
    while start < end:
        low = max(start, end - _CHUNK) if newest else start
        high = end if newest else min(end, start + _CHUNK)
        with connection.blobopen("block", "data", block.id, readonly=True) as blob:
            data = _read(blob, low * _RECORD_BYTES, (high - low) * _RECORD_BYTES)
        found = [data[i + _TOKEN_BYTES : i + _RECORD_BYTES] for i in range(0, len(data), _RECORD_BYTES)]
        yield from reversed(found) if newest else found
        start, end = (start, low) if newest else (high, end)


def _padded(position: bytes) -> bytes:
    """numpy drops zero bytes at the end."""
    return position.ljust(POSITION_BYTES, b"\0")
