"""The SQLite file under the hot tail: its tables, its connections, and when it is made anew.

::

    fact(name, value)                      which archive, key and layout it is of; how far it is folded
    batch(n, key, ...)                     one row per folded batch
    entry(position, batch, row, sealed)    one row per message or event
    claim(claim, position, sha256)         (gateway, id) -> its first entry
    block(...)                             (field, value) -> entries, in time order: token_blocks.py
    duplicate(position)                    entries that repeat an earlier one: not shown
    conflict(position, first)              entries that repeat an id with other bytes; they stay
    segment(n, key, ...)                   one row per proved segment: catalogue.py
    cover(writer, first, last, segment)    which batches segments hold
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.catalogue.hot_tail import commits, token_blocks

_SCHEMA_VERSION = "3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch(
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, writer TEXT NOT NULL, sequence INTEGER NOT NULL,
    kind TEXT NOT NULL, rows INTEGER NOT NULL, final INTEGER NOT NULL, created_us INTEGER NOT NULL,
    retain_until TEXT NOT NULL, placements TEXT NOT NULL, large TEXT NOT NULL, heads TEXT NOT NULL,
    commit_record TEXT, recorded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS batch_unrecorded ON batch(n) WHERE recorded = 0;
CREATE TABLE IF NOT EXISTS early_commit(key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS batch_writer ON batch(writer, sequence);
CREATE INDEX IF NOT EXISTS batch_time ON batch(final, created_us);
CREATE TABLE IF NOT EXISTS entry(
    position BLOB PRIMARY KEY, batch INTEGER NOT NULL, row INTEGER NOT NULL, sealed BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_batch ON entry(batch, row);
CREATE TABLE IF NOT EXISTS claim(claim BLOB PRIMARY KEY, position BLOB NOT NULL, sha256 BLOB NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS duplicate(position BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS conflict(position BLOB PRIMARY KEY, first BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segment(
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, manifest BLOB NOT NULL, first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL, rows INTEGER NOT NULL, indexed INTEGER NOT NULL, spare INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS segment_end ON segment(last_us);
CREATE TABLE IF NOT EXISTS cover(
    writer TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, segment INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS cover_writer ON cover(writer, first, last, segment);
CREATE INDEX IF NOT EXISTS cover_segment ON cover(segment);
"""


class TailFile:
    """One SQLite file; safe to use from many threads, each with a connection of its own."""

    def __init__(self, path: Path, facts: Mapping[str, str]) -> None:
        """Open the file; one that is broken, or that states other ``facts``, is made anew."""
        self._path = path
        self._facts = {"schema": _SCHEMA_VERSION, **facts}
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            usable = self._prepare()
        except sqlite3.DatabaseError:
            usable = False
        if not usable:
            self._make_anew()

    def ensure_sound(self) -> bool:
        """Look at every page; a file with a broken one is made anew, empty. False when it was."""
        try:
            sound = bool(self.connection().execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
            sound = sound and self._prepare()  # one that was made anew on a full disk may lack tables
        except sqlite3.OperationalError:
            raise  # locked or out of space: says nothing about the pages
        except sqlite3.DatabaseError:
            sound = False
        if not sound:
            self._make_anew()
        return sound

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            # The file can be rebuilt, so a power cut may cost its last moments, never its integrity.
            found.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768;"
                "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
            )
            self._local.connection = found
            with self._lock:
                self._connections.append(found)
        return found

    def _make_anew(self) -> None:
        self.close()
        for name in (self._path, *self._path.parent.glob(self._path.name + "-*")):
            name.unlink(missing_ok=True)
        self._prepare()

    def _prepare(self) -> bool:
        connection = self.connection()
        connection.executescript(_SCHEMA + commits.SCHEMA + token_blocks.SCHEMA)
        for name, value in self._facts.items():
            connection.execute("INSERT OR IGNORE INTO fact VALUES(?, ?)", (name, value))
        stored: dict[str, str] = dict(connection.execute("SELECT name, value FROM fact"))
        return all(stored[name] == value for name, value in self._facts.items())
