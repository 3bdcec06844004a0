"""The catalogue of segments, beside the hot tail in one SQLite file: what is compacted, and what is indexed.

One file, because a reader must see both in one state: an entry leaves the hot tail in the transaction
that says that its segment is indexed, so that a read transaction finds every entry in one of the two. The
tables are described in ``hot_tail/file.py``.

Two nodes may compact the same batches. Then both segments are true, and the one with the smaller id stands
on every node, whichever was heard of first: a segment is *spare* when smaller ones hold all its batches.

A residue segment (archiver/FORMAT.md, section 13) stands before all others, and what it *replaces* is not
read any more from the moment at which its manifest is known, whether it is indexed or not. One that would
replace what it does not hold is *refused*, and counts nowhere.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vanvault.archiver.catalogue.hot_tail import SKEW_US, HotTail, drop_covered, list_all, note_recheck
from vanvault.archiver.core.errors import BatchLost, Damaged
from vanvault.archiver.core.format.segments import encode_manifest, load_manifest, standing
from vanvault.archiver.core.model import Covered, SegmentManifest
from vanvault.archiver.core.names import (
    WRITER_ENTROPY,
    new_writer_id,
    parse_key,
    segment_prefix,
    writer_started_at,
)
from vanvault.archiver.core.times import from_us, to_us

#: A compaction that began this long before the newest known segment may still end after it.
_SLOW_US = 2 * 86_400 * 1_000_000
#: Segments that are noted as indexed in one transaction.
_TOGETHER = 100
#: The column ``standing``: read; spare; replaced; refused.
_READ, _SPARE, _REPLACED, _REFUSED = range(4)


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
    starts: tuple[int, ...] = ()  # time of the first row of each indexed segment, ascending


class Catalogue:
    """Reads and extends the catalogue; safe to use from many threads."""

    def __init__(self, tail: HotTail) -> None:
        self._tail = tail
        self._decoded: dict[str, SegmentManifest] = {}
        self._state = CatalogueState(0, (), {}, frozenset(), 0)
        self._whole_at = -1  # version at which the hot tail held all that is not indexed
        self._lock = threading.Lock()

    def add(self, key: str, manifest: SegmentManifest) -> bool:
        """Note a proved segment; false when it is known, or when smaller ones hold all its batches."""
        return self.add_all([(key, manifest)]) == 1

    def add_all(self, proved: Iterable[tuple[str, SegmentManifest]]) -> int:
        """Note proved segments in one transaction; for how many ``add`` would be true."""
        with self._tail.transaction() as connection:
            _changed(connection)
            added = [n for key, manifest in proved if (n := self._add(connection, key, manifest)) is not None]
            self._judge(connection)
            for n in added:
                self._settle_spares(connection, n)
            return sum(_standing(connection, n) == _READ for n in added)

    def _add(self, connection: sqlite3.Connection, key: str, manifest: SegmentManifest) -> int | None:
        """The number of the segment; None: it is known."""
        if connection.execute("SELECT 1 FROM segment WHERE key = ?", (key,)).fetchone():
            return None
        cursor = connection.execute(
            "INSERT INTO segment(key, manifest, first_us, last_us, rows, indexed, residue, standing)"
            " VALUES(?, ?, ?, ?, ?, 0, ?, ?)",
            (
                key,
                encode_manifest(manifest),
                manifest.first_us,
                manifest.last_us,
                manifest.rows,
                manifest.is_residue,
                _READ,
            ),
        )
        n = int(cursor.lastrowid or 0)
        connection.executemany(
            "INSERT INTO cover VALUES(?, ?, ?, ?)", [(c.writer, c.first, c.last, n) for c in manifest.covers]
        )
        connection.executemany("INSERT INTO replaces VALUES(?, ?)", [(id, n) for id in manifest.replaces])
        return n

    def _judge(self, connection: sqlite3.Connection) -> None:
        """Recompute which segments are replaced, and which residue segments are refused."""
        rows = connection.execute(_JUDGED).fetchall()
        if not rows:
            return
        judged = {n: self._decode(key, data) for n, key, data, _ in rows}
        found = standing(judged.values())
        for n, _, _, before in rows:
            id = judged[n].segment
            after = _REFUSED if id in found.refused else _REPLACED if id in found.replaced else _READ
            if after == before or (after == _READ and before == _SPARE):
                continue
            connection.execute("UPDATE segment SET standing = ? WHERE n = ?", (after, n))
            self._settle_spares(connection, n)
            if after == _REFUSED:  # for good: what it said of batches never counted
                connection.execute("DELETE FROM cover WHERE segment = ?", (n,))
                list_all(connection)

    def _settle_spares(self, connection: sqlite3.Connection, n: int) -> None:
        """Recompute which are spare of this segment and of all that share a batch with it."""
        rivals = connection.execute(
            "SELECT DISTINCT s.n, s.key, s.indexed, s.residue FROM segment s JOIN cover c ON c.segment = s.n"
            " JOIN cover m ON m.writer = c.writer AND m.first <= c.last AND m.last >= c.first"
            " WHERE m.segment = ? AND s.standing < ?",
            (n, _REPLACED),
        )
        for rival, key, indexed, residue in rivals.fetchall():
            # One that is indexed goes on standing until those in its place are.
            held = all(
                _joined(
                    connection.execute(_BEFORE_IT, (writer, last, first, residue, residue, key, indexed)),
                    first,
                    last,
                )
                for writer, first, last in connection.execute(
                    "SELECT writer, first, last FROM cover WHERE segment = ?", (rival,)
                ).fetchall()
            )
            after = _SPARE if held else _READ
            connection.execute("UPDATE segment SET standing = ? WHERE n = ?", (after, rival))

    def segments(self, *, spare: bool = False) -> tuple[KnownSegment, ...]:
        """All segments that count; spare ones only with ``spare``; ordered by the time of their first row."""
        return self._read(self._tail.connection(), _SPARE) if spare else self.current().segments

    def replaced(self) -> tuple[KnownSegment, ...]:
        """Segments in whose place a residue segment stands: what lies of them at sites is to be removed."""
        return self._read(self._tail.connection(), _REPLACED, least=_REPLACED)

    def replaced_ids(self) -> frozenset[str]:
        """Ids of all that residue segments replace, whether anything of it is known here or not."""
        rows = self._tail.connection().execute(
            "SELECT DISTINCT r.id FROM replaces r JOIN segment s ON s.n = r.segment WHERE s.standing < ?",
            (_REFUSED,),
        )
        return frozenset(id for (id,) in rows)

    def refused(self) -> tuple[KnownSegment, ...]:
        """Residue segments that would replace what they do not hold, which is damage or an attack."""
        return self._read(self._tail.connection(), _REFUSED, least=_REFUSED)

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
        segments = self._read(connection)
        by_log = {part.key: one for one in segments if one.indexed and (part := one.manifest.part("log"))}
        unindexed = sum(not one.indexed for one in segments)
        starts = tuple(one.manifest.first_us for one in segments if one.indexed)
        state = CatalogueState(version, segments, by_log, frozenset(by_log), unindexed, starts)
        with self._lock:
            self._state = state
        return state

    def _read(
        self, connection: sqlite3.Connection, most: int = _READ, *, least: int = _READ
    ) -> tuple[KnownSegment, ...]:
        rows = connection.execute(
            "SELECT n, key, manifest, indexed FROM segment WHERE standing BETWEEN ? AND ?"
            " ORDER BY first_us, key",
            (least, most),
        ).fetchall()
        return tuple(
            KnownSegment(n, key, self._decode(key, data), bool(indexed)) for n, key, data, indexed in rows
        )

    def unheld(self, connection: sqlite3.Connection, state: CatalogueState) -> tuple[KnownSegment, ...]:
        """Segments neither indexed nor held whole by the hot tail: a search misses some of their rows."""
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
                "SELECT s.n, s.key, s.manifest, s.indexed FROM cover c JOIN segment s ON s.n = c.segment"
                " WHERE c.writer = ? AND c.first <= ? AND c.last >= ? AND s.standing = ?"
                " ORDER BY s.residue DESC, s.key LIMIT 1",
                (writer, sequence, sequence, _READ),
            )
            .fetchone()
        )
        return KnownSegment(row[0], row[1], self._decode(row[1], row[2]), bool(row[3])) if row else None

    def check_not_lost(self, writer: str, sequence: int) -> None:
        """Raises BatchLost: this batch was written, and what it holds is not known."""
        lost = self._tail.lost_batches.of(writer, sequence)
        if lost is not None:
            raise BatchLost(
                f"nobody can say now whether the archive holds it: {lost.name} is {lost.reason}",
                key=lost.name,
                hint="Run: vanvault verify, then: vanvault repair.",
            )

    def spanning(self, us: int) -> list[KnownSegment]:
        """The segments whose rows begin at or before a time and end at or after it."""
        rows = self._tail.connection().execute(
            "SELECT n, key, manifest, indexed FROM segment"
            " WHERE standing = ? AND last_us >= ? AND first_us <= ? ORDER BY residue DESC, n",
            (_READ, us, us),
        )
        return [
            KnownSegment(n, key, self._decode(key, data), bool(indexed)) for n, key, data, indexed in rows
        ]

    def covers(self, key: str) -> bool:
        """Is the batch with this key compacted?"""
        name = parse_key(key)
        return name is not None and name.family == "batch" and self.holds(name.writer, name.sequence)

    def holds(self, writer: str, sequence: int) -> bool:
        """Is this batch compacted?"""
        found = self._tail.connection().execute(
            "SELECT 1 FROM cover WHERE writer = ? AND first <= ? AND last >= ?", (writer, sequence, sequence)
        )
        return found.fetchone() is not None

    def is_reduced(self, writer: str, sequence: int) -> bool:
        """Does a residue segment that counts hold this batch, of which something may be disposed of?"""
        found = self._tail.connection().execute(
            "SELECT 1 FROM cover c JOIN segment s ON s.n = c.segment JOIN replaces r ON r.segment = s.n"
            " WHERE c.writer = ? AND c.first <= ? AND c.last >= ? AND s.standing < ?",
            (writer, sequence, sequence, _REFUSED),
        )
        return found.fetchone() is not None

    def ranges(self) -> dict[str, list[tuple[int, int, int]]]:
        """By writer, what the segments that count hold of it, spare ones too: (first, last, number)."""
        found: dict[str, list[tuple[int, int, int]]] = {}
        rows = self._tail.connection().execute(
            "SELECT c.writer, c.first, c.last, c.segment FROM cover c JOIN segment s ON s.n = c.segment"
            " WHERE s.standing < ? ORDER BY c.writer, c.first",
            (_REPLACED,),
        )
        for writer, first, last, n in rows:
            found.setdefault(writer, []).append((first, last, n))
        return found

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

    def keys(self, prefix: str = "") -> list[str]:
        """Keys of the known manifests that count and start with ``prefix``, in order."""
        rows = self._tail.connection().execute(
            "SELECT key FROM segment WHERE standing < ? ORDER BY key", (_REPLACED,)
        )
        return [key for (key,) in rows if key.startswith(prefix)]

    def listing_start(self, now_us: int) -> str:
        """The key after which segments may lie that are not known, by the node's time: "" for all.

        Segments that were made under a clock ahead say nothing about those that were made since.
        """
        latest = new_writer_id(from_us(now_us + SKEW_US), bytes(WRITER_ENTROPY))
        row = (
            self._tail.connection()
            .execute("SELECT max(key) FROM segment WHERE key < ?", (f"{segment_prefix()}{latest}",))
            .fetchone()
        )
        newest = parse_key(row[0]) if row[0] else None
        if newest is None:
            return ""
        since = max(0, to_us(writer_started_at(newest.writer)) - _SLOW_US)
        return f"{segment_prefix()}{new_writer_id(from_us(since), bytes(WRITER_ENTROPY))}"

    def indexed(self, n: int) -> None:
        """The index has this segment: what the hot tail held of it leaves it, in the same transaction."""
        self.indexed_all([n])

    def indexed_all(self, numbers: Sequence[int]) -> None:
        """The same of several segments, a few in each transaction, so that no other writer waits for long."""
        for start in range(0, len(numbers), _TOGETHER):
            with self._tail.transaction() as connection:
                self._indexed(connection, numbers[start : start + _TOGETHER])
                _changed(connection)

    def _indexed(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
        unfolded = []
        for n in numbers:
            connection.execute("UPDATE segment SET indexed = 1 WHERE n = ?", (n,))
            covers = connection.execute("SELECT writer, first, last FROM cover WHERE segment = ?", (n,))
            if not all(_is_held(connection, Covered(*cover)) for cover in covers.fetchall()):
                unfolded.append(n)
        drop_covered(connection, numbers)
        for n in unfolded:
            note_recheck(connection, n)
        for n in numbers:
            self._settle_spares(connection, n)

    def counts(self) -> dict[str, int]:
        """Segments and their rows."""
        row = self._tail.connection().execute(
            "SELECT count(*), coalesce(sum(rows), 0) FROM segment WHERE standing = ?", (_READ,)
        )
        segments, rows = row.fetchone()
        return {"segments": segments, "rows": rows}

    def _decode(self, key: str, data: bytes) -> SegmentManifest:
        with self._lock:
            found = self._decoded.get(key)
        if found is None:
            try:
                found = load_manifest(data, key=key)
            except Damaged as error:  # it was whole when it was put here
                raise self._tail.lost(error) from error
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


#: Ranges of one writer that segments hold which come before one: residue segments, then smaller keys; of
#: indexed ones only, where that is asked.
_BEFORE_IT = (
    "SELECT c.first, c.last FROM cover c JOIN segment s ON s.n = c.segment"
    " WHERE c.writer = ? AND c.first <= ? AND c.last >= ?"
    f" AND (s.residue > ? OR (s.residue = ? AND s.key < ?)) AND s.indexed >= ? AND s.standing < {_REPLACED}"
    " ORDER BY c.first"
)
#: Residue segments, and what they name.
_JUDGED = (
    "SELECT n, key, manifest, standing FROM segment"
    f" WHERE residue OR substr(key, {len(segment_prefix()) + 1}, 16) IN (SELECT id FROM replaces)"
)


def _standing(connection: sqlite3.Connection, n: int) -> int:
    return int(connection.execute("SELECT standing FROM segment WHERE n = ?", (n,)).fetchone()[0])


def _joined(ranges: Iterable[tuple[int, int]], first: int, last: int) -> bool:
    """Do these ranges, in order of their beginning, hold every number from ``first`` to ``last``?"""
    held = first
    for start, end in ranges:
        if start > held:
            return False
        held = max(held, end + 1)
    return held > last
