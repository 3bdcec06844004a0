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
    chunk(id, batch, first, low, high, times, sealed)
                                            one row for some messages or events of a batch (``chunks.py``)
    run(id, kind, tier, records, low, high, first), page(id, data)
                                            (field, value) -> entries, in time order, and
                                            (gateway, id) -> entries (``runs.py``)
    unclaimed(position)                     entries that are not the first with their id (``claims.py``)
    duplicate(position)                     entries that repeat an earlier one: not shown
    conflict(position, first)               entries that repeat an id with other bytes: shown
    segment(n, key, manifest, ...)          one row for each proved segment. indexed: the key index holds it;
                                            standing: does it count, and is it read (``catalogue.py``)
    replaces(id, segment)                   ids of the segments in whose place a residue segment stands
    cover(writer, first, last, segment)     which batches each segment holds
    lost(writer, first, last, key, reason, from_us, until_us)
                                            batches that must exist and are not folded (``lost.py``)
    wrong_clock(writer, at_us, from_us, until_us)
                                            writers whose clock was ahead, as accepted (``wrong_clocks.py``)

A position is 12 bytes: time of receipt in microseconds (8), then 4 that depend on the writer. Positions sort
by time and are unique.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import quote

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.catalogue.hot_tail import refolding
from vanvault.archiver.catalogue.hot_tail.connection import TailConnection, busy, is_of_the_file
from vanvault.archiver.catalogue.hot_tail.generations import Generations, TailName
from vanvault.archiver.catalogue.hot_tail.soundness import FileUse
from vanvault.archiver.core.errors import CacheLost, MachineLimit, VanVaultError
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.machine import machine_limit, raise_limit
from vanvault.archiver.core.search_form import search_form

_log = logging.getLogger("vanvault.cache")  # on stderr also where a verb runs

_LOCK_S = 30.0  # longest wait for another one that writes
_FILES = 4  # that one connection may have open: database, log, its index, a journal
_ROOM = 64 * 1024  # bytes that a connection needs at least
#: What the secrets are derived for.
SEALING_INFO = b"vanvault-hot-tail-v1"
_TOKENS_INFO = b"vanvault-hot-tail-tokens-v1"
_CURSORS_INFO = b"vanvault-cursors-v1"
_LEFT = -1  # the epoch of whoever has no connection to the file in use
_ATTEMPTS = 4  # files that are tried before the disk is at fault
#: Bytes of a page of a new file: a page of a run (``runs.py``) lies in one.
PAGE_BYTES = 8192
_PRAGMAS = (
    f"page_size={PAGE_BYTES}",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "cache_size=-8192",  # of each thread; the machine's own cache holds the rest
    # What is removed is sealed as the rest is: overwriting it would write each page twice.
    "secure_delete=OFF",
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
)
#: Numbers of rows begin anywhere, and none is given twice: one that was read in an earlier file, or before
#: its row left, leads to nothing here.
_FIRST_NUMBER = "INSERT INTO sqlite_sequence(name, seq) VALUES(?, abs(random() % 1099511627776))"
_SCHEMA_VERSION = "8"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch(
    n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
    writer TEXT NOT NULL, sequence INTEGER NOT NULL,
    kind TEXT NOT NULL, rows INTEGER NOT NULL, final INTEGER NOT NULL, created_us INTEGER NOT NULL,
    retain_until TEXT NOT NULL, placements TEXT NOT NULL, large TEXT NOT NULL, heads TEXT NOT NULL,
    commit_record TEXT, recorded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS batch_unrecorded ON batch(n) WHERE recorded = 0;
CREATE TABLE IF NOT EXISTS early_commit(key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS batch_writer ON batch(writer, sequence);
CREATE INDEX IF NOT EXISTS batch_time ON batch(final, created_us);
CREATE TABLE IF NOT EXISTS chunk(
    id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, first INTEGER NOT NULL,
    low BLOB NOT NULL, high BLOB NOT NULL, times BLOB NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunk_batch ON chunk(batch, first);
CREATE INDEX IF NOT EXISTS chunk_time ON chunk(high, low);
CREATE TABLE IF NOT EXISTS unclaimed(position BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS duplicate(position BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS conflict(position BLOB PRIMARY KEY, first BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segment(
    n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
    manifest BLOB NOT NULL, first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL, rows INTEGER NOT NULL, indexed INTEGER NOT NULL, residue INTEGER NOT NULL,
    standing INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS segment_end ON segment(last_us);
CREATE TABLE IF NOT EXISTS replaces(id TEXT NOT NULL, segment INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS replaces_id ON replaces(id);
CREATE INDEX IF NOT EXISTS replaces_segment ON replaces(segment);
CREATE TABLE IF NOT EXISTS cover(
    writer TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, segment INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS cover_writer ON cover(writer, first, last, segment);
CREATE INDEX IF NOT EXISTS cover_segment ON cover(segment);
CREATE TABLE IF NOT EXISTS wrong_clock(
    writer TEXT PRIMARY KEY, at_us INTEGER NOT NULL, from_us INTEGER NOT NULL, until_us INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lost(
    writer TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, key TEXT NOT NULL,
    reason TEXT NOT NULL, from_us INTEGER NOT NULL, until_us INTEGER NOT NULL, PRIMARY KEY (writer, first))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS degraded(key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run(
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, tier INTEGER NOT NULL,
    records INTEGER NOT NULL, low BLOB NOT NULL, high BLOB NOT NULL, first INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS page(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""


_ALL_NAMES = frozenset(re.findall(r"(?:TABLE|INDEX) IF NOT EXISTS (\w+)", _SCHEMA))  # of tables and indexes


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
        hasher = self.hasher(field)
        hasher.update(search_form(field, value).encode())
        return hasher.digest()

    def hasher(self, field: str) -> hashlib.blake2b:
        """What makes a token of this field out of a value's search form; to be copied for each."""
        return hashlib.blake2b(f"{field}\0".encode(), key=self.tokens, digest_size=8)

    def claim(self, entry: str, gateway: str, client_id: str) -> bytes:
        """8 bytes that represent the (gateway, id) of a message or an event: nearly, not quite, a proof."""
        hasher = self.claim_hasher(entry, gateway)
        hasher.update(client_id.encode())
        return hasher.digest()

    def claims(self, wanted: Sequence[tuple[str, str, str]]) -> list[bytes]:
        """``claim`` of each of these."""
        copies: dict[tuple[str, str], Callable[[], hashlib.blake2b]] = {}
        tokens = []
        for entry, gateway, client_id in wanted:
            copy = copies.get((entry, gateway))
            if copy is None:
                copy = copies[entry, gateway] = self.claim_hasher(entry, gateway).copy
            hasher = copy()
            hasher.update(client_id.encode())
            tokens.append(hasher.digest())
        return tokens

    def claim_hasher(self, entry: str, gateway: str) -> hashlib.blake2b:
        """What makes the token of a claim out of an id; to be copied for each."""
        begin = f"{entry}\0{gateway}\0".encode()
        return hashlib.blake2b(begin, key=self.tokens, digest_size=8, person=b"claim")


class TailFile:
    """One SQLite file; safe to use from many threads, each with a connection of its own.

    Where it turns out to be damaged, at whatever moment, it is left as it is and another one is begun
    (``generations.py``): whoever met the damage gets CacheLost, and everybody goes on with the new file.
    """

    def __init__(self, path: Path, facts: Mapping[str, str]) -> None:
        """Open the newest file; where it is broken, or states other ``facts``, another is made.

        Raises MachineLimit, Busy (another process locks it for long), sqlite3.Error (the disk fails).
        """
        self._facts = {"schema": _SCHEMA_VERSION, **facts}
        self._files = Generations(path)
        self._local = threading.local()
        self._connections: list[TailConnection] = []
        self._lock = threading.RLock()
        self._epoch = 0  # grows when this process goes on with another file
        self._joined = ""
        self._name = self._files.newest() or self._files.make(-1)
        self._identity = self._name.identity()
        self._use = FileUse(self._name.path)
        try:
            usable = self._prepare()
        except sqlite3.Error as error:
            self._raise_unless_another_helps(error)
            usable = False
        if not usable:
            self._go_on(TailName(self._name.path, self._name.number), again=False)

    def ensure_sound(self, *, looked_at: bool = False) -> bool:
        """Look at every page; a file with a broken one is made anew, empty. False when it was.

        ``looked_at``: that it was looked at before is enough, if nothing but SQLite can have harmed it since
        (``soundness.py``).
        """
        epoch, use = self._epoch, self._use
        try:
            connection = self.connection()
            if looked_at and use.is_checked and self._fits(connection):
                return True
            if connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",) and self._fits(connection):
                if self._name.identity() == self._identity:
                    use.checked()
                return True
        except CacheLost:
            return False
        self._lose(epoch, "a page of it is damaged, or a table is missing")
        return False

    def look(self) -> None:
        """Go on with another file where this one was removed or another process made it anew."""
        epoch, name = self._epoch, self._name
        if not name.shared:
            return
        newest = self._files.newest()
        if name.identity() != self._identity:
            self._lose(epoch, "the file was removed or replaced")
        elif newest is not None and newest.number > name.number:
            self._lose(epoch, "another process found it damaged")

    @property
    def joined(self) -> str:
        """A mark while this process has not folded into a file that another one made; "" else."""
        return self._joined

    def folded(self, mark: str) -> None:
        """A fold that began under this mark is complete."""
        with self._lock:
            if mark == self._joined:
                self._joined = ""

    def lost(self, cause: Exception) -> Exception:
        """What to raise for content that cannot be: the file is left, and the error says that it was."""
        return self.judged(sqlite3.DatabaseError(f"a row is damaged: {type(cause).__name__}"))

    def judged(self, error: sqlite3.Error) -> Exception:
        """What to raise in place of an error of SQLite that did not come by a cursor."""
        held: tuple[int, TailConnection] | None = getattr(self._local, "held", None)
        return self._judge(held[0] if held is not None else _LEFT, error)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            same = self._name.identity() == self._identity
            for connection in self._leave():
                connection.close()
            if same:
                self._use.end()
            else:
                self._use.lost()
            self._files.close()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode. Raises MachineLimit, CacheLost, sqlite3.Error."""
        held: tuple[int, TailConnection] | None = getattr(self._local, "held", None)
        if held is not None and held[0] == self._epoch:
            return held[1]
        with self._lock:
            epoch = self._epoch
            try:
                if self._name.identity() != self._identity:
                    raise sqlite3.DatabaseError("the file was removed or replaced")
                found = self._open()
            except sqlite3.Error as error:
                raise self._judge(epoch, error) from error
            found.judge = partial(_judged_by, weakref.ref(self), epoch)
            self._local.held = (epoch, found)
            self._connections.append(found)
            return found

    @contextmanager
    def waiting_at_most(self, seconds: float) -> Iterator[None]:
        """Within this block this thread waits so long for a lock, instead of ``_LOCK_S``."""
        connection = self.connection()
        connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(_LOCK_S * 1000)}")

    def _open(self) -> TailConnection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._name.path.absolute()))}?mode=rw",  # it is made by ``Generations`` only
            uri=True,
            timeout=_LOCK_S,
            isolation_level=None,
            check_same_thread=False,
            factory=TailConnection,
        )
        try:
            # The file can be rebuilt, so a power cut may cost its last moments, never its integrity.
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _judge(self, epoch: int, error: sqlite3.Error) -> Exception:
        """What to raise for an error of a connection to the file of this epoch."""
        waits = busy(error)
        if waits is not None:
            return waits
        try:
            self._raise_if_not_the_file(error)
            self._lose(epoch, str(error))
        except (VanVaultError, sqlite3.Error, OSError) as other:
            return other
        return CacheLost(
            "the hot tail of this node was damaged and is being made anew",
            retry_after=2,
            hint="Send it again.",
        )

    def _raise_unless_another_helps(self, error: sqlite3.Error) -> None:
        """Of an error at opening: another file helps also where the disk of the cache is full."""
        try:
            self._raise_if_not_the_file(error)
        except (MachineLimit, sqlite3.Error) as refusal:
            limit = machine_limit(refusal)
            if limit is None or limit.resource != "disk" or not self._files.do_without(limit.message):
                raise

    def _raise_if_not_the_file(self, error: sqlite3.Error) -> None:
        waits = busy(error)
        if waits is not None:
            raise waits from error
        if isinstance(error, sqlite3.OperationalError):
            self._raise_if_machine_is_full()
        if not is_of_the_file(error):
            raise error

    def _raise_if_machine_is_full(self) -> None:
        """SQLite does not say why it cannot use a file. Raises MachineLimit if no other can be used."""
        folder = self._files.folder
        with ExitStack() as opened:
            try:
                for _ in range(_FILES):
                    opened.callback(os.close, os.open(folder, os.O_RDONLY | os.O_CLOEXEC))
                with tempfile.TemporaryFile(dir=folder) as file:
                    file.write(bytes(_ROOM))
            except OSError as error:
                raise_limit(error)

    def _lose(self, epoch: int, why: str) -> None:
        """Go on with another file, unless another thread did since this epoch. Raises as ``make`` does."""
        with self._lock:
            if epoch != self._epoch:
                return
            _log.warning("warning: the hot tail %s is made anew: %s", self._name.path.name, why)
            self._go_on(self._name, again=True)

    def _go_on(self, left: TailName, *, again: bool) -> None:
        """Leave a file for a newer one that another process made, else for a new one.

        ``again``: entries may be in the file that is left and not in the other, so nobody can say that an id
        is new until a fold is complete. In a file that another process made, this process alone must not:
        the other one knows what it folded there, and where it does not yet, the file says so.
        """
        gone = left.identity() != self._identity
        self._leave()
        self._use.lost()
        self._epoch += 1
        newest = self._files.newest() if left.shared else None
        # Where all were removed, another process begins with the first number again.
        fresh = newest if newest is not None and (gone or newest.number > left.number) else None
        for _ in range(_ATTEMPTS):
            self._name = fresh or self._files.make(left.number)
            self._identity = self._name.identity()
            self._use = FileUse(self._name.path)
            self._joined = str(self._epoch) if again and fresh is not None else ""
            try:
                usable = self._prepare(again=again and fresh is None)
            except sqlite3.Error as error:
                self._raise_unless_another_helps(error)
                usable = False
            if usable:
                self._files.remove_older(self._name.number)
                return
            self._use.lost()
            left, fresh = self._name, None
        raise sqlite3.OperationalError(f"no file for the hot tail can be used in {self._files.folder}")

    def _leave(self) -> list[TailConnection]:
        """Let go of all connections; those that may be closed. A thread that uses one keeps it meanwhile.

        Where the name leads to another file by now, they stay open: closing one, SQLite would remove that
        file's log.
        """
        left, self._connections, self._local = self._connections, [], threading.local()
        found = self._name.identity()
        if found is None or found == self._identity:
            return left
        _NEVER_CLOSED.extend(left)
        return []

    def _prepare(self, *, again: bool = False) -> bool:
        """Make the tables of an empty file; false when the file states other facts."""
        with self._files.alone(), closing(self._open()) as connection:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if not tables or again:
                connection.execute("BEGIN IMMEDIATE")
                if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    self._make_tables(connection)
                if again:
                    refolding.begin(connection)
                connection.execute("COMMIT")
            return self._fits(connection)

    def _fits(self, connection: sqlite3.Connection) -> bool:
        """Has the file every table, and the facts of this archive, key and version?"""
        if not {name for (name,) in connection.execute("SELECT name FROM sqlite_master")} >= _ALL_NAMES:
            return False
        stored: dict[str, str] = dict(connection.execute("SELECT name, value FROM fact"))
        return all(stored.get(name) == value for name, value in self._facts.items())

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        for table in ("batch", "segment", "run"):
            connection.execute(_FIRST_NUMBER, (table,))
        connection.executemany("INSERT INTO fact VALUES(?, ?)", self._facts.items())


#: Connections of this process that must not be closed: see ``TailFile``.
_NEVER_CLOSED: list[sqlite3.Connection] = []


def _judged_by(file: weakref.ref[TailFile], epoch: int, error: sqlite3.Error) -> Exception:
    """What to raise for an error of a connection.

    A connection does not hold its file: with a circle of references it would stay open until Python's next
    large collection of garbage.
    """
    held = file()
    return error if held is None else held._judge(epoch, error)
