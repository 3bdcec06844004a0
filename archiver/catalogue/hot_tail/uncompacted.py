"""What no segment covers, counted and looked for without reading it."""

from __future__ import annotations

import sqlite3

#: Of a row of the table ``batch AS b``.
LOOSE = (
    "NOT EXISTS (SELECT 1 FROM cover c WHERE c.writer = b.writer AND b.sequence BETWEEN c.first AND c.last)"
)
_COUNT = f"SELECT count(*) FROM batch AS b WHERE {LOOSE}"
#: By the index of times, which begins with ``final``.
_BEFORE = f"SELECT 1 FROM batch AS b WHERE final IN (0, 1) AND created_us < ? AND {LOOSE} LIMIT 1"


def count(connection: sqlite3.Connection) -> int:
    """How many folded batches."""
    return int(connection.execute(_COUNT).fetchone()[0])


def is_any_before(connection: sqlite3.Connection, us: int) -> bool:
    """Is there a folded batch from before this time?"""
    return connection.execute(_BEFORE, (us,)).fetchone() is not None
