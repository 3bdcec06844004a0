"""What the hot tail knows of commits: which record of a batch is valid, and what a site lacks.

A batch may have several commit records: the first, and, where that was degraded, one for each time that
more copies were confirmed. The one with the most copies is valid; of two with equally many (two nodes made
them at once), the one whose JSON sorts first. So every node comes to the same answer, in any fold order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from vanvault.archiver.core.evidence import is_degraded
from vanvault.archiver.core.format.batches import (
    decode_commit,
    encode_commit,
)
from vanvault.archiver.core.model import Commit, Placement


def know(connection: sqlite3.Connection, commit: Commit) -> None:
    """A commit record of a batch was made or read."""
    row = connection.execute("SELECT commit_record, large FROM batch WHERE key = ?", (commit.key,)).fetchone()
    # A record's placements win over those read back later, for instance after a restore.
    if row is None or (row[0] is not None and not _replaces(commit, row[0])):
        return
    placements = dump_placements(commit.placements)
    connection.execute(
        "UPDATE batch SET commit_record = ?, placements = ?, recorded = 0 WHERE key = ?",
        (dump_commit(commit), placements, commit.key),
    )
    mark(connection, commit.key, commit.placements, load_placements(row[1]))


def record(connection: sqlite3.Connection, commit: Commit) -> None:
    """A header of the archive holds this commit record."""
    know(connection, commit)
    text = dump_commit(commit)
    connection.execute(
        "UPDATE batch SET recorded = 1 WHERE key = ? AND commit_record = ?", (commit.key, text)
    )
    if connection.execute("SELECT 1 FROM batch WHERE key = ?", (commit.key,)).fetchone() is None:
        # A clock that went back lets a later writer's objects be folded before an earlier one's.
        early = connection.execute("SELECT record FROM early_commit WHERE key = ?", (commit.key,)).fetchone()
        if early is None or _replaces(commit, early[0]):
            connection.execute("INSERT OR REPLACE INTO early_commit VALUES(?, ?)", (commit.key, text))


def take_early(connection: sqlite3.Connection, key: str) -> None:
    """A batch was just folded: the record that came before it is its own."""
    for (text,) in connection.execute(
        "DELETE FROM early_commit WHERE key = ? RETURNING record", (key,)
    ).fetchall():
        record(connection, decode_commit(orjson.loads(text)))


def mark(
    connection: sqlite3.Connection, key: str, placements: Sequence[Placement], large: Sequence[Placement]
) -> None:
    """Note whether a folded batch, or a large object of its rows, is known to lie at every site."""
    if is_degraded(placements, large):
        connection.execute("INSERT OR IGNORE INTO degraded VALUES(?)", (key,))
    else:
        connection.execute("DELETE FROM degraded WHERE key = ?", (key,))


def dump_placements(placements: Sequence[Placement]) -> str:
    return orjson.dumps([placement.as_json() for placement in placements]).decode()


def load_placements(text: str) -> tuple[Placement, ...]:
    return tuple(Placement.from_json(fields) for fields in orjson.loads(text))


def lock_of(text: str, site: str, key: str, version: str) -> str:
    """The date of one placement among those that ``dump_placements`` gave; "" where it is not among them."""
    for one in orjson.loads(text):
        if one["version"] == version and one["site"] == site and one["key"] == key:
            return str(one["retain_until"])
    return ""


def dump_commit(commit: Commit) -> str:
    return orjson.dumps(encode_commit(commit)).decode()


def _replaces(commit: Commit, text: str) -> bool:
    """Does this commit record replace the stored one (it has more placements)?"""
    other = decode_commit(orjson.loads(text))
    if len(commit.placements) != len(other.placements):
        return len(commit.placements) > len(other.placements)
    return dump_commit(commit) < text
