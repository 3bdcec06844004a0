"""Batches that the archive must hold and that no fold could take: what they hold is not known here.

A writer's batches are numbered 0, 1, 2, ... without a gap, and later objects name earlier ones (their commit
records, and the last batches of writers before). So a batch that was committed leaves a hole when it goes, by
which it is known. Until a fold takes it, or a segment holds its rows, nobody says that the archive does not
hold an entry which may lie in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass
from heapq import merge

from vanvault.archiver.catalogue.hot_tail import folded_to
from vanvault.archiver.core.names import batch_prefix, parse_key, writer_started_at
from vanvault.archiver.core.times import to_us


@dataclass(frozen=True, slots=True)
class LostBatches:
    """Batches of one writer, ``first`` to ``last``, and when their entries were received at most."""

    writer: str
    first: int
    last: int
    key: str  # of the only one, where it is known; else ""
    reason: str  # as in ``Unread``
    from_us: int
    until_us: int

    @property
    def name(self) -> str:
        """Its key, or how the keys of the first begin."""
        return self.key or batch_prefix(self.writer, self.first)


#: Numbers of one writer: (writer, first, last). ``last`` before ``first``: all before ``first`` must exist.
BatchNumbers = tuple[str, int, int]


def holes(taken: Iterable[BatchNumbers]) -> Iterator[BatchNumbers]:
    """What lies between the numbers that are taken, which come in order. Pure."""
    of, held = "", 0
    for writer, first, last in taken:
        if writer != of:
            of, held = writer, 0
        if first > held:
            yield writer, held, first - 1
        held = max(held, first, last + 1)


class LostTable:
    """What is lost, as the last fold found it; safe to use from many threads."""

    def __init__(
        self,
        connection: Callable[[], sqlite3.Connection],
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
    ) -> None:
        """``connection``, ``transaction``: of the hot tail's file."""
        self._connection = connection
        self._transaction = transaction

    def known(self) -> list[LostBatches]:
        """What is lost, without what was folded or compacted since it was noted."""
        return [LostBatches(*row) for row in self._connection().execute(f"{_KNOWN} ORDER BY writer, first")]

    def of(self, writer: str, sequence: int) -> LostBatches | None:
        """What is lost and holds this batch."""
        connection = self._connection()
        if connection.execute(_FOLDED, (writer, sequence)).fetchone():
            return None
        wanted = (writer, sequence, sequence)
        row = connection.execute(f"{_KNOWN} AND writer = ? AND first <= ? AND last >= ?", wanted).fetchone()
        return LostBatches(*row) if row else None

    def find(self, seen: Iterable[BatchNumbers]) -> list[BatchNumbers]:
        """The batches that must exist and are neither folded nor compacted now.

        ``seen``: besides what this file knows, by names at the sites.
        """
        connection = self._connection()
        known = folded_to.taken(connection)
        return list(holes(merge(known, sorted({*seen, *_named(connection)}))))

    def times(self, numbers: BatchNumbers, now_us: int) -> tuple[int, int]:
        """When entries of these batches were received, earliest and latest, by what is beside them.

        The rows of one writer have ascending times, and a batch was made at the time of its last row.
        """
        (writer, first, last), connection = numbers, self._connection()
        before = connection.execute(_BEFORE, (writer, first, writer, first)).fetchone()[0]
        after = connection.execute(_AFTER, (writer, last, writer, last)).fetchone()[0]
        earliest = to_us(writer_started_at(writer)) - _START_US if before is None else int(before)
        return max(0, earliest), max(earliest, now_us) if after is None else int(after)

    def state(self) -> str:
        """Changes whenever a batch was folded or a segment became known: what was found may be outdated."""
        return str(self._connection().execute(_STATE).fetchone()[0])

    def noted_at(self) -> str:
        """The ``state`` of which ``note`` was told last; "" at first."""
        row = self._connection().execute("SELECT value FROM fact WHERE name = 'lost_at'").fetchone()
        return str(row[0]) if row else ""

    def note(self, found: Iterable[LostBatches], state: str) -> None:
        """All that is lost, in place of what was noted before."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM lost")
            connection.executemany(_INSERT, map(astuple, found))
            connection.execute("INSERT OR REPLACE INTO fact VALUES('lost_at', ?)", (state,))

    def add(self, found: Iterable[LostBatches]) -> None:
        """More that is lost."""
        with self._transaction() as connection:
            connection.executemany(_INSERT, map(astuple, found))


def _named(connection: sqlite3.Connection) -> Iterator[BatchNumbers]:
    """Batches that others name."""
    keys = {key for (key,) in connection.execute("SELECT key FROM early_commit")}
    keys.update(folded_to.heads(connection))
    for name in map(parse_key, keys):
        if name is not None and name.family == "batch":
            yield name.writer, name.sequence + 1, name.sequence


#: A message may be older than the writer that takes it over from one that ended.
_START_US = 3_600 * 1_000_000
_INSERT = "INSERT OR REPLACE INTO lost VALUES(?, ?, ?, ?, ?, ?, ?)"
_FOLDED = "SELECT 1 FROM batch WHERE writer = ? AND sequence = ?"
_STATE = (
    "SELECT coalesce((SELECT max(n) FROM batch), 0) || '/' ||"
    " coalesce((SELECT value FROM fact WHERE name = 'catalogue'), '')"
)
_KNOWN = (
    "SELECT writer, first, last, key, reason, from_us, until_us FROM lost l"
    " WHERE NOT (first = last AND EXISTS"
    " (SELECT 1 FROM batch b WHERE b.writer = l.writer AND b.sequence = l.first)) AND NOT EXISTS"
    " (SELECT 1 FROM cover c WHERE c.writer = l.writer AND c.first <= l.first AND c.last >= l.last)"
)
_BEFORE = (
    "SELECT coalesce((SELECT max(created_us) FROM batch WHERE writer = ? AND sequence < ?),"
    " (SELECT max(s.first_us) FROM cover c JOIN segment s ON s.n = c.segment"
    " WHERE c.writer = ? AND c.last < ?))"
)
_AFTER = (
    "SELECT coalesce((SELECT min(created_us) FROM batch WHERE writer = ? AND sequence > ?),"
    " (SELECT min(s.last_us) FROM cover c JOIN segment s ON s.n = c.segment"
    " WHERE c.writer = ? AND c.first > ?))"
)
