"""Runs a query over everything: what is compacted through the ten-year index, the rest through the hot tail.

One read transaction of the hot tail's file fixes what is in which of the two, so each entry is found once
while messages arrive and while segments are compacted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from vanvault.archiver.errors import NotFound, VanVaultError
from vanvault.archiver.evidence.receipts import placements_of
from vanvault.archiver.format.batch import encode_placement
from vanvault.archiver.model.batch import Placement
from vanvault.archiver.model.entry import Entry
from vanvault.archiver.model.times import rfc3339_us
from vanvault.archiver.ports import Stopwatch
from vanvault.archiver.search.candidates import candidates, is_keyed
from vanvault.archiver.search.catalogue import Catalogue, CatalogueState, KnownSegment
from vanvault.archiver.search.folded import KnownBatch
from vanvault.archiver.search.items import Item, entry_of
from vanvault.archiver.search.key_index import KeyIndex
from vanvault.archiver.search.locate import Located, Locator, part_of
from vanvault.archiver.search.places import Places
from vanvault.archiver.search.query import MAX_LIMIT, Query, seal_cursor
from vanvault.archiver.search.segment_rows import item_at
from vanvault.archiver.search.segment_search import Bounds, SegmentSearch
from vanvault.archiver.search.streams import Source, Step, merged
from vanvault.archiver.search.tail_reader import TailReader
from vanvault.archiver.search.tail_search import TailHit, tail_source

Hit = TailHit | Located


@dataclass(frozen=True, slots=True)
class Unread:
    """What a search could not look at: these entries may be missing from its answer."""

    object: str  # key of the log part, or of the batch
    reason: str  # "damaged", "unavailable", "missing", "not indexed yet"
    first: str  # RFC 3339: of the entries in it
    last: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search."""

    items: list[Item]
    next: str | None  # cursor of the next page, or None when this was the last
    partial: str = ""  # why the page ends before its limit though there may be more: go on with ``next``
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How much a search without a key may look at for one page."""

    rows: int = 5_000_000
    seconds: float = 5.0


@dataclass(slots=True)
class _Walk:
    """One page in the making."""

    query: Query
    hits: list[tuple[bytes, Hit]] = field(default_factory=list)
    stopped_at: bytes = b""  # where the scan was broken off
    unread: dict[str, Unread] = field(default_factory=dict)


class Search:
    """Reads of the whole archive, as JSON values ready for people and wires."""

    def __init__(
        self,
        *,
        tail: TailReader,
        catalogue: Catalogue,
        index: KeyIndex,
        segments: SegmentSearch,
        locator: Locator,
        places: Places,
        cursor_key: bytes,
        stopwatch: Stopwatch,
        limits: ScanLimits,
    ) -> None:
        self._tail = tail
        self._catalogue = catalogue
        self._index = index
        self._segments = segments
        self._locator = locator
        self._places = places
        self._cursor_key = cursor_key
        self._stopwatch = stopwatch
        self._limits = limits

    @property
    def cursor_key(self) -> bytes:
        """The key under which this search's cursors are sealed."""
        return self._cursor_key

    def page(self, query: Query, *, whole: bool = False) -> Page:
        """The next ``query.limit`` matching items after ``query.after``.

        ``whole``: with what lies with the evidence, too: SHA-512, and the batch as receipts name it.

        Damaged or absent segments are named in ``unread``; a search without a key that takes too long
        ends early, ``partial``, with a cursor.

        Raises SiteUnavailable, Damaged: the index itself cannot be read.
        """
        walk = _Walk(query)
        with self._tail.snapshot() as connection:
            state = self._catalogue.state(connection)
            steps = merged(self._sources(walk, state), newest=query.order == "newest")
            for step in self._bounded(steps, walk):
                if step.hit is None or (walk.hits and walk.hits[-1][0] == step.position):
                    continue
                walk.hits.append((step.position, step.hit))
                if len(walk.hits) > query.limit:
                    break
            items = self._completed([hit for _, hit in walk.hits[: query.limit]], whole=whole)
        return self._paged(walk, items)

    def entry(self, archive_id: str) -> Item:
        """One entry by the archive's id. Raises NotFound, InvalidInput, Damaged, SiteUnavailable."""
        try:
            item, batch, row = self._tail.by_id(archive_id)
            return self._of_batch(item, batch, row, {})
        except NotFound:
            return self._whole(self._locator.by_id(archive_id))

    def timeline(self, transaction_id: str, gateway: str = "") -> list[Item]:
        """Everything of one transaction, oldest first; of one gateway only, when named."""
        filters = {"transaction_id": transaction_id} | ({"gateway": gateway} if gateway else {})
        query = Query(filters=filters, order="oldest", limit=MAX_LIMIT)
        items: list[Item] = []
        while True:
            walk = _Walk(query)
            with self._tail.snapshot() as connection:
                state = self._catalogue.state(connection)
                for step in merged(self._sources(walk, state), newest=False):
                    if step.hit is not None and not (walk.hits and walk.hits[-1][0] == step.position):
                        walk.hits.append((step.position, step.hit))
                    if len(walk.hits) == query.limit:
                        break
                items += self._completed([hit for _, hit in walk.hits])
            if len(walk.hits) < query.limit:
                return items
            query = replace(query, after=walk.hits[-1][0])

    def _sources(self, walk: _Walk, state: CatalogueState) -> list[Source[Hit]]:
        query = walk.query
        bounds = bounds_of(query)
        sources: list[Source[Hit]] = [tail_source(self._tail, query, bounds)]
        for segment in state.segments if state.unindexed else ():
            if not segment.indexed:
                self._note(walk, segment, "not indexed yet")
        if state.by_log:
            reader = self._index.reader(state.logs)
            found = candidates(reader, query, state)
            sources += self._segments.sources(
                found, query, bounds, lambda segment, error: self._note(walk, segment, _reason(error))
            )
        return sources

    def _bounded(self, steps: Iterator[Step[Hit]], walk: _Walk) -> Iterator[Step[Hit]]:
        """Stops at a bound when a search without a key has looked at enough."""
        began, rows = self._stopwatch.seconds(), 0
        free = is_keyed(walk.query)
        for step in steps:
            if step.hit is None and not free:
                if rows >= self._limits.rows or self._stopwatch.seconds() - began > self._limits.seconds:
                    walk.stopped_at = step.position
                    return
                rows += _GROUP_ROWS
            yield step

    def _paged(self, walk: _Walk, items: list[Item]) -> Page:
        after, partial = b"", ""
        if len(walk.hits) > walk.query.limit:
            after = walk.hits[walk.query.limit - 1][0]
        elif walk.stopped_at:
            after = walk.stopped_at
            partial = (
                "no field of this search leads to single entries, so it looks at one after the other;"
                " it stopped before the end. Go on with the cursor, or name a key field or a shorter time."
            )
        cursor = seal_cursor(after, walk.query, self._cursor_key) if after else None
        return Page(items, cursor, partial, tuple(walk.unread[key] for key in sorted(walk.unread)))

    def _note(self, walk: _Walk, segment: KnownSegment, reason: str) -> None:
        manifest, query = segment.manifest, walk.query
        if manifest.last_us < query.from_us or manifest.first_us >= query.to_us:
            return
        key = part_of(manifest, "log").key
        first, last = rfc3339_us(manifest.first_us), rfc3339_us(manifest.last_us)
        walk.unread[key] = Unread(key, reason, first, last)

    def _completed(self, hits: list[Hit], *, whole: bool = False) -> list[Item]:
        batches: dict[int, KnownBatch] = {}
        compacted = self._whole if whole else self._of_segment
        return [
            compacted(hit)
            if isinstance(hit, Located)
            else self._of_batch(hit.item, hit.batch, hit.row, batches)
            for hit in hits
        ]

    def _of_batch(self, item: Item, n: int, row: int, batches: dict[int, KnownBatch]) -> Item:
        batch = batches.get(n) or batches.setdefault(n, self._tail.batch(n))
        entry: Entry = entry_of(item)
        placements: tuple[Placement, ...] = placements_of(entry, batch.placements, batch.header.large)
        return {
            **item,
            "object": batch.key,
            "row": row,
            "segment": None,
            "verified_at": None,
            "placements": [encode_placement(placement) for placement in placements],
        }

    def _of_segment(self, found: Located) -> Item:
        manifest, row = found.segment.manifest, found.row
        held = manifest.part("originals") if row["original"] is not None else None
        part = held or part_of(manifest, "log")
        placements = self._places.of(part.key)
        if row["large_object"]:
            placements += self._places.of(row["large_object"])
        return {
            **item_at(row),
            "object": part.key,
            "row": row["row"],
            "segment": manifest.segment,
            "verified_at": rfc3339_us(manifest.created_us),
            "placements": [encode_placement(placement) for placement in placements],
        }

    def _whole(self, found: Located) -> Item:
        row = found.row
        evidence = self._locator.evidence(found.segment, row["writer"], row["sequence"])
        sha512 = evidence.sha512[64 * row["row"] : 64 * (row["row"] + 1)].hex()
        return {**self._of_segment(found), "object": evidence.key, "sha512": sha512}


#: What one bound stands for, about: the rows of a row group.
_GROUP_ROWS = 1024


def bounds_of(query: Query) -> Bounds:
    """Positions [low, high) that the query may still return."""
    low = query.from_us.to_bytes(8)
    high = query.to_us.to_bytes(8)
    if query.after and query.order == "newest":
        high = min(high, query.after)
    elif query.after:
        low = max(low, query.after + b"\0")
    return Bounds(low, high)


def _reason(error: VanVaultError) -> str:
    names = {"Damaged": "damaged", "NotFound": "missing"}
    return names.get(type(error).__name__, "unavailable")
