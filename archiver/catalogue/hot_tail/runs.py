"""Sorted runs of records (token, position) in pages of the file: what the hot tail looks things up in.

A fold appends one run for all its entries, sorted by token and then by time, and runs of like size are merged
when there are enough of them (a log-structured merge): a B-tree would touch one page for each of some
twenty tokens of every entry. There are two kinds of runs, which are never mixed: tokens of (field, value),
and tokens of claims (``claims.py``).

A run lies in rows ``first``, ``first + 1``, ... of the table ``page``, each of which fills a page of SQLite::

    leaves      the records in order, 20 bytes each: token (8), position (12)
    next level  the first record of each leaf, 20 bytes each, in as few pages as they need
    ...         and so on, until one page is enough

All pages of a level but its last are full, so the number of records says where everything lies, and a look-up
reads one page of each level. Runs never change; readers hold a snapshot (a read transaction), because a merge
replaces runs. A merge holds some 10 MB, whatever the size of the runs.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vanvault.archiver.catalogue.items import POSITION_BYTES

TOKEN_BYTES = 8
RECORD_BYTES = TOKEN_BYTES + POSITION_BYTES
#: Records of one page: 8,100 bytes and the head of its row lie in one page of the file (``file.PAGE_BYTES``).
PAGE_RECORDS = 405

#: Runs of one tier that are merged into one of the next.
FAN = 8
#: Below so many records a run is of tier 0; each tier takes ``FAN`` times as many.
SMALLEST = 512
#: Runs of this tier (from 262,144 records on) are not merged any more: they hold some hours of a busy day.
_LAST_TIER = 4
#: Records that a merge takes at once, about: all of one token are taken together.
WINDOW = 65_536
#: Pages that one reader keeps.
_KEPT_PAGES = 256

#: Where an entry stands: its time, and the first bytes of its writer's digest.
POSITION = np.dtype([("us", ">u8"), ("writer", ">u4")])
_RECORD = np.dtype([("token", ">u8"), ("us", ">u8"), ("writer", ">u4")])
Records = npt.NDArray[np.void]


class RunKind(IntEnum):
    """What the tokens of a run stand for."""

    VALUES = 0  # of a field
    CLAIMS = 1


@dataclass(frozen=True)
class Run:
    """One run, as its row says."""

    id: int
    records: int
    low: bytes  # smallest and greatest position
    high: bytes
    first: int  # number of its first page

    @cached_property
    def levels(self) -> list[tuple[int, int]]:
        """Number of the first page, and of entries, of each level from the leaves upwards."""
        levels, first, entries = [], self.first, self.records
        while True:
            levels.append((first, entries))
            pages = -(-entries // PAGE_RECORDS)
            if pages <= 1:
                return levels
            first, entries = first + pages, pages


class RunReader:
    """Reads the runs of one kind, within one transaction. It keeps the pages that it read last."""

    def __init__(self, connection: sqlite3.Connection, kind: RunKind) -> None:
        self._connection = connection
        self._pages: dict[int, bytes] = {}
        rows = connection.execute("SELECT id, records, low, high, first FROM run WHERE kind = ?", (kind,))
        self.runs = [Run(*row) for row in rows.fetchall()]

    def overlapping(self, low: bytes, high: bytes) -> list[Run]:
        """The runs that may have positions in [low, high)."""
        return [run for run in self.runs if run.high >= low and run.low < high]

    def range(self, run: Run, token: bytes, low: bytes, high: bytes) -> tuple[int, int]:
        """The record numbers [start, end) of a token's positions in [low, high)."""
        start = self.lower_bound(run, token + low)
        if start == run.records or self.record(run, start)[:TOKEN_BYTES] != token:
            return start, start
        return start, self.lower_bound(run, token + high)

    def lower_bound(self, run: Run, wanted: bytes) -> int:
        """The number of the first record that is not below ``wanted``."""
        levels, page = run.levels, 0
        for level in range(len(levels) - 1, -1, -1):
            data = self._page(run, level, page)
            found = bisect_left(
                range(len(data) // RECORD_BYTES),
                wanted,
                key=lambda n: data[n * RECORD_BYTES : (n + 1) * RECORD_BYTES],
            )
            page = page * PAGE_RECORDS + (max(0, found - 1) if level else found)
        return page

    def record(self, run: Run, number: int) -> bytes:
        """One record."""
        page, at = divmod(number, PAGE_RECORDS)
        return self._page(run, 0, page)[at * RECORD_BYTES : (at + 1) * RECORD_BYTES]

    def read(self, run: Run, start: int, end: int) -> bytes:
        """The records [start, end)."""
        if start >= end:
            return b""
        first, last = start // PAGE_RECORDS, (end - 1) // PAGE_RECORDS
        data = b"".join(self._page(run, 0, page) for page in range(first, last + 1))
        skipped = first * PAGE_RECORDS
        return data[(start - skipped) * RECORD_BYTES : (end - skipped) * RECORD_BYTES]

    def _page(self, run: Run, level: int, number: int) -> bytes:
        first, entries = run.levels[level]
        held = self._pages.get(first + number)
        if held is not None:
            return held
        row = self._connection.execute("SELECT data FROM page WHERE id = ?", (first + number,)).fetchone()
        size = min(PAGE_RECORDS, entries - number * PAGE_RECORDS) * RECORD_BYTES
        if row is None or not isinstance(row[0], bytes) or len(row[0]) != size:
            raise sqlite3.DatabaseError("a page of a run is not as long as its row says")
        if len(self._pages) >= _KEPT_PAGES:
            self._pages.clear()
        self._pages[first + number] = row[0]
        return row[0]


def records_of(tokens: Sequence[bytes], positions: Sequence[bytes], counts: Sequence[int]) -> Records:
    """Records of entries: each position has so many of the tokens, which come in the same order."""
    records = np.empty(len(tokens), _RECORD)
    records["token"] = np.frombuffer(b"".join(tokens), ">u8")
    at = np.frombuffer(b"".join(positions), POSITION)
    repeated = np.repeat(at, counts)
    records["us"], records["writer"] = repeated["us"], repeated["writer"]
    return records


def add(connection: sqlite3.Connection, kind: RunKind, records: Records) -> None:
    """Append one run (within the caller's transaction), and merge what has become too many."""
    if not len(records):
        return
    _write(connection, kind, [_sorted(records)])
    for tier in range(_LAST_TIER):
        rows = connection.execute(
            "SELECT id, records, low, high, first FROM run WHERE kind = ? AND tier = ? ORDER BY id",
            (kind, tier),
        ).fetchall()
        if len(rows) >= FAN:
            runs = [Run(*row) for row in rows]
            _write(connection, kind, _merged(RunReader(connection, kind), runs))
            for run in runs:
                _remove(connection, run)


def drop_positions(connection: sqlite3.Connection, positions: bytes) -> None:
    """Remove every record of these positions (within the caller's transaction), run by run.

    ``positions``: one after the other, at least one.
    """
    gone = _Gone(positions)
    for kind in RunKind:
        reader = RunReader(connection, kind)
        for run in reader.overlapping(gone.low, gone.high + b"\0"):
            kept = [part[~gone.holds(part)] for part in all_records(reader, run)]
            left = sum(map(len, kept))
            if left == run.records:
                continue
            _remove(connection, run)
            if left:
                _write(connection, kind, kept)


class _Gone:
    """Positions to be removed, for comparing many at once."""

    def __init__(self, positions: bytes) -> None:
        at = np.frombuffer(positions, POSITION)
        us, writer = at["us"].astype(np.uint64), at["writer"].astype(np.uint32)
        order = np.lexsort((writer, us))
        self._us, self._writer = us[order], writer[order]
        self.low, self.high = at[order[0]].tobytes(), at[order[-1]].tobytes()
        same = self._us[1:] == self._us[:-1]
        self._most = 1  # writers at one time
        while np.any(same):
            self._most += 1
            same = same[1:] & same[:-1]

    def holds(self, records: Records) -> npt.NDArray[np.bool_]:
        """For each record: is its position one of them?"""
        us, writer = records["us"].astype(np.uint64), records["writer"].astype(np.uint32)
        first, last = np.searchsorted(self._us, us), len(self._us) - 1
        found = np.zeros(len(records), np.bool_)
        for step in range(self._most):
            at = np.minimum(first + step, last)
            found |= (self._us[at] == us) & (self._writer[at] == writer)
        return found


def all_records(reader: RunReader, run: Run) -> Iterator[Records]:
    """All records of a run, some at a time."""
    for start in range(0, run.records, WINDOW):
        yield np.frombuffer(reader.read(run, start, min(run.records, start + WINDOW)), _RECORD)


def _merged(reader: RunReader, runs: Sequence[Run]) -> Iterator[Records]:
    """The records of all runs in order, some at a time: each time all of some range of tokens."""
    largest = max(runs, key=lambda run: run.records)
    step = max(1, largest.records * WINDOW // sum(run.records for run in runs))
    starts = [0] * len(runs)
    for number in range(step, largest.records + step, step):
        last = number >= largest.records
        pivot = b"" if last else reader.record(largest, number)[:TOKEN_BYTES]
        ends = [run.records if last else reader.lower_bound(run, pivot) for run in runs]
        parts = [reader.read(*one) for one in zip(runs, starts, ends, strict=True)]
        starts = ends
        yield _sorted(np.frombuffer(b"".join(parts), _RECORD))


def _sorted(records: Records) -> Records:
    """By token, then by position."""
    tokens = records["token"].astype(np.uint64)
    order = np.argsort(tokens, kind="stable")
    ordered, tokens = records[order], tokens[order]
    us, writer = ordered["us"].astype(np.uint64), ordered["writer"].astype(np.uint32)
    # What comes in order of time, as most does, stays so; only else it is compared once more.
    falls = (us[1:] < us[:-1]) | ((us[1:] == us[:-1]) & (writer[1:] < writer[:-1]))
    if np.any(falls & (tokens[1:] == tokens[:-1])):
        ordered = ordered[np.lexsort((writer, us, tokens))]
    return ordered


def _write(connection: sqlite3.Connection, kind: RunKind, parts: Iterable[Records]) -> None:
    """One run of records that come in order."""
    first = number = 1 + (connection.execute("SELECT max(id) FROM page").fetchone()[0] or 0)
    fences: list[bytes] = []
    lows, highs, total, rest = [], [], 0, b""
    for part in parts:
        if not len(part):
            continue
        low, high = _span(part)
        lows.append(low)
        highs.append(high)
        total += len(part)
        rest += part.tobytes()
        whole = len(rest) - len(rest) % (PAGE_RECORDS * RECORD_BYTES)
        number = _write_pages(connection, number, rest[:whole], fences)
        rest = rest[whole:]
    number = _write_pages(connection, number, rest, fences)
    while len(fences) > 1:
        above, fences = b"".join(fences), []
        number = _write_pages(connection, number, above, fences)
    connection.execute(
        "INSERT INTO run(kind, tier, records, low, high, first) VALUES(?, ?, ?, ?, ?, ?)",
        (kind, _tier(total), total, min(lows), max(highs), first),
    )


def _write_pages(connection: sqlite3.Connection, number: int, data: bytes, fences: list[bytes]) -> int:
    """Cut into pages; the number of the next one. The first record of each goes to ``fences``."""
    size = PAGE_RECORDS * RECORD_BYTES
    pages = [data[start : start + size] for start in range(0, len(data), size)]
    connection.executemany("INSERT INTO page VALUES(?, ?)", enumerate(pages, number))
    fences += (page[:RECORD_BYTES] for page in pages)
    return number + len(pages)


def _span(records: Records) -> tuple[bytes, bytes]:
    """The smallest and the greatest position."""
    us, writer = records["us"].astype(np.uint64), records["writer"]
    low, high = us.min(), us.max()
    return (
        int(low).to_bytes(8) + int(writer[us == low].min()).to_bytes(4),
        int(high).to_bytes(8) + int(writer[us == high].max()).to_bytes(4),
    )


def _remove(connection: sqlite3.Connection, run: Run) -> None:
    first, entries = run.levels[-1]
    end = first + -(-entries // PAGE_RECORDS)
    connection.execute("DELETE FROM page WHERE id >= ? AND id < ?", (run.first, end))
    connection.execute("DELETE FROM run WHERE id = ?", (run.id,))


def _tier(records: int) -> int:
    tier = 0
    while tier < _LAST_TIER and records >= SMALLEST * FAN**tier:
        tier += 1
    return tier
