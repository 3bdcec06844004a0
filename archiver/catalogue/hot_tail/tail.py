"""The hot tail: a local fold over the batches that are not yet compacted, in SQLite.

A cache, never a source of truth: delete it and ``fold.py`` fills it again from the sites. It answers three
questions: was this (gateway, id) archived before, what matches this query, and which batches are folded
already. Applying a batch twice changes nothing, so several processes may fold at once.

Its tables: ``file.py``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson

from vanvault.archiver.catalogue.hot_tail import (
    commits,
    folded_to,
    refolding,
    runs,
    uncompacted,
    wrong_clocks,
)
from vanvault.archiver.catalogue.hot_tail.chunks import DamagedChunk
from vanvault.archiver.catalogue.hot_tail.claims import ClaimFilter, count_claims, find_claim, withdraw
from vanvault.archiver.catalogue.hot_tail.entries import EntryReader, insert_entries
from vanvault.archiver.catalogue.hot_tail.entry_tokens import EntryTokens
from vanvault.archiver.catalogue.hot_tail.file import SearchSecrets, TailFile
from vanvault.archiver.catalogue.hot_tail.folded_to import KeyRange
from vanvault.archiver.catalogue.hot_tail.lost import LostTable
from vanvault.archiver.catalogue.hot_tail.rows import (
    Claim,
    FindClaim,
    FindRepeats,
    FoldedBatch,
    KnownBatch,
    LastBatch,
    TailRow,
    position_of,
)
from vanvault.archiver.catalogue.hot_tail.token_search import TokenSearch
from vanvault.archiver.catalogue.hot_tail.wrong_clocks import WrongClock
from vanvault.archiver.catalogue.items import Item, entry_of
from vanvault.archiver.core.errors import InvalidInput, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.format.batches import decode_commit
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.model import BatchHeader, Commit, Entry, Event, Placement
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.core.times import parse_rfc3339


class HotTail:
    """One SQLite file; safe to use from many threads, each with a connection of its own."""

    def __init__(self, path: Path, secrets: SearchSecrets, entropy: Entropy, *, archive: str) -> None:
        """Open the file, or make it anew where it is absent, broken or of another archive or key."""
        self._secrets = secrets
        self._entropy = entropy
        self._archive = archive
        self._file = TailFile(path, {"archive": archive, "key": secrets.key_id})
        self._tokens = EntryTokens(secrets)
        self._claims = ClaimFilter()
        self.lost_batches = LostTable(self.connection, self.transaction)

    @classmethod
    def open(
        cls, path_of: Callable[[str], Path], provider: KeyProvider, entropy: Entropy, *, archive: str
    ) -> Self:
        """The hot tail under the active index key; ``path_of`` gives its file by the id of that key.

        Raises KeyUnavailable.
        """
        secrets = SearchSecrets.of(provider)
        return cls(path_of(secrets.key_id), secrets, entropy, archive=archive)

    @property
    def cursor_key(self) -> bytes:
        """The key (32 bytes) under which cursors of searches are sealed."""
        return self._secrets.cursors

    def close(self) -> None:
        """Close every connection; the object may not be used afterwards."""
        self._file.close()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        return self._file.connection()

    def ensure_sound(self, *, looked_at: bool = False) -> bool:
        """A broken file is made anew, for the next fold to fill: False when it was. Reads all of it, but with
        ``looked_at`` only where something other than SQLite may have harmed it since it was read last."""
        return self._file.ensure_sound(looked_at=looked_at)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection within one read transaction: all reads see the same fold."""
        connection = self.connection()
        connection.execute("BEGIN")
        try:
            with self._judged():
                yield connection
        finally:
            with suppress(sqlite3.Error, VanVaultError):  # of a file that was left
                connection.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection within one write transaction: all of it or nothing.

        Raises Busy: another process writes for too long; CacheLost.
        """
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            with self._judged():
                yield connection
        except BaseException:
            with suppress(sqlite3.Error, VanVaultError):  # of a file that was left
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def lost(self, cause: Exception) -> Exception:
        """What to raise where a row cannot be what was put here: the file is made anew."""
        return self._file.lost(cause)

    @contextmanager
    def _judged(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:  # from a blob; cursors judge by themselves
            raise self._file.judged(error) from error
        except (DamagedChunk, orjson.JSONDecodeError) as error:
            raise self.lost(error) from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, in the transaction that it is in, else in a snapshot."""
        connection = self.connection()
        if connection.in_transaction:
            with self._judged():
                yield connection
        else:
            with self.snapshot() as connection:
                yield connection

    @contextmanager
    def waiting_at_most(self, seconds: float) -> Iterator[None]:
        """Within this block this thread waits so long, and no longer, for another one that writes."""
        with self._file.waiting_at_most(seconds):
            yield

    # -- claims ------------------------------------------------------------------------------

    def claim(self, entry: str, gateway: str, client_id: str) -> Claim | None:
        """The first archived entry ("message" or "event") with this gateway and id, or None.

        Raises SiteUnavailable while nobody can say: the fold begins again, because trust in a key changed or
        the file was damaged.
        """
        connection, wanted = self.connection(), (entry, gateway, client_id)
        token = self._secrets.claim(*wanted)
        with self._judged():
            found = self._claims.may_hold(connection, token)
        claim = self._claim_in(token, wanted) if found else None
        if claim is None and (self._file.joined or refolding.mark(connection)):
            raise SiteUnavailable(
                "the hot tail is being filled again, so nobody can say whether this id was archived before",
                site="hot tail",
                may_be_stored=False,
                hint="Send it again later.",
            )
        return claim

    def surely_lacks(self, wanted: Sequence[tuple[str, str, str]]) -> list[bool]:
        """Of each (kind of entry, gateway, id): does ``claim`` surely find none? By one look for all."""
        connection = self.connection()
        with self._judged():
            found = self._claims.may_hold_each(connection, self._secrets.claims(wanted))
        whole = not self._file.joined and not refolding.mark(connection)
        return [whole and not one for one in found]

    def _claim_in(self, token: bytes, wanted: tuple[str, str, str]) -> Claim | None:
        with self._reading() as connection:
            return find_claim(connection, self._entries(connection), token, wanted)

    def conflicts(self) -> int:
        """How many entries repeat an id with other bytes (two sites written through a partition)."""
        return int(self.connection().execute("SELECT count(*) FROM conflict").fetchone()[0])

    def conflicting(self) -> list[tuple[bytes, bytes]]:
        """Position of every entry that repeats an id with other bytes, and of the first with that id."""
        return self.connection().execute("SELECT position, first FROM conflict ORDER BY position").fetchall()

    # -- entries -----------------------------------------------------------------------------

    def at(self, position: bytes) -> tuple[Item, int, int]:
        """Item, batch number and row at a position. Raises NotFound."""
        with self._judged():
            found = self._entries().at(position)
        if found is None:
            raise NotFound("no such entry in the hot tail")
        return found.item, found.batch, found.row

    def by_id(self, archive_id: str) -> tuple[Item, int, int]:
        """Item, batch number and row of an archive id. Raises NotFound, InvalidInput (not an id)."""
        writer, sequence, row = parse_archive_id(archive_id)
        with self._judged():
            found = self._entries().of_id(writer, sequence, row)
        if found is None:
            raise NotFound(f"the archive holds no entry {archive_id}")
        return found.item, found.batch, found.row

    def entries(self, n: int) -> list[Entry]:
        """All entries of one batch in row order, without bodies."""
        with self._judged():
            return [entry_of(found.item) for found in self._entries().of_batch(n)]

    def scan(
        self, pairs: Sequence[tuple[str, str]], low: bytes, high: bytes, *, newest: bool
    ) -> Iterator[TailRow]:
        """Entries in [low, high) with all these (field, value) pairs, in time order, without duplicates.

        A token is not quite a proof: compare the values. Call it within ``snapshot``, on the same thread.
        """
        tokens = [self._secrets.token(field, value) for field, value in pairs]
        connection = self.connection()
        entries = self._entries(connection)
        if tokens:
            found = TokenSearch(connection).intersection(tokens, low, high, newest=newest)
            rows: Iterator[TailRow] = (row for at in found if (row := entries.at(at)) is not None)
        else:
            rows = entries.in_time(low, high, newest=newest)
        last, some_are_hidden = b"", connection.execute("SELECT 1 FROM duplicate LIMIT 1").fetchone()
        for row in rows:
            hidden = some_are_hidden and connection.execute(_IS_DUPLICATE, (row.position,)).fetchone()
            if not hidden and row.position != last:
                yield row
            last = row.position

    def items_of(self, n: int) -> list[tuple[bytes, Item]]:
        """Position and item of every entry of one batch."""
        with self._judged():
            return [(found.position, found.item) for found in self._entries().of_batch(n)]

    def duplicates(self) -> list[tuple[bytes, Item, int]]:
        """Position, item and batch number of every entry that repeats an earlier one."""
        with self._reading() as connection:
            entries = self._entries(connection)
            hidden = connection.execute("SELECT position FROM duplicate ORDER BY position").fetchall()
            found = [entries.at(position) for (position,) in hidden]
        return [(row.position, row.item, row.batch) for row in found if row is not None]

    def repeats_in(self, key: str, find: FindClaim | None = None) -> dict[str, bytes]:
        """Id of every entry of one batch that repeats another -> position of the valid entry.

        ``find``: looks beyond this file, for what was compacted before. Raises as ``find`` does.
        """
        find = find or self.claim
        with self._reading() as connection:
            entries = self._entries(connection)
            hidden = connection.execute(_DUPLICATES_OF, (key,)).fetchall()
            rows = [entries.at(position) for (position,) in hidden]
            batch = connection.execute("SELECT n FROM batch WHERE key = ?", (key,)).fetchone()
        found = {}
        for row in rows:
            if row is None or row.batch != batch[0]:
                continue
            item = row.item
            client_id = item["event_id"] if item["entry"] == "event" else item["message_id"]
            claim = find(item["entry"], item["gateway"], client_id)
            if claim is not None:
                found[str(item["id"])] = claim.position
        return found

    def _entries(self, connection: sqlite3.Connection | None = None) -> EntryReader:
        return EntryReader(connection or self.connection(), self._secrets.sealing)

    # -- batches -----------------------------------------------------------------------------

    def batch_of(self, key: str) -> KnownBatch:
        """One folded batch by its key. Raises NotFound."""
        row = self.connection().execute(f"{_SELECT_BATCH} WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise NotFound(f"{key} is not in the hot tail")
        return self._known(row)

    def batch(self, n: int) -> KnownBatch:
        """One folded batch by its number. Raises NotFound."""
        row = self.connection().execute(f"{_SELECT_BATCH} WHERE n = ?", (n,)).fetchone()
        if row is None:
            raise NotFound("no such batch in the hot tail")
        return self._known(row)

    def knows(self, keys: Iterable[str]) -> set[str]:
        """Which of these batch keys are folded."""
        connection = self.connection()
        found = set()
        for key in keys:
            if connection.execute("SELECT 1 FROM batch WHERE key = ?", (key,)).fetchone():
                found.add(key)
        return found

    def lock_on_record(self, site: str, key: str, version: str) -> datetime | None:
        """Until when a version of a folded batch is locked, by a commit on record; None: there is none."""
        row = self.connection().execute(_LOCKS, (key,)).fetchone()
        if row is None:
            return None
        until = commits.lock_of(row[0], site, key, version)
        return parse_rfc3339(until) if until else None

    def keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Keys of all folded batches that start with ``prefix`` and are greater than ``after``, in order."""
        while True:
            rows = self.connection().execute(
                "SELECT key FROM batch WHERE key > ? ORDER BY key LIMIT 1000", (max(after, prefix),)
            )
            keys = [str(key) for (key,) in rows]
            yield from (key for key in keys if key.startswith(prefix))
            if not keys or not keys[-1].startswith(prefix):
                return
            after = keys[-1]

    def uncommitted(self) -> list[KnownBatch]:
        """Folded batches whose commit no header holds as far as is known here, oldest first."""
        rows = self.connection().execute(f"{_SELECT_BATCH} WHERE recorded = 0 ORDER BY n")
        return [self._known(row) for row in rows]

    def has_uncompacted(self, before_us: int) -> bool:
        """Is there a folded batch from before this time that no segment covers?"""
        return uncompacted.is_any_before(self.connection(), before_us)

    def count_uncompacted(self) -> int:
        """How many folded batches no segment covers."""
        return uncompacted.count(self.connection())

    def uncompacted(self) -> tuple[list[KnownBatch], set[str]]:
        """Folded batches that no segment covers, oldest first, and the keys of those on record."""
        rows = (
            self.connection()
            .execute(f"{_SELECT_BATCH} AS b WHERE {uncompacted.LOOSE} ORDER BY created_us, key")
            .fetchall()
        )
        recorded = {
            key
            for (key,) in self.connection().execute(
                # What may yet be upgraded is not compacted: its segment would keep the degraded record.
                "SELECT key FROM batch WHERE recorded = 1 AND key NOT IN (SELECT key FROM degraded)"
            )
        }
        return [self._known(row) for row in rows], recorded

    def unrecorded_heads(self) -> list[str]:
        """Key of the last known batch of every writer that neither closed nor is recorded as a head."""
        recorded = set(folded_to.heads(self.connection()))
        return [last.key for last in self.last_batches() if not last.final and last.key not in recorded]

    def degraded(self, limit: int = 1_000, after: str = "") -> list[str]:
        """Keys of folded batches that are not known to lie whole at every site, in order."""
        rows = self.connection().execute(
            "SELECT key FROM degraded WHERE key > ? ORDER BY key LIMIT ?", (after, limit)
        )
        return [key for (key,) in rows]

    def with_entries(self) -> list[tuple[int, str, str, int]]:
        """Number, key, writer and sequence of every batch that has entries here."""
        rows = self.connection().execute(
            "SELECT n, key, writer, sequence FROM batch b"
            " WHERE EXISTS (SELECT 1 FROM chunk c WHERE c.batch = b.n)"
        )
        return rows.fetchall()

    def last_batches(self) -> list[LastBatch]:
        """The newest batch of every writer, by writer: one step of an index for each, not a scan."""
        return [
            LastBatch(str(writer), str(key), bool(final), int(created_us))
            for writer, key, final, created_us in self.connection().execute(wrong_clocks.LAST_BATCHES)
        ]

    def _known(self, row: tuple[Any, ...]) -> KnownBatch:
        try:
            return self._read_batch(row)
        except (ValueError, TypeError, KeyError, InvalidInput) as error:
            raise self.lost(error) from error

    def _read_batch(self, row: tuple[Any, ...]) -> KnownBatch:
        n, key, writer, sequence, kind, rows, final, created_us, retain_until, placements, large, record = row
        header = BatchHeader(
            archive=self._archive,
            writer=writer,
            sequence=sequence,
            kind=kind,
            created_us=created_us,
            retain_until=retain_until,
            rows=rows,
            previous="",
            final=bool(final),
            large=commits.load_placements(large),
        )
        commit = decode_commit(orjson.loads(record)) if record is not None else None
        return KnownBatch(n, key, header, commits.load_placements(placements), commit)

    # -- how far the fold is -----------------------------------------------------------------

    def fold_start(self, now_us: int) -> str:
        """The key after which batches may lie that are not folded, by the node's time: "" for all.

        A writer that closed, or that had been silent for days when a fold was last complete, is not listed
        again, so that a fold costs as much as what is new and not as much as the archive. The keeper, which
        lists everything, sees when one of them wrote again (``list_anew``).
        """
        return wrong_clocks.fold_start(self.connection(), now_us)

    def fold_ranges(self, now_us: int) -> list[KeyRange]:
        """The keys among which batches may lie that are not folded: those after ``fold_start``, without what
        is known to be folded of a writer without a gap. A fold costs as much as what is new.
        """
        start = self.fold_start(now_us)
        return folded_to.ranges_after(self.connection(), start) if start else [("", "")]

    def newest_batch(self) -> int:
        """A number that changes whenever a batch was folded, by whatever process."""
        return int(self.connection().execute("SELECT coalesce(max(n), 0) FROM batch").fetchone()[0])

    def fold_completed(self, now_us: int) -> None:
        """Every batch that lies at the sites is folded, as of now, the node's time."""
        folded_us = str(min(now_us, self.last_received_us()))
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO fact VALUES('folded_us', ?)", (folded_us,))
            folded_to.remember(connection)

    def list_anew(self) -> None:
        """Let the next fold look at every batch: one lies at a site that should be folded and is not."""
        self.connection().execute("DELETE FROM fact WHERE name = 'folded_us'")

    def follow_trust(self, state: Sequence[str], holds: Callable[[str], bool]) -> bool:
        """Let go of what is here and is not believed any more. True: something changed, so fold again.

        ``state``, ``holds``: as ``refolding.change_of`` takes them.
        """
        self._file.look()
        change = refolding.change_of(self.connection(), state, holds)
        if change.kind != "none":
            with self.transaction() as connection:
                refolding.apply(connection, change)
        return change.kind in ("list", "clear")

    @property
    def is_refolding(self) -> bool:
        """Was the file emptied, or made anew, and is not filled again yet?"""
        return bool(self.refolding_mark())

    def refolding_mark(self) -> str:
        """What ``refolded`` takes once the fold that begins now is complete."""
        in_file = refolding.mark(self.connection())
        joined = self._file.joined
        return f"{joined}/{in_file}" if joined or in_file else ""

    def refolded(self, mark: str) -> None:
        """A fold that began under this mark is complete: ids that are not here were not archived."""
        joined, _, in_file = mark.partition("/")
        refolding.end(self.connection(), in_file)
        self._file.folded(joined)

    def counts(self) -> dict[str, int]:
        """Batches, entries, and conflicts, for status."""
        connection = self.connection()
        return {
            "batches": connection.execute("SELECT count(*) FROM batch").fetchone()[0],
            "entries": count_claims(connection),
            "conflicts": self.conflicts(),
        }

    def last_received_us(self) -> int:
        """How far the archive is: the latest time of receipt in the fold, 0 when it is empty.

        Times that a clock ahead gave, and that were accepted, count as the moment of that.
        """
        return wrong_clocks.last_us(self.connection())

    def ahead_of(self, at_us: int) -> list[WrongClock]:
        """Writers with times after ``at_us`` that no acceptance speaks of, as one made then names them."""
        return wrong_clocks.ahead(self.connection(), at_us)

    def wrong_clocks(self) -> dict[str, WrongClock]:
        """What was accepted of clocks that were ahead, by writer."""
        return wrong_clocks.known(self.connection())

    def learn_wrong_clocks(self, found: Iterable[WrongClock]) -> bool:
        """Note acceptances on record. True: something is new, so the next fold looks at every batch."""
        found = list(found)
        if not found:
            return False
        with self.transaction() as connection:
            return wrong_clocks.learn(connection, found)

    # -- folding -----------------------------------------------------------------------------

    def apply(self, batches: Sequence[FoldedBatch]) -> int:
        """Fold committed batches in; how many were new. All or none of them. Raises Busy."""
        if not batches:
            return 0
        with self.transaction() as connection:
            new = [
                (batch, positions)
                for batch in batches
                if (positions := self._apply(connection, batch)) is not None
            ]
            self._look_up_later(connection, new)
        return len(new)

    def learn(self, commit: Commit) -> None:
        """A commit record that this node made, for instance of copies that came later."""
        with self.transaction() as connection:
            commits.know(connection, commit)

    def repeat(self, found: Iterable[tuple[Entry, bytes, Claim]]) -> None:
        """Record entries (with positions) that repeat a compacted entry; its claim is the valid one."""
        found = list(found)
        if not found:
            return
        with self.transaction() as connection:
            for entry, position, first in found:
                withdraw(connection, self._tokens.claim(entry), position)
                self._repeats(connection, entry, position, first)

    def learn_conflicts(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Record entries that repeat an id with other bytes: (position, position of the valid entry)."""
        with self.transaction() as connection:
            connection.executemany(_CONFLICT, ((*pair, *pair) for pair in pairs))

    def correct(self, key: str, placements: Sequence[Placement]) -> None:
        """Record where a batch without a commit record lies, by the answers of its sites."""
        self.connection().execute(
            "UPDATE batch SET placements = ? WHERE key = ? AND commit_record IS NULL",
            (commits.dump_placements(placements), key),
        )

    def recheck(self, find_repeats: FindRepeats) -> None:
        """Find entries here that repeat a compacted entry whose batch this node never folded.

        A fold compares each new entry with what is compacted. It is the other way round where a node was
        away, folded a later entry with the same id, and learns of the first one only with its segment: then
        all entries are compared once more (``pruning.note_recheck`` says when). Killed in between it begins
        again. Raises as ``find_repeats`` does.
        """
        connection = self.connection()
        due = connection.execute("SELECT value FROM fact WHERE name = 'recheck'").fetchone()
        if due is None:
            return
        for n, writer in connection.execute("SELECT n, writer FROM batch ORDER BY n").fetchall():
            entries = self.entries(n)
            firsts = find_repeats(entries)
            self.repeat(
                (entries[index], position_of(entries[index], writer), first)
                for index, first in firsts.items()
            )
        # Another segment may have come meanwhile: then it is looked for once more.
        connection.execute("DELETE FROM fact WHERE name = 'recheck' AND value = ?", due)

    def _apply(self, connection: sqlite3.Connection, batch: FoldedBatch) -> list[bytes] | None:
        """The positions of its entries; None: it is folded or compacted already."""
        header = batch.header
        if connection.execute(_COVERED, (header.writer, header.sequence, header.sequence)).fetchone():
            return None  # another process compacted and indexed it while this one was reading it
        record = commits.dump_commit(batch.commit) if batch.commit else None
        cursor = connection.execute(
            "INSERT OR IGNORE INTO batch(key, writer, sequence, kind, rows, final, created_us, retain_until,"
            " placements, large, heads, commit_record) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                batch.key,
                header.writer,
                header.sequence,
                header.kind,
                header.rows,
                header.final,
                header.created_us,
                header.retain_until,
                commits.dump_placements(batch.placements),
                commits.dump_placements(header.large),
                orjson.dumps(header.heads).decode(),
                record,
            ),
        )
        if cursor.rowcount == 0:
            if batch.commit is not None:
                commits.know(connection, batch.commit)
            return None
        commits.mark(connection, batch.key, batch.placements, header.large)
        for commit in header.commits:
            commits.record(connection, commit)
        commits.take_early(connection, batch.key)
        positions = [position_of(entry, header.writer) for entry in batch.entries]
        insert_entries(
            connection,
            int(cursor.lastrowid or 0),
            (header.writer, header.sequence),
            batch.entries,
            positions,
            self._secrets.sealing,
            self._entropy,
        )
        return positions

    def _look_up_later(
        self, connection: sqlite3.Connection, batches: Sequence[tuple[FoldedBatch, list[bytes]]]
    ) -> None:
        """Add what leads to the entries of these new batches: tokens of their values, and claims."""
        tokens: list[bytes] = []
        positions: list[bytes] = []
        counts: list[int] = []
        claims: list[tuple[bytes, bytes, Entry]] = []
        for batch, at in batches:
            positions += at
            for row, (entry, position) in enumerate(zip(batch.entries, at, strict=True)):
                counts.append(self._tokens.add(entry, tokens))
                first = batch.compacted.get(row)
                if first is None:
                    claims.append((self._tokens.claim(entry), position, entry))
                else:
                    self._repeats(connection, entry, position, first)
        if claims:
            self._settle_repeats(connection, claims)
            held = runs.records_of([one[0] for one in claims], [one[1] for one in claims], [1] * len(claims))
            runs.add(connection, runs.RunKind.CLAIMS, held)
        if tokens:
            runs.add(connection, runs.RunKind.VALUES, runs.records_of(tokens, positions, counts))

    def _repeats(self, connection: sqlite3.Connection, entry: Entry, position: bytes, first: Claim) -> None:
        """A compacted entry is the valid one; an entry that repeats it is hidden, or is a conflict."""
        if entry.sha256 == first.sha256:
            connection.execute("INSERT OR IGNORE INTO duplicate VALUES(?)", (position,))
        else:
            connection.execute(_CONFLICT, (position, first.position) * 2)

    def _settle_repeats(
        self, connection: sqlite3.Connection, claims: Sequence[tuple[bytes, bytes, Entry]]
    ) -> None:
        """The same (gateway, id) twice is one logical message: the earliest is valid, in any fold order.

        ``claims``: token, position and entry of what is new and not in the runs yet.
        """
        tokens = np.frombuffer(b"".join([token for token, _, _ in claims]), ">u8").astype(np.uint64)
        _, kinds, times = np.unique(tokens, return_inverse=True, return_counts=True)
        repeated = (times[kinds] > 1) | self._claims.may_hold_many(connection, tokens)
        firsts: dict[tuple[str, str, str], Claim | None] = {}
        entries = self._entries(connection)
        for place in np.flatnonzero(repeated).tolist():
            token, position, entry = claims[place]
            wanted = ("event" if isinstance(entry, Event) else "message", entry.gateway, entry.client_id)
            if wanted not in firsts:
                firsts[wanted] = find_claim(connection, entries, token, wanted)
            first = firsts[wanted]
            if first is None or position < first.position:
                firsts[wanted] = Claim(position, entry.sha256)
            if first is None or position == first.position:
                continue
            keep, drop = min(first.position, position), max(first.position, position)
            if first.sha256 != entry.sha256:
                connection.execute(_CONFLICT, (drop, keep) * 2)
            else:
                connection.execute("INSERT OR IGNORE INTO duplicate VALUES(?)", (drop,))
            connection.execute("INSERT OR IGNORE INTO unclaimed VALUES(?)", (drop,))


_SELECT_BATCH = (
    "SELECT n, key, writer, sequence, kind, rows, final, created_us, retain_until, placements, large,"
    " commit_record FROM batch"
)
_LOCKS = "SELECT placements FROM batch WHERE key = ? AND recorded = 1 AND commit_record IS NOT NULL"
_IS_DUPLICATE = "SELECT 1 FROM duplicate WHERE position = ?"
#: Hidden entries of the times of one batch.
_DUPLICATES_OF = (
    "SELECT DISTINCT d.position FROM batch b JOIN chunk c ON c.batch = b.n"
    " JOIN duplicate d ON d.position BETWEEN c.low AND c.high WHERE b.key = ?"
)
#: Two entries are one conflict, whichever of them was taken for the first: what is compacted always is.
_CONFLICT = (
    "INSERT OR IGNORE INTO conflict SELECT ?, ?"
    " WHERE NOT EXISTS (SELECT 1 FROM conflict WHERE first = ? AND position = ?)"
)
#: Does an indexed segment hold the batch (writer, sequence, sequence)?
_COVERED = (
    "SELECT 1 FROM cover c JOIN segment s ON s.n = c.segment AND s.indexed"
    " WHERE c.writer = ? AND c.first <= ? AND c.last >= ?"
)
