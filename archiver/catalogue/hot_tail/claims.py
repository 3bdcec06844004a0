"""Claims of the hot tail: which entry was the first with a (gateway, id).

A claim is a record (token, position) in the runs of their kind (``runs.py``). Most ids that are asked for
are new, so each process keeps a filter of all tokens in memory, some bytes each, and looks into the runs only
where it says "perhaps". The entries themselves are compared then, so a claim is exact.

An entry that is not the first with its id is in the table ``unclaimed``: one record of an id counts at most.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vanvault.archiver.catalogue.hot_tail.entries import EntryReader
from vanvault.archiver.catalogue.hot_tail.rows import Claim
from vanvault.archiver.catalogue.hot_tail.runs import RunKind, RunReader, all_records
from vanvault.archiver.catalogue.hot_tail.token_search import TokenSearch

_LEAST = 1 << 14  # claims that a filter is made for at least
_CLAIMS_A_WORD = 4  # of 64 bits, four of which each claim sets
_PROBES = (0, 6, 12, 18)  # ``may_hold_each`` has them written out
_ALL = b"\xff" * 13  # after every position

_UInt64s = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Filter:
    """What is in the runs of claims as they were at ``state``; bits are only ever added."""

    state: int
    words: _UInt64s
    view: memoryview
    runs: frozenset[int]
    room: int  # how many more claims it is good for


class ClaimFilter:
    """Says which ids are surely new. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: _Filter | None = None

    def may_hold(self, connection: sqlite3.Connection, token: bytes) -> bool:
        """May there be a claim with this token?"""
        return self.may_hold_each(connection, (token,))[0]

    def may_hold_each(self, connection: sqlite3.Connection, tokens: Sequence[bytes]) -> list[bool]:
        """The same of some tokens, by one look at what is committed."""
        held = self._current(connection)
        words, size = held.view, len(held.words)
        found = []
        for value in map(int.from_bytes, tokens):
            mask = (
                1 << (value & 63) | 1 << (value >> 6 & 63) | 1 << (value >> 12 & 63) | 1 << (value >> 18 & 63)
            )
            found.append(words[(value >> 32) * size >> 32] & mask == mask)
        return found

    def may_hold_many(self, connection: sqlite3.Connection, tokens: _UInt64s) -> npt.NDArray[np.bool_]:
        """The same of many tokens."""
        held = self._current(connection)
        places, masks = _bits(tokens, len(held.words))
        return np.asarray(held.words[places] & masks == masks)

    def _current(self, connection: sqlite3.Connection) -> _Filter:
        """The filter of all that is committed. Raises sqlite3.Error."""
        held, state = self._held, _state(connection)
        if held is not None and held.state == state:
            return held
        with self._lock:
            begun = not connection.in_transaction
            if begun:
                connection.execute("BEGIN")
            try:
                self._held = held = _filled(connection, self._held)
            finally:
                if begun:
                    connection.execute("ROLLBACK")
            return held


def _filled(connection: sqlite3.Connection, held: _Filter | None) -> _Filter:
    """A filter of all runs: the one that is there, if it has room for the runs that are new, or another."""
    state = _state(connection)
    reader = RunReader(connection, RunKind.CLAIMS)
    new = [run for run in reader.runs if held is None or run.id not in held.runs]
    added = sum(run.records for run in new)
    if held is None or added > held.room:
        new, added = reader.runs, sum(run.records for run in reader.runs)
        room = max(_LEAST, 2 * added)
        words = np.zeros(room // _CLAIMS_A_WORD, np.uint64)
    else:
        room, words = held.room, held.words
    for run in new:
        for records in all_records(reader, run):
            places, masks = _bits(records["token"].astype(np.uint64), len(words))
            np.bitwise_or.at(words, places, masks)
    return _Filter(state, words, words.data, frozenset(run.id for run in reader.runs), room - added)


def _bits(tokens: _UInt64s, words: int) -> tuple[_UInt64s, _UInt64s]:
    """The word of each token, and the bits that it sets there."""
    places = ((tokens >> np.uint64(32)) * np.uint64(words)) >> np.uint64(32)
    masks = np.zeros(len(tokens), np.uint64)
    for shift in _PROBES:
        masks |= np.uint64(1) << (tokens >> np.uint64(shift) & np.uint64(63))
    return places, masks


def _state(connection: sqlite3.Connection) -> int:
    """Grows with every run that is added."""
    return int(connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'run'").fetchone()[0])


def find_claim(
    connection: sqlite3.Connection, entries: EntryReader, token: bytes, wanted: tuple[str, str, str]
) -> Claim | None:
    """The claim of a (kind of entry, gateway, id), by its token, within one transaction."""
    for position in TokenSearch(connection, RunKind.CLAIMS).positions(token, b"", _ALL, newest=False):
        if connection.execute("SELECT 1 FROM unclaimed WHERE position = ?", (position,)).fetchone():
            continue
        found = entries.at(position)
        if found is None:
            raise sqlite3.DatabaseError("a claim leads to no entry")
        item = found.item
        if (item["entry"], item["gateway"], item[f"{item['entry']}_id"]) == wanted:
            return Claim(position, bytes.fromhex(item["sha256"]))
    return None


def withdraw(connection: sqlite3.Connection, token: bytes, position: bytes) -> None:
    """The entry at a position is not the first with its id."""
    if TokenSearch(connection, RunKind.CLAIMS).has(token, position):
        connection.execute("INSERT OR IGNORE INTO unclaimed VALUES(?)", (position,))


def count_claims(connection: sqlite3.Connection) -> int:
    """How many different ids are here."""
    return int(connection.execute(_COUNT, (RunKind.CLAIMS,)).fetchone()[0])


_COUNT = (
    "SELECT (SELECT coalesce(sum(records), 0) FROM run WHERE kind = ?) - (SELECT count(*) FROM unclaimed)"
)
