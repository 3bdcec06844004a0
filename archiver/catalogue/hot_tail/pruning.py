"""What leaves the hot tail once a segment is indexed. All within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from vanvault.archiver.catalogue.hot_tail import runs
from vanvault.archiver.catalogue.hot_tail.entries import positions_of
from vanvault.archiver.catalogue.items import POSITION_BYTES


def drop_covered(connection: sqlite3.Connection, segments: Sequence[int]) -> None:
    """Drop the entries of all batches that these indexed segments cover.

    Together, because a run of tokens holds entries of many segments and is written anew each time.

    A batch's row stays while something still needs it: it is the last one of a writer that neither closed nor
    is named in a later writer's ``heads``. Its entries go all the same. Its commit is on record from now on,
    in the segment's evidence, even where another record of it came while the segment was being made.
    """
    batches = {
        n
        for segment in segments
        for (n,) in connection.execute(
            "SELECT b.n FROM batch b JOIN cover c ON b.writer = c.writer"
            " AND b.sequence BETWEEN c.first AND c.last WHERE c.segment = ?",
            (segment,),
        )
    }
    positions = positions_of(connection, batches)
    if positions:
        connection.executemany("DELETE FROM chunk WHERE batch = ?", [(n,) for n in batches])
        _drop_positions(connection, positions)
    _drop_batches(connection, batches)


def _drop_positions(connection: sqlite3.Connection, positions: bytes) -> None:
    for table in ("unclaimed", "duplicate"):
        rows = connection.execute(f"SELECT position FROM {table}").fetchall()
        if rows:
            starts = range(0, len(positions), POSITION_BYTES)
            gone = frozenset(positions[start : start + POSITION_BYTES] for start in starts)
            left = [row for row in rows if row[0] in gone]
            connection.executemany(f"DELETE FROM {table} WHERE position = ?", left)
    runs.drop_positions(connection, positions)


def _drop_batches(connection: sqlite3.Connection, covered: set[int]) -> None:
    heads = {
        key
        for (text,) in connection.execute("SELECT heads FROM batch WHERE sequence = 0")
        for key in orjson.loads(text)
    }
    last = {
        n: (key, final)
        for n, key, final in connection.execute(
            "SELECT n, key, final FROM batch AS b WHERE sequence ="
            " (SELECT max(sequence) FROM batch AS o WHERE o.writer = b.writer)"
        )
    }
    for n in covered:
        if n in last and not last[n][1] and last[n][0] not in heads:
            connection.execute("UPDATE batch SET recorded = 1 WHERE n = ?", (n,))
            continue
        connection.execute("DELETE FROM degraded WHERE key = (SELECT key FROM batch WHERE n = ?)", (n,))
        connection.execute("DELETE FROM batch WHERE n = ?", (n,))


def note_recheck(connection: sqlite3.Connection, segment: int) -> None:
    """Note that ``HotTail.recheck`` has work since this segment is indexed.

    Not needed for a segment of which every batch was folded here, as all are on a node that keeps running.
    """
    if connection.execute("SELECT 1 FROM chunk LIMIT 1").fetchone() is not None:
        connection.execute("INSERT OR REPLACE INTO fact VALUES('recheck', ?)", (str(segment),))
