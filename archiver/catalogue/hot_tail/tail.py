"""The hot tail: a local fold over the batches that are not yet compacted, in SQLite.

A cache, never a source of truth: delete it and ``fold.py`` rebuilds it from the sites. It answers
three questions: was this (gateway, id) archived before, what matches this query, and which batches
are folded already. Applying a batch twice changes nothing, so several processes may fold at once.

Layout (all of it derived; keys are keyed tokens and rows are sealed, see ``secrets.py``)::

    batch(n, key, ...)                     one row per folded batch; recorded: a header holds its commit
    early_commit(key, record)              commits that headers hold of batches not folded yet
    entry(position, batch, row, sealed)    one row per logical message or event
    claim(claim, position, sha256)         (gateway, id) -> its first entry
    token(token, position)                 (field, value) -> entries, in time order
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from vanvault.archiver.catalogue.hot_tail import commits, token_blocks
from vanvault.archiver.catalogue.hot_tail.folded import Claim, FoldedBatch, position_of
from vanvault.archiver.catalogue.hot_tail.reader import TailReader
from vanvault.archiver.catalogue.hot_tail.secrets import SearchSecrets
from vanvault.archiver.catalogue.items import item_of, keys_of
from vanvault.archiver.core.model import Commit, Entry, Event, Placement
from vanvault.archiver.core.ports import Entropy

#: Fields whose values repeat from entry to entry, so that their tokens are worth keeping.
_FEW_VALUES = frozenset(
    ("gateway", "type", "kind", "ivan", "employer_code", "tax_code", "procedure", "period", "state", "agency")
)
_CACHED_TOKENS = 50_000


class HotTail(TailReader):
    """One SQLite file; safe to use from many threads, each with a connection of its own."""

    def __init__(self, path: Path, secrets: SearchSecrets, entropy: Entropy, *, archive: str) -> None:
        """Open the file, or make it anew where it is absent, broken or of another archive or key."""
        super().__init__(path, secrets, archive=archive)
        self._entropy = entropy
        self._tokens: dict[tuple[str, str], bytes] = {}  # by (field, value)

    def ensure_sound(self) -> bool:
        """Reads the whole file: a broken one is made anew, for the next fold to fill. False when it was."""
        return self._file.ensure_sound()

    def apply(self, batches: Sequence[FoldedBatch]) -> int:
        """Fold committed batches in; how many were new. All or none of them."""
        with self.transaction() as connection:
            records: list[bytes] = []
            new = sum(self._apply(connection, batch, records) for batch in batches)
            token_blocks.add_records(connection, records)
        return new

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection within one write transaction: all of it or nothing."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _apply(self, connection: sqlite3.Connection, batch: FoldedBatch, records: list[bytes]) -> bool:
        header = batch.header
        if connection.execute(_COVERED, (header.writer, header.sequence, header.sequence)).fetchone():
            return False  # another process compacted and indexed it while this one was reading it
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
            return False
        commits.mark(connection, batch.key, batch.placements, header.large)
        for commit in header.commits:
            commits.record(connection, commit)
        commits.take_early(connection, batch.key)
        self._insert_entries(connection, int(cursor.lastrowid or 0), batch, records)
        return True

    def learn(self, commit: Commit) -> None:
        """A commit record that this node made, for instance of copies that came later."""
        with self.transaction() as connection:
            commits.know(connection, commit)

    def repeat(self, found: Iterable[tuple[Entry, bytes, Claim]]) -> None:
        """Entries, each with its position, that were found to repeat a compacted one, whose claim holds."""
        found = list(found)
        if not found:
            return
        with self.transaction() as connection:
            for entry, position, first in found:
                connection.execute("DELETE FROM claim WHERE position = ?", (position,))
                self._repeats(connection, entry, position, first)

    def learn_conflicts(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Positions of entries that repeat an id with other bytes, each with that of the one that stands."""
        with self.transaction() as connection:
            connection.executemany(_CONFLICT, ((*pair, *pair) for pair in pairs))

    def correct(self, key: str, placements: Sequence[Placement]) -> None:
        """Where a batch without a commit record truly lies, as its sites said when they were asked."""
        self.connection().execute(
            "UPDATE batch SET placements = ? WHERE key = ? AND commit_record IS NULL",
            (commits.dump_placements(placements), key),
        )

    def _insert_entries(
        self, connection: sqlite3.Connection, n: int, batch: FoldedBatch, records: list[bytes]
    ) -> None:
        secrets, writer = self._secrets, batch.header.writer
        nonces = self._entropy.token(12 * max(1, len(batch.entries)))
        rows, claims = [], []
        tokens = self._tokens
        if len(tokens) > _CACHED_TOKENS:
            tokens.clear()
        for row, entry in enumerate(batch.entries):
            position = position_of(entry, writer)
            nonce = nonces[12 * row : 12 * row + 12]
            sealed = nonce + secrets.sealing.encrypt(nonce, orjson.dumps(item_of(entry)), position)
            rows.append((position, n, row, sealed))
            kind = "event" if isinstance(entry, Event) else "message"
            first = batch.compacted.get(row)
            if first is None:
                claims.append((secrets.claim(kind, entry.gateway, entry.client_id), position, entry.sha256))
            else:
                self._repeats(connection, entry, position, first)
            for pair in keys_of(entry):
                token = tokens.get(pair)
                if token is None:
                    token = secrets.token(*pair)
                    if pair[0] in _FEW_VALUES:
                        tokens[pair] = token
                records.append(token + position)
        connection.executemany("INSERT OR IGNORE INTO entry VALUES(?, ?, ?, ?)", rows)
        before = connection.total_changes
        connection.executemany("INSERT OR IGNORE INTO claim VALUES(?, ?, ?)", claims)
        if connection.total_changes - before != len(claims):
            self._settle_duplicates(connection, claims)

    def _repeats(self, connection: sqlite3.Connection, entry: Entry, position: bytes, first: Claim) -> None:
        """What is compacted stands; what repeats it is not shown, or is a conflict."""
        if entry.sha256 == first.sha256:
            connection.execute("INSERT OR IGNORE INTO duplicate VALUES(?)", (position,))
        else:
            connection.execute(_CONFLICT, (position, first.position) * 2)

    def _settle_duplicates(
        self, connection: sqlite3.Connection, claims: Sequence[tuple[bytes, bytes, bytes]]
    ) -> None:
        """The same (gateway, id) twice is one logical message: the earliest stands, in any fold order."""
        for claim, position, sha256 in claims:
            first, digest = connection.execute(
                "SELECT position, sha256 FROM claim WHERE claim = ?", (claim,)
            ).fetchone()
            if first == position:
                continue
            keep, drop = min(first, position), max(first, position)
            if digest != sha256:
                connection.execute(_CONFLICT, (drop, keep) * 2)
            elif drop != keep:
                connection.execute("INSERT OR IGNORE INTO duplicate VALUES(?)", (drop,))
            if keep == position:
                connection.execute(
                    "UPDATE claim SET position = ?, sha256 = ? WHERE claim = ?", (position, sha256, claim)
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
