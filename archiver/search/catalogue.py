"""The catalogue of segments, beside the hot tail in one SQLite file: what is compacted, and what is indexed.

One file, because a reader must see both in one state: an entry leaves the hot tail in the transaction
that says that its segment is indexed, so that a read transaction finds every entry in one of the two.

    segment(n, key, manifest, indexed)     one row per proved segment
    cover(writer, first, last, segment)    which batches it holds
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.format.manifest import decode_manifest, encode_manifest
from vanvault.archiver.format.names import (
    WRITER_ENTROPY,
    new_writer_id,
    parse_key,
    segment_prefix,
    writer_started_at,
)
from vanvault.archiver.model.segment import Covered, SegmentManifest
from vanvault.archiver.model.times import from_us, to_us
from vanvault.archiver.search.hot_tail import HotTail
from vanvault.archiver.search.pruning import drop_covered

#: A compaction that began this long before the newest known segment may still end after it.
_SLOW_US = 2 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class KnownSegment:
    """A segment that this node knows."""

    n: int
    key: str  # of its manifest
    manifest: SegmentManifest
    indexed: bool


@dataclass(frozen=True, slots=True)
class CatalogueState:
    """One state of the catalogue."""

    version: int
    segments: tuple[KnownSegment, ...]  # by the time of their first row
    by_log: Mapping[str, KnownSegment]  # the indexed ones, by the key of their log part
    logs: frozenset[str]  # the keys of ``by_log``
    unindexed: int


class Catalogue:
    """Reads and extends the catalogue; safe to use from many threads."""

    def __init__(self, tail: HotTail, public_key: Callable[[str], Ed25519PublicKey]) -> None:
        self._tail = tail
        self._public_key = public_key
        self._decoded: dict[str, SegmentManifest] = {}
        self._state = CatalogueState(0, (), {}, frozenset(), 0)
        self._whole_at = -1  # version at which the hot tail held all that is not indexed
        self._lock = threading.Lock()

    def add(self, key: str, manifest: SegmentManifest) -> bool:
        """Note a proved segment; false when it is known, or when others hold all its batches already."""
        with self._tail.transaction() as connection:
            _changed(connection)
            return self._add(connection, key, manifest)

    def _add(self, connection: sqlite3.Connection, key: str, manifest: SegmentManifest) -> bool:
        if connection.execute("SELECT 1 FROM segment WHERE key = ?", (key,)).fetchone():
            return False
        spare = all(
            self._covers(connection, cover.writer, cover.first, cover.last) for cover in manifest.covers
        )
        cursor = connection.execute(
            "INSERT INTO segment(key, manifest, first_us, last_us, rows, indexed, spare)"
            " VALUES(?, ?, ?, ?, ?, 0, ?)",
            (key, encode_manifest(manifest), manifest.first_us, manifest.last_us, manifest.rows, spare),
        )
        if spare:
            return False  # two nodes compacted the same batches; the first segment stands
        connection.executemany(
            "INSERT INTO cover VALUES(?, ?, ?, ?)",
            [(c.writer, c.first, c.last, cursor.lastrowid) for c in manifest.covers],
        )
        return True

    def segments(self) -> tuple[KnownSegment, ...]:
        """All segments that stand, by the time of their first row."""
        return self.current().segments

    def current(self) -> CatalogueState:
        """The catalogue as it is."""
        return self.state(self._tail.connection())

    def unindexed(self) -> list[KnownSegment]:
        """Segments that the index of this node lacks."""
        state = self.current()
        return [segment for segment in state.segments if not segment.indexed] if state.unindexed else []

    def state(self, connection: sqlite3.Connection) -> CatalogueState:
        """The catalogue as a read transaction sees it; read anew only when it changed."""
        row = connection.execute("SELECT value FROM fact WHERE name = 'catalogue'").fetchone()
        version = int(row[0]) if row else 0
        with self._lock:
            if self._state.version == version:
                return self._state
        rows = connection.execute(
            "SELECT n, key, manifest, indexed FROM segment WHERE NOT spare ORDER BY first_us, n"
        ).fetchall()
        segments = tuple(
            KnownSegment(n, key, self._decode(key, data), bool(indexed)) for n, key, data, indexed in rows
        )
        by_log = {part.key: one for one in segments if one.indexed and (part := one.manifest.part("log"))}
        unindexed = sum(not one.indexed for one in segments)
        state = CatalogueState(version, segments, by_log, frozenset(by_log), unindexed)
        with self._lock:
            self._state = state
        return state

    def unheld(self, connection: sqlite3.Connection, state: CatalogueState) -> tuple[KnownSegment, ...]:
        """Segments neither indexed nor held whole by the hot tail: nobody finds all of their rows."""
        if not state.unindexed or self._whole_at == state.version:
            return ()
        found = tuple(
            one
            for one in state.segments
            if not one.indexed and not all(_is_held(connection, cover) for cover in one.manifest.covers)
        )
        if not found:
            self._whole_at = state.version  # batches leave the hot tail only when the version changes
        return found

    def covering(self, writer: str, sequence: int) -> KnownSegment | None:
        """The segment that holds this batch."""
        row = (
            self._tail.connection()
            .execute(
                "SELECT n, key, manifest, indexed FROM segment WHERE n = (SELECT segment FROM cover"
                " WHERE writer = ? AND first <= ? AND last >= ? ORDER BY segment LIMIT 1)",
                (writer, sequence, sequence),
            )
            .fetchone()
        )
        return KnownSegment(row[0], row[1], self._decode(row[1], row[2]), bool(row[3])) if row else None

    def spanning(self, us: int) -> list[KnownSegment]:
        """The segments whose rows begin at or before a time and end at or after it."""
        rows = self._tail.connection().execute(
            "SELECT n, key, manifest, indexed FROM segment"
            " WHERE NOT spare AND last_us >= ? AND first_us <= ? ORDER BY n",
            (us, us),
        )
        return [
            KnownSegment(n, key, self._decode(key, data), bool(indexed)) for n, key, data, indexed in rows
        ]

    def covers(self, key: str) -> bool:
        """Is the batch with this key compacted?"""
        name = parse_key(key)
        return name is not None and self._covers(
            self._tail.connection(), name.writer, name.sequence, name.sequence
        )

    def finds(self, key: str, spoiled: frozenset[str]) -> bool:
        """Is the batch compacted, and the log of its segment none of the ``spoiled``?"""
        name = parse_key(key)
        segment = self.covering(name.writer, name.sequence) if name is not None else None
        if segment is None:
            return False
        log = segment.manifest.part("log")
        return segment.indexed or log is None or log.key not in spoiled

    def knows(self, key: str) -> bool:
        """Is the segment with this manifest known?"""
        found = self._tail.connection().execute("SELECT 1 FROM segment WHERE key = ?", (key,)).fetchone()
        return found is not None

    def listing_start(self) -> str:
        """The key after which segments may lie that are not known: "" for all."""
        row = self._tail.connection().execute("SELECT max(key) FROM segment").fetchone()
        newest = parse_key(row[0]) if row[0] else None
        if newest is None:
            return ""
        since = max(0, to_us(writer_started_at(newest.writer)) - _SLOW_US)
        return f"{segment_prefix()}{new_writer_id(from_us(since), bytes(WRITER_ENTROPY))}"

    def indexed(self, n: int) -> None:
        """The index has this segment: what the hot tail held of it leaves it, in the same transaction."""
        with self._tail.transaction() as connection:
            connection.execute("UPDATE segment SET indexed = 1 WHERE n = ?", (n,))
            drop_covered(connection, n)
            _changed(connection)

    def counts(self) -> dict[str, int]:
        """Segments and their rows."""
        row = self._tail.connection().execute(
            "SELECT count(*), coalesce(sum(rows), 0) FROM segment WHERE NOT spare"
        )
        segments, rows = row.fetchone()
        return {"segments": segments, "rows": rows}

    def _covers(self, connection: sqlite3.Connection, writer: str, first: int, last: int) -> bool:
        held = first
        for start, end in self._ranges(connection, writer, first, last):
            if start > held:
                return False
            held = max(held, end + 1)
        return held > last

    def _ranges(
        self, connection: sqlite3.Connection, writer: str, first: int, last: int
    ) -> Iterator[tuple[int, int]]:
        rows = connection.execute(
            "SELECT first, last FROM cover WHERE writer = ? AND first <= ? AND last >= ? ORDER BY first",
            (writer, last, first),
        )
        yield from rows.fetchall()

    def _decode(self, key: str, data: bytes) -> SegmentManifest:
        with self._lock:
            found = self._decoded.get(key)
        if found is None:
            found = decode_manifest(data, self._public_key, key=key)
            with self._lock:
                self._decoded[key] = found
        return found


def _is_held(connection: sqlite3.Connection, cover: Covered) -> bool:
    """Does the hot tail hold every batch of this range? (Entries leave it only once they are indexed.)"""
    (count,) = connection.execute(
        "SELECT count(*) FROM batch WHERE writer = ? AND sequence BETWEEN ? AND ?",
        (cover.writer, cover.first, cover.last),
    ).fetchone()
    return bool(count == cover.last - cover.first + 1)


def _changed(connection: sqlite3.Connection) -> None:
    # The first version is drawn: a file that was made anew has none in common with the one before.
    connection.execute(
        "INSERT INTO fact VALUES('catalogue', CAST(abs(random() % 1099511627776) + 1 AS TEXT))"
        " ON CONFLICT(name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )
