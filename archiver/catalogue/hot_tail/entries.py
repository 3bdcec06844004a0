"""The entries of the hot tail's file, by position, by batch and in order of time (``chunks.py``)."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.catalogue.hot_tail.chunks import (
    NONCE_BYTES,
    SPAN_US,
    Chunk,
    SealedChunk,
    cut,
    open_chunk,
    seal_chunk,
)
from vanvault.archiver.catalogue.hot_tail.rows import TailRow
from vanvault.archiver.catalogue.hot_tail.runs import POSITION
from vanvault.archiver.core.model import Entry
from vanvault.archiver.core.ports import Entropy

_TIME = 8
#: Chunks that one statement of a scan fetches, and that one reader keeps open.
_FETCHED = 8
_KEPT = 64


class EntryReader:
    """Reads entries with one connection. It keeps the chunks that it opened last."""

    def __init__(self, connection: sqlite3.Connection, key: AESGCM) -> None:
        """``key``: under which chunks are sealed. Whatever reads a damaged one raises DamagedChunk."""
        self._connection = connection
        self._key = key
        self._open: dict[int, Chunk] = {}  # by id

    def at(self, position: bytes) -> TailRow | None:
        """The entry at a position."""
        for chunk in self._open.values():
            row = chunk.row_at(position)
            if row is not None:
                return _row(chunk, row)
        for found in self._select(
            "WHERE c.high >= ? AND c.high <= ? AND c.low <= ?",
            (position, _moved(position, SPAN_US), position),
        ):
            row = found.row_at(position)
            if row is not None:
                return _row(found, row)
        return None

    def of_id(self, writer: str, sequence: int, row: int) -> TailRow | None:
        """The entry in a row of a writer's batch."""
        for chunk in self._select(
            "WHERE b.writer = ? AND b.sequence = ? AND c.first <= ? ORDER BY c.first DESC LIMIT 1",
            (writer, sequence, row),
        ):
            if row in chunk.rows:
                return _row(chunk, row)
        return None

    def of_batch(self, n: int) -> Iterator[TailRow]:
        """All entries of one batch, in order of rows."""
        for chunk in self._select("WHERE c.batch = ? ORDER BY c.first", (n,)):
            yield from (_row(chunk, row) for row in chunk.rows)

    def in_time(self, low: bytes, high: bytes, *, newest: bool) -> Iterator[TailRow]:
        """The entries in [low, high) in order of time. Call it within one transaction."""

        def rank(position: bytes) -> int:
            value = int.from_bytes(position)
            return -value if newest else value

        heap: list[tuple[int, int, int, Chunk]] = []
        for number, chunk in enumerate(self._in_time(low, high, newest=newest)):
            # Nothing that comes stands before this.
            bound = rank(chunk.high) if newest else rank(_moved(chunk.high, -SPAN_US))
            while heap and heap[0][0] < bound:
                _, _, row, held = heapq.heappop(heap)
                yield _row(held, row)
            for row in chunk.rows:
                if low <= (position := chunk.position(row)) < high:
                    heapq.heappush(heap, (rank(position), -number if newest else number, row, chunk))
        while heap:
            _, _, row, held = heapq.heappop(heap)
            yield _row(held, row)

    def _in_time(self, low: bytes, high: bytes, *, newest: bool) -> Iterator[Chunk]:
        """The chunks that may hold entries in [low, high), by their greatest position."""
        bounds = (low, _moved(high, SPAN_US), high)
        way, than = ("DESC", "<") if newest else ("ASC", ">")
        after = ""
        values: tuple[object, ...] = bounds
        while True:
            chunks = list(
                self._select(
                    f"WHERE c.high >= ? AND c.high <= ? AND c.low < ? {after}"
                    f" ORDER BY c.high {way}, c.low {way}, c.id {way} LIMIT {_FETCHED}",
                    values,
                )
            )
            last = next(reversed(self._open), 0)
            yield from chunks
            if len(chunks) < _FETCHED:
                return
            after = f"AND (c.high, c.low, c.id) {than} (?, ?, ?)"
            values = (*bounds, chunks[-1].high, chunks[-1].low, last)

    def _select(self, where: str, values: tuple[object, ...]) -> Iterator[Chunk]:
        for id, n, writer, sequence, *chunk in self._connection.execute(
            f"{_SELECT} {where}", values
        ).fetchall():
            found = open_chunk(n, _id_prefix(writer, sequence), SealedChunk(*chunk), self._key)
            if len(self._open) >= _KEPT:
                self._open.clear()
            self._open.pop(id, None)
            self._open[id] = found
            yield found


def insert_entries(
    connection: sqlite3.Connection,
    n: int,
    batch: tuple[str, int],
    entries: Sequence[Entry],
    positions: Sequence[bytes],
    key: AESGCM,
    entropy: Entropy,
) -> None:
    """Add all entries of a batch, with this number here; ``batch``: its writer and sequence."""
    ranges = list(cut(entries))
    nonces = entropy.token(NONCE_BYTES * max(1, len(ranges)))
    prefix = _id_prefix(*batch)
    rows = []
    for place, (start, end) in enumerate(ranges):
        nonce = nonces[NONCE_BYTES * place : NONCE_BYTES * (place + 1)]
        one = seal_chunk(entries[start:end], positions[start:end], start, prefix, key, nonce)
        rows.append((n, one.first, one.low, one.high, one.times, one.sealed))
    connection.executemany(
        "INSERT INTO chunk(batch, first, low, high, times, sealed) VALUES(?, ?, ?, ?, ?, ?)", rows
    )


def positions_of(connection: sqlite3.Connection, batches: Iterable[int]) -> bytes:
    """The positions of all entries of these batches, one after the other."""
    found: list[bytes] = []
    for n in batches:
        for low, times in connection.execute("SELECT low, times FROM chunk WHERE batch = ?", (n,)):
            here = np.empty(len(times) // _TIME, POSITION)
            here["us"] = np.frombuffer(times, ">u8", count=len(here))
            here["writer"] = int.from_bytes(low[_TIME:])
            found.append(here.tobytes())
    return b"".join(found)


def _row(chunk: Chunk, row: int) -> TailRow:
    return TailRow(chunk.position(row), chunk.item(row), chunk.batch, row)


def _id_prefix(writer: str, sequence: int) -> str:
    return f"{writer}-{sequence}-"


def _moved(position: bytes, us: int) -> bytes:
    """The last position of a time so much later, or the first of one so much earlier."""
    moved = int.from_bytes(position[:_TIME].ljust(_TIME, b"\0")) + us
    if us < 0:
        return max(0, moved).to_bytes(_TIME) + bytes(4)
    return min(moved, 2**64 - 1).to_bytes(_TIME) + b"\xff" * 4


_SELECT = (
    "SELECT c.id, c.batch, b.writer, b.sequence, c.first, c.low, c.high, c.times, c.sealed"
    " FROM chunk c JOIN batch b ON b.n = c.batch"
)
