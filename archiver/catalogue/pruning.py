"""What leaves the hot tail once a segment is indexed. Within the caller's transaction.

A batch's row stays while something still needs it: it is the last of a writer that neither closed nor
stands in a later writer's ``heads``. Its entries go all the same. Its commit is on record from now on, in the
segment's evidence, even where another record of it came while the segment was being made.
"""

from __future__ import annotations

import sqlite3

import numpy as np
import orjson

from vanvault.archiver.catalogue.hot_tail.token_blocks import POSITION_BYTES, RECORD_BYTES, TOKEN_BYTES


def drop_covered(connection: sqlite3.Connection, segment: int) -> int:
    """Drop the entries of all batches that the segment covers; how many there were."""
    batches = [
        n
        for (n,) in connection.execute(
            "SELECT b.n FROM batch b JOIN cover c ON b.writer = c.writer"
            " AND b.sequence BETWEEN c.first AND c.last WHERE c.segment = ?",
            (segment,),
        )
    ]
    positions = []
    for n in batches:
        positions += [p for (p,) in connection.execute("SELECT position FROM entry WHERE batch = ?", (n,))]
    if positions:
        _drop_positions(connection, positions)
    _drop_batches(connection, set(batches))
    return len(positions)


def _drop_positions(connection: sqlite3.Connection, positions: list[bytes]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS gone(position BLOB PRIMARY KEY) WITHOUT ROWID")
    connection.execute("DELETE FROM gone")
    connection.executemany("INSERT OR IGNORE INTO gone VALUES(?)", [(p,) for p in positions])
    for table in ("entry", "claim", "duplicate"):
        connection.execute(f"DELETE FROM {table} WHERE position IN (SELECT position FROM gone)")
    connection.execute("DELETE FROM gone")
    _drop_records(connection, np.array(positions, dtype=f"S{POSITION_BYTES}"))


def _drop_records(connection: sqlite3.Connection, gone: np.ndarray) -> None:
    """Token records of these positions, block by block."""
    low, high = min(gone.tolist()), max(gone.tolist())
    spans = connection.execute(
        "SELECT id FROM block WHERE high >= ? AND low <= ?", (_padded(low), _padded(high))
    ).fetchall()
    for (block,) in spans:
        (data,) = connection.execute("SELECT data FROM block WHERE id = ?", (block,)).fetchone()
        records = np.frombuffer(
            data, dtype=[("token", f"S{TOKEN_BYTES}"), ("position", f"S{POSITION_BYTES}")]
        )
        kept = records[~np.isin(records["position"], gone)]
        if not len(kept):
            connection.execute("DELETE FROM block WHERE id = ?", (block,))
        elif len(kept) < len(records):
            left = kept.tobytes()
            spans_left = [left[i + TOKEN_BYTES : i + RECORD_BYTES] for i in range(0, len(left), RECORD_BYTES)]
            connection.execute(
                "UPDATE block SET data = ?, records = ?, low = ?, high = ? WHERE id = ?",
                (left, len(kept), min(spans_left), max(spans_left), block),
            )


def _padded(position: bytes) -> bytes:
    """numpy drops zero bytes at the end."""
    return position.ljust(POSITION_BYTES, b"\0")


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
