"""The SQLite file of the hot tail: its tables, the secrets that protect it, its connections.

The file can be deleted at any time: a fold over the sites (``fold.py``) fills it again. Values in keys are
keyed tokens and rows are encrypted (``SearchSecrets``), so the file shows no business data.

The tables, each described here and nowhere else::

    fact(name, value)                       archive, key and schema version; how far the fold is; which keys
                                            were trusted
    batch(n, key, ...)                      one row for each folded batch. commit_record: the commit that is
                                            valid for it; recorded: a batch header in the archive holds it
    early_commit(key, record)               commit records of batches that are not folded yet
    degraded(key)                           folded batches that are not known to lie whole at every site
    entry(position, batch, row, sealed)     one row for each message or event
    claim(claim, position, sha256)          (gateway, id) -> its first entry
    block(id, tier, records, low, high, data)
                                            (field, value) -> entries, in time order (``token_blocks.py``)
    duplicate(position)                     entries that repeat an earlier one: not shown
    conflict(position, first)               entries that repeat an id with other bytes: shown
    segment(n, key, manifest, ...)          one row for each proved segment. indexed: the key index holds it;
                                            spare: others hold all its batches (``catalogue.py``)
    cover(writer, first, last, segment)     which batches each segment holds
    wrong_clock(writer, at_us, from_us, until_us)
                                            writers whose clock was ahead, as accepted (``wrong_clocks.py``)

A position is 12 bytes: time of receipt in microseconds (8), then 4 that depend on the writer. Positions sort
by time and are unique.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.search_form import search_form

_CLAIM_BYTES = 16
#: Primary result codes of SQLite for what is no fault of the file's content.
_NOT_THE_FILE = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR}
)
_UNREADABLE = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})  # another file may be
_LOCK_S = 30.0  # longest wait for another one that writes
_FILES = 4  # that one connection may have open: database, log, its index, a journal
_ROOM = 64 * 1024  # bytes that a connection needs at least
#: What the secrets are derived for.
SEALING_INFO = b"vanvault-hot-tail-v1"
_TOKENS_INFO = b"vanvault-hot-tail-tokens-v1"
_CURSORS_INFO = b"vanvault-cursors-v1"
_SCHEMA_VERSION = "4"
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
CREATE TABLE IF NOT EXISTS wrong_clock(
    writer TEXT PRIMARY KEY, at_us INTEGER NOT NULL, from_us INTEGER NOT NULL, until_us INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS degraded(key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS block(
    id INTEGER PRIMARY KEY, tier INTEGER NOT NULL, records INTEGER NOT NULL,
    low BLOB NOT NULL, high BLOB NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS block_tier ON block(tier, id, low, high, records);
"""
#: All tables but that of facts: what a fold fills.
TABLES = (
    "batch",
    "early_commit",
    "degraded",
    "entry",
    "claim",
    "block",
    "duplicate",
    "conflict",
    "segment",
    "cover",
    "wrong_clock",
)


@dataclass(frozen=True, slots=True)
class SearchSecrets:
    """Secrets derived from one version of the index master key.

    Whoever steals a node's disk learns no employer code or insurance number from its hot tail.
    """

    key_id: str
    tokens: bytes = field(repr=False)  # 32
    cursors: bytes = field(repr=False)  # 32
    sealing: AESGCM

    @classmethod
    def of(cls, provider: KeyProvider) -> Self:
        """Secrets under the active index key. Raises KeyUnavailable."""
        key_id = provider.active("index")
        return cls(
            key_id=key_id,
            tokens=provider.derive(key_id, _TOKENS_INFO),
            cursors=provider.derive(key_id, _CURSORS_INFO),
            sealing=AESGCM(provider.derive(key_id, SEALING_INFO)),
        )

    def token(self, field: str, value: str) -> bytes:
        """8 bytes that represent a field's value in this file: keyed BLAKE2b, half the price of HMAC here.

        Values that a search holds to be equal have one token.
        """
        form = search_form(field, value)
        return hashlib.blake2b(f"{field}\0{form}".encode(), key=self.tokens, digest_size=8).digest()

    def claim(self, entry: str, gateway: str, client_id: str) -> bytes:
        """16 bytes that represent the (gateway, id) of a message or an event."""
        text = f"{entry}\0{gateway}\0{client_id}".encode()
        return hashlib.blake2b(text, key=self.tokens, digest_size=_CLAIM_BYTES, person=b"claim").digest()


class TailFile:
    """One SQLite file; safe to use from many threads, each with a connection of its own."""

    def __init__(self, path: Path, facts: Mapping[str, str]) -> None:
        """Open the file; one that is broken, or that states other ``facts``, is made anew.

        Raises MachineLimit; sqlite3.OperationalError: another process locks it for long, or the disk is full.
        """
        self._path = path
        self._facts = {"schema": _SCHEMA_VERSION, **facts}
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            usable = self._prepare()
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0)
            if code & 0xFF in _NOT_THE_FILE and code not in _UNREADABLE:
                self._raise_if_machine_is_full()
                raise
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
        """This thread's connection, in autocommit mode. Raises MachineLimit, sqlite3.Error."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            try:
                found = self._open()
            except sqlite3.OperationalError:
                self._raise_if_machine_is_full()
                raise
            self._local.connection = found
            with self._lock:
                self._connections.append(found)
        return found

    @staticmethod
    def begin(connection: sqlite3.Connection) -> None:
        """Begin a write transaction. Raises Busy: another one lasts too long."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Busy(
                    "the hot tail of this home is being written by another process",
                    retry_after=5,
                    hint="Try again. If this lasts, look which process has the files in cache/ open.",
                ) from error
            raise

    @contextmanager
    def waiting_at_most(self, seconds: float) -> Iterator[None]:
        """Within this block this thread waits so long for a lock, instead of ``_LOCK_S``."""
        connection = self.connection()
        connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(_LOCK_S * 1000)}")

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_LOCK_S, isolation_level=None, check_same_thread=False
        )
        try:
            # The file can be rebuilt, so a power cut may cost its last moments, never its integrity.
            connection.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768;"
                "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
            )
        except BaseException:
            connection.close()
            raise
        return connection

    def _raise_if_machine_is_full(self) -> None:
        """SQLite does not say why it cannot use a file. Raises MachineLimit if no other can be used."""
        folder = self._path.parent
        with ExitStack() as opened:
            try:
                for _ in range(_FILES):
                    opened.callback(os.close, os.open(folder, os.O_RDONLY | os.O_CLOEXEC))
                with tempfile.TemporaryFile(dir=folder) as file:
                    file.write(bytes(_ROOM))
            except OSError as error:
                raise_limit(error)

    def _make_anew(self) -> None:
        self.close()
        for name in (self._path, *self._path.parent.glob(self._path.name + "-*")):
            name.unlink(missing_ok=True)
        self._prepare()

    def _prepare(self) -> bool:
        connection = self.connection()
        connection.executescript(_SCHEMA)
        for name, value in self._facts.items():
            connection.execute("INSERT OR IGNORE INTO fact VALUES(?, ?)", (name, value))
        stored: dict[str, str] = dict(connection.execute("SELECT name, value FROM fact"))
        return all(stored[name] == value for name, value in self._facts.items())
