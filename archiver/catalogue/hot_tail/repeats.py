"""Entries of the hot tail that repeat a compacted one of which this node never folded the batch.

A fold compares each new entry with what is compacted. It is the other way round where a node was away,
folded a later entry with the same id, and hears of the first one only with its segment: then the hot tail is
compared once more. Nothing is to be done for segments of which every batch was folded here, as a running
node's are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from vanvault.archiver.catalogue.hot_tail.folded import Claim, position_of
from vanvault.archiver.catalogue.hot_tail.tail import HotTail
from vanvault.archiver.core.model import Entry

#: Which of these entries, by place, repeat a compacted one, and the claim of that.
Repeated = Callable[[Sequence[Entry]], Mapping[int, Claim]]


def look_for(connection: sqlite3.Connection, segment: int) -> None:
    """Note, within the caller's transaction, that such entries may be there since this segment is indexed."""
    if connection.execute("SELECT 1 FROM claim LIMIT 1").fetchone() is not None:
        connection.execute("INSERT OR REPLACE INTO fact VALUES('recheck', ?)", (str(segment),))


def recheck(tail: HotTail, repeated: Repeated) -> None:
    """Find them, if there may be any; killed in between it begins again. Raises as ``repeated`` does."""
    connection = tail.connection()
    due = connection.execute("SELECT value FROM fact WHERE name = 'recheck'").fetchone()
    if due is None:
        return
    for n, writer in connection.execute("SELECT n, writer FROM batch ORDER BY n").fetchall():
        entries = tail.entries(n)
        firsts = repeated(entries)
        tail.repeat(
            (entries[place], position_of(entries[place], writer), first) for place, first in firsts.items()
        )
    # Another segment may have come meanwhile: then it is looked for once more.
    connection.execute("DELETE FROM fact WHERE name = 'recheck' AND value = ?", due)
