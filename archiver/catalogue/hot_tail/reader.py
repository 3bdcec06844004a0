"""Reads of the hot tail: claims, entries, batches. What it holds and why: hot_tail.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from vanvault.archiver.catalogue.hot_tail import commits
from vanvault.archiver.catalogue.hot_tail.file import TailFile
from vanvault.archiver.catalogue.hot_tail.folded import Claim, KnownBatch
from vanvault.archiver.catalogue.hot_tail.secrets import SearchSecrets
from vanvault.archiver.catalogue.search.items import Item, entry_of
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.format.batches import decode_commit
from vanvault.archiver.core.model import BatchHeader, Entry
from vanvault.archiver.core.names import WRITER_ENTROPY, batch_prefix, new_writer_id, parse_archive_id
from vanvault.archiver.core.times import from_us

#: How far the clocks of writers may differ, generously; writers' ids begin with their start.
_SKEW_US = 3_600 * 1_000_000
#: How long a writer must have been silent at a complete fold to be left out of the next listings.
_SILENT_US = 2 * 86_400 * 1_000_000


#: The first claim on (entry, gateway, id).
FindClaim = Callable[[str, str, str], Claim | None]


class TailReader:
    """Reads of one SQLite file; safe to use from many threads, each with a connection of its own."""

    def __init__(self, path: Path, secrets: SearchSecrets, *, archive: str) -> None:
        """Open the file, or make it anew where it is absent, broken or of another archive or key."""
        self._secrets = secrets
        self._archive = archive
        self._file = TailFile(path, {"archive": archive, "key": secrets.key_id})

    def close(self) -> None:
        """Close every connection; the object may not be used afterwards."""
        self._file.close()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        return self._file.connection()

    # -- idempotency -------------------------------------------------------------------------

    def claim(self, entry: str, gateway: str, client_id: str) -> Claim | None:
        """The first archived entry ("message" or "event") with this gateway and id, or None."""
        row = (
            self.connection()
            .execute(
                "SELECT position, sha256 FROM claim WHERE claim = ?",
                (self._secrets.claim(entry, gateway, client_id),),
            )
            .fetchone()
        )
        return Claim(*row) if row else None

    def conflicts(self) -> int:
        """How many entries repeat an id with other bytes (two sites written through a partition)."""
        return int(self.connection().execute("SELECT count(*) FROM conflict").fetchone()[0])

    def conflicting(self) -> list[tuple[bytes, bytes]]:
        """Position of every entry that repeats an id with other bytes, and of the first with that id."""
        return self.connection().execute("SELECT position, first FROM conflict ORDER BY position").fetchall()

    def degraded(self, limit: int = 1_000, after: str = "") -> list[str]:
        """Keys of folded batches that are not known to lie whole at every site, in order."""
        rows = self.connection().execute(
            "SELECT key FROM degraded WHERE key > ? ORDER BY key LIMIT ?", (after, limit)
        )
        return [key for (key,) in rows]

    # -- reading -----------------------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection within one read transaction: all reads see the same fold."""
        connection = self.connection()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def at(self, position: bytes) -> tuple[Item, int, int]:
        """Item, batch number and row at a position. Raises NotFound."""
        found = (
            self.connection()
            .execute("SELECT sealed, batch, row FROM entry WHERE position = ?", (position,))
            .fetchone()
        )
        if found is None:
            raise NotFound("no such entry in the hot tail")
        return self.unseal(position, found[0]), found[1], found[2]

    def by_id(self, archive_id: str) -> tuple[Item, int, int]:
        """Item, batch number and row of an archive id. Raises NotFound, InvalidInput (not an id)."""
        writer, sequence, row = parse_archive_id(archive_id)
        found = (
            self.connection()
            .execute(
                "SELECT e.position, e.sealed, e.batch FROM batch b JOIN entry e"
                " ON e.batch = b.n AND e.row = ? WHERE b.writer = ? AND b.sequence = ?",
                (row, writer, sequence),
            )
            .fetchone()
        )
        if found is None:
            raise NotFound(f"the archive holds no entry {archive_id}")
        return self.unseal(found[0], found[1]), found[2], row

    def unseal(self, position: bytes, sealed: bytes) -> Item:
        """The item in a sealed row."""
        item: Item = orjson.loads(self._secrets.sealing.decrypt(sealed[:12], sealed[12:], position))
        return item

    def token(self, field: str, value: str) -> bytes:
        """The token under which a field's value is found here."""
        return self._secrets.token(field, value)

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

    def entries(self, n: int) -> list[Entry]:
        """All entries of one batch in row order, without bodies."""
        rows = self.connection().execute(
            "SELECT position, sealed FROM entry WHERE batch = ? ORDER BY row", (n,)
        )
        return [entry_of(self.unseal(position, sealed)) for position, sealed in rows]

    def knows(self, keys: Iterable[str]) -> set[str]:
        """Which of these batch keys are folded."""
        connection = self.connection()
        found = set()
        for key in keys:
            if connection.execute("SELECT 1 FROM batch WHERE key = ?", (key,)).fetchone():
                found.add(key)
        return found

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

    def uncompacted(self) -> tuple[list[KnownBatch], set[str]]:
        """Folded batches that no segment covers, oldest first, and the keys of those on record."""
        rows = (
            self.connection()
            .execute(
                f"{_SELECT_BATCH} AS b WHERE NOT EXISTS (SELECT 1 FROM cover c WHERE c.writer = b.writer"
                " AND b.sequence BETWEEN c.first AND c.last) ORDER BY created_us, key"
            )
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

    def repeats_in(self, key: str, find: FindClaim | None = None) -> dict[str, bytes]:
        """Id of every entry of one batch that repeats another -> position of the one that stands.

        ``find``: looks beyond this file, for what was compacted before. Raises as ``find`` does.
        """
        find = find or self.claim
        rows = self.connection().execute(
            "SELECT e.position, e.sealed FROM duplicate d JOIN entry e ON e.position = d.position"
            " JOIN batch b ON b.n = e.batch WHERE b.key = ?",
            (key,),
        )
        found = {}
        for position, sealed in rows.fetchall():
            item = self.unseal(position, sealed)
            client_id = item["event_id"] if item["entry"] == "event" else item["message_id"]
            claim = find(item["entry"], item["gateway"], client_id)
            if claim is not None:
                found[str(item["id"])] = claim.position
        return found

    def unrecorded_heads(self) -> list[str]:
        """Key of the last known batch of every writer that neither closed nor is recorded as a head."""
        connection = self.connection()
        recorded = {
            key
            for (heads,) in connection.execute("SELECT heads FROM batch WHERE sequence = 0")
            for key in orjson.loads(heads)
        }
        last = connection.execute(
            "SELECT key, final FROM batch AS b WHERE sequence ="
            " (SELECT max(sequence) FROM batch AS o WHERE o.writer = b.writer) ORDER BY writer"
        )
        return [key for key, final in last if not final and key not in recorded]

    def fold_start(self) -> str:
        """The key after which batches may lie that are not folded: "" for all.

        A writer that closed, or that had been silent for days when a fold was last complete, is not listed
        again, so that a fold costs as much as what is new and not as much as the archive. The keeper, which
        lists everything, sees when one of them wrote again (``list_anew``).
        """
        connection = self.connection()
        row = connection.execute("SELECT value FROM fact WHERE name = 'folded_us'").fetchone()
        if row is None:
            return ""
        folded_us = int(row[0])
        earliest = new_writer_id(from_us(max(0, folded_us - _SKEW_US)), bytes(WRITER_ENTROPY))
        active = connection.execute(
            "SELECT min(writer) FROM batch AS b WHERE final = 0 AND created_us >= ? AND sequence ="
            " (SELECT max(sequence) FROM batch AS o WHERE o.writer = b.writer)",
            (folded_us - _SILENT_US,),
        ).fetchone()[0]
        compacted = connection.execute(
            "SELECT min(c.writer) FROM cover c JOIN segment s ON s.n = c.segment WHERE s.last_us >= ?",
            (folded_us - _SILENT_US,),
        ).fetchone()[0]
        return f"{batch_prefix()}{min(earliest, active or earliest, compacted or earliest)}"

    def newest_batch(self) -> int:
        """A number that changes whenever a batch was folded, by whatever process."""
        return int(self.connection().execute("SELECT coalesce(max(n), 0) FROM batch").fetchone()[0])

    def fold_completed(self) -> None:
        """Every batch that lies at the sites is folded, as of now."""
        self.connection().execute(
            "INSERT OR REPLACE INTO fact VALUES('folded_us', ?)", (str(self.last_received_us()),)
        )

    def list_anew(self) -> None:
        """Let the next fold look at every batch: one lies at a site that should be folded and is not."""
        self.connection().execute("DELETE FROM fact WHERE name = 'folded_us'")

    def counts(self) -> dict[str, int]:
        """Batches, entries, and conflicts, for status."""
        connection = self.connection()
        return {
            "batches": connection.execute("SELECT count(*) FROM batch").fetchone()[0],
            "entries": connection.execute("SELECT count(*) FROM claim").fetchone()[0],
            "conflicts": self.conflicts(),
        }

    def last_received_us(self) -> int:
        """The latest time of receipt in the fold, 0 when it is empty."""
        row = self.connection().execute("SELECT max(position) FROM entry").fetchone()
        compacted = self.connection().execute("SELECT max(last_us) FROM segment").fetchone()[0] or 0
        return max(compacted, int.from_bytes(row[0][:8]) if row[0] else 0)

    def _known(self, row: tuple[Any, ...]) -> KnownBatch:
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


_SELECT_BATCH = (
    "SELECT n, key, writer, sequence, kind, rows, final, created_us, retain_until, placements, large,"
    " commit_record FROM batch"
)
