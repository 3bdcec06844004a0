"""Runs a query over everything: what is compacted through the ten-year index, the rest through the hot tail.

One read transaction of the hot tail's file fixes what is in which of the two, so each entry is found once
while messages arrive and while segments are compacted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from vanvault.archiver.catalogue.catalogue import Catalogue, CatalogueState, KnownSegment
from vanvault.archiver.catalogue.hot_tail import HotTail, KnownBatch, TailRow, WrongClock
from vanvault.archiver.catalogue.items import POSITION_BYTES, Item
from vanvault.archiver.catalogue.key_index import KeyIndex
from vanvault.archiver.catalogue.search.candidates import candidates, first_window, is_keyed
from vanvault.archiver.catalogue.search.copies import CopyLookup
from vanvault.archiver.catalogue.search.hits import FindVerification, FoundEntry, Hits, in_batch, in_segment
from vanvault.archiver.catalogue.search.query import (
    MAX_LIMIT,
    Bounds,
    Query,
    Unread,
    bounds_of,
    seal_cursor,
    unread_of,
    unread_segment,
    windows,
)
from vanvault.archiver.catalogue.search.sources import (
    SegmentSearch,
    Source,
    SourceStep,
    merge_sources,
    tail_source,
)
from vanvault.archiver.catalogue.search.true_order import in_true_order
from vanvault.archiver.catalogue.segments.disposed import member_of
from vanvault.archiver.catalogue.segments.locate import Located, Locator
from vanvault.archiver.catalogue.segments.rows import item_at
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.model import ResidueRow
from vanvault.archiver.core.options import ScanLimits
from vanvault.archiver.core.ports import Stopwatch

Hit = TailRow | Located


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search."""

    items: list[Item]
    next: str | None  # cursor of the next page, or None when this was the last
    partial: str = ""  # why the page ends before its limit though there may be more: go on with ``next``
    unread: tuple[Unread, ...] = ()


@dataclass(slots=True)
class _Walk:
    """One page in the making."""

    query: Query
    hits: list[tuple[bytes, Hit]] = field(default_factory=list)
    stopped_at: bytes = b""  # where the scan was broken off
    unread: dict[str, Unread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchSources:
    """What a search reads."""

    tail: HotTail
    catalogue: Catalogue
    index: KeyIndex
    segments: SegmentSearch
    locator: Locator


class Search:
    """Reads of the whole archive, as JSON values ready for people and wires."""

    def __init__(
        self,
        sources: SearchSources,
        copies: CopyLookup,
        *,
        cursor_key: bytes,
        stopwatch: Stopwatch,
        limits: ScanLimits,
    ) -> None:
        self._tail = sources.tail
        self._catalogue = sources.catalogue
        self._index = sources.index
        self._segments = sources.segments
        self._locator = sources.locator
        self._hits = Hits(copies)
        self._cursor_key = cursor_key
        self._stopwatch = stopwatch
        self._limits = limits

    @property
    def cursor_key(self) -> bytes:
        """The key under which this search's cursors are sealed."""
        return self._cursor_key

    def wrong_clocks(self) -> dict[str, WrongClock]:
        """Writers whose clock was ahead, as accepted: their later times tell no order among others'."""
        return self._tail.wrong_clocks()

    def count_verifications(self, verified_at: FindVerification) -> None:
        """From now on ``verified_at`` of a hit uses this source of verifications."""
        self._hits.verified_at = verified_at

    def page(self, query: Query, *, whole: bool = False, bare: bool = False) -> Page:
        """The next ``query.limit`` matching items after ``query.after``.

        ``whole``: with what lies with the evidence, too: SHA-512, and the batch as receipts name it.
        ``bare``: no site is asked where the hits lie and whether they are held, for those who look up
        entries of the archive's own.

        Damaged or absent segments are named in ``unread``; a search without a key that takes too long
        ends early, ``partial``, with a cursor.

        Raises SiteUnavailable, Damaged: the index itself cannot be read.
        """
        walk = _Walk(query)
        with self._tail.snapshot() as connection:
            state = self._catalogue.state(connection)
            steps = merge_sources(self._sources(walk, state), newest=query.order == "newest")
            for step in self._bounded(steps, walk):
                if step.hit is None or (walk.hits and walk.hits[-1][0] == step.position):
                    continue
                if query.occurred is not None and not query.occurred_then(_told(step.hit)):
                    continue
                walk.hits.append((step.position, step.hit))
                if len(walk.hits) > query.limit:
                    break
            found = self._found([hit for _, hit in walk.hits[: query.limit]], walk, whole=whole)
        return self._paged(walk, self._hits.complete(found, bare=bare))

    def every(self, query: Query, unread: Callable[[Unread], None] | None = None) -> Iterator[Item]:
        """All matching items after ``query.after``, page after page, as ``page`` gives them with ``bare``.

        ``unread``: is told, maybe more than once, what could not be looked at. Raises as ``page`` does.
        """
        query = replace(query, limit=MAX_LIMIT)
        while True:
            page = self.page(query, bare=True)
            if unread is not None:
                for one in page.unread:
                    unread(one)
            yield from page.items
            if page.next is None:
                return
            query = query.continued(page.next, self._cursor_key)

    def at(self, position: bytes) -> Item:
        """The entry at a position, without where it lies. Raises as ``entry`` does."""
        try:
            return self._tail.at(position)[0]
        except NotFound:
            located = self._locator.at(position)
            disposed = self._locator.disposed(located)
            return item_at(located.row) | ({"disposed": member_of(disposed)} if disposed else {})

    def entry(self, archive_id: str) -> Item:
        """One entry by the archive's id. Raises NotFound, InvalidInput, Damaged, SiteUnavailable."""
        try:
            item, batch, row = self._tail.by_id(archive_id)
            found = in_batch(item, row, self._tail.batch(batch))
        except NotFound:
            located = self._locator.by_id(archive_id)
            found = self._whole(located, self._locator.disposed(located))
        return self._hits.complete([found])[0]

    def timeline(self, transaction_id: str, gateway: str = "") -> Page:
        """Everything of one transaction, oldest first, on one page; of one gateway only, when named.

        What was written under a clock ahead stands where that was accepted (``true_order.py``).

        Raises as ``page`` does.
        """
        filters = {"transaction_id": transaction_id} | ({"gateway": gateway} if gateway else {})
        query = Query(filters=filters, order="oldest", limit=MAX_LIMIT)
        items: list[Item] = []
        unread: dict[str, Unread] = {}
        while True:
            walk = _Walk(query, unread=unread)
            with self._tail.snapshot() as connection:
                state = self._catalogue.state(connection)
                for step in merge_sources(self._sources(walk, state), newest=False):
                    if step.hit is not None and not (walk.hits and walk.hits[-1][0] == step.position):
                        walk.hits.append((step.position, step.hit))
                    if len(walk.hits) == query.limit:
                        break
                found = self._found([hit for _, hit in walk.hits], walk)
            items += self._hits.complete(found)
            if len(walk.hits) < query.limit:
                items = in_true_order(items, self.wrong_clocks())
                return Page(items, None, unread=tuple(unread[key] for key in sorted(unread)))
            query = replace(query, after=walk.hits[-1][0])

    def _sources(self, walk: _Walk, state: CatalogueState) -> list[Source[Hit]]:
        query = walk.query
        bounds = bounds_of(query)
        sources: list[Source[Hit]] = [tail_source(self._tail, query, bounds)]
        for segment in self._catalogue.unheld(self._tail.connection(), state):
            self._note(walk, segment, "not indexed yet")
        for lost in self._tail.lost_batches.known():
            if lost.until_us >= query.from_us and lost.from_us < query.to_us:
                walk.unread[lost.name] = unread_of(lost)
        if state.by_log:
            bound = bounds.high if query.order == "newest" else bounds.low
            sources.append(Source(bound, lambda: self._compacted(walk, state, bounds)))
        return sources

    def _compacted(self, walk: _Walk, state: CatalogueState, bounds: Bounds) -> Iterator[SourceStep[Located]]:
        query, newest = walk.query, walk.query.order == "newest"

        def unreadable(segment: KnownSegment, error: VanVaultError) -> None:
            self._note(walk, segment, error)

        count = len(state.starts)
        first, lacking = self._index.ask(state.logs, lambda reader: first_window(reader, query, count))
        for log in lacking:
            self._note(walk, state.by_log[log], "not indexed yet")
        for window in windows(state.starts, bounds, first, newest=newest):
            found, _ = self._index.ask(
                state.logs,
                lambda reader, window=window: candidates(reader, query, state, window),  # type: ignore[misc]
            )
            with self._segments.sources(found, query, window, unreadable) as sources:
                yield from merge_sources(sources, newest=newest)

    def _bounded(self, steps: Iterator[SourceStep[Hit]], walk: _Walk) -> Iterator[SourceStep[Hit]]:
        """Stop at a bound once the limits are reached, but only after some progress."""
        began, rows = self._stopwatch.seconds(), 0
        most = None if is_keyed(walk.query) else self._limits.rows
        start = b""
        for step in steps:
            if step.hit is None:
                start = start or step.position
                enough = most is not None and rows >= most
                enough = enough or self._stopwatch.seconds() - began > self._limits.seconds
                if enough and step.position != start:
                    walk.stopped_at = _stop(step.position, walk)
                    return
                rows += _GROUP_ROWS
            yield step

    def _paged(self, walk: _Walk, items: list[Item]) -> Page:
        after, partial = b"", ""
        if len(walk.hits) > walk.query.limit:
            after = walk.hits[walk.query.limit - 1][0]
        elif walk.stopped_at:
            after = walk.stopped_at
            partial = _KEYED if is_keyed(walk.query) else _UNKEYED
        cursor = seal_cursor(after, walk.query, self._cursor_key) if after else None
        return Page(items, cursor, partial, tuple(walk.unread[key] for key in sorted(walk.unread)))

    def _note(self, walk: _Walk, segment: KnownSegment, reason: str | VanVaultError) -> None:
        manifest, query = segment.manifest, walk.query
        if manifest.last_us < query.from_us or manifest.first_us >= query.to_us:
            return
        one = unread_segment(segment, reason)
        walk.unread[one.object] = one

    def _disposed(self, hit: Located, walk: _Walk) -> ResidueRow | None:
        """What was let go of in an entry; where nobody can say, its segment is told as not read."""
        try:
            return self._locator.disposed(hit)
        except (Damaged, SiteUnavailable) as error:
            self._note(walk, hit.segment, error)
            return None

    def _found(self, hits: list[Hit], walk: _Walk, *, whole: bool = False) -> list[FoundEntry]:
        batches: dict[int, KnownBatch] = {}
        compacted = self._whole if whole else in_segment
        return [
            compacted(hit, self._disposed(hit, walk))
            if isinstance(hit, Located)
            else in_batch(
                hit.item,
                hit.row,
                batches.get(hit.batch) or batches.setdefault(hit.batch, self._tail.batch(hit.batch)),
            )
            for hit in hits
        ]

    def _whole(self, hit: Located, disposed: ResidueRow | None) -> FoundEntry:
        row, found = hit.row, in_segment(hit, disposed)
        evidence = self._locator.evidence(hit.segment, row["writer"], row["sequence"])
        sha512 = evidence.sha512[64 * row["row"] : 64 * (row["row"] + 1)].hex()
        return replace(found, item={**found.item, "object": evidence.key, "sha512": sha512})


_UNKEYED = (
    "no field of this search leads to single entries, so it looks at one after the other; it stopped before"
    " the end. Go on with the cursor, or name a key field or a shorter time."
)
_KEYED = (
    "so many entries have the key of this search that it stopped before the end. Go on with the cursor, or"
    " name another field or a shorter time."
)

#: What one bound stands for, about: the rows of a row group.
_GROUP_ROWS = 1024


def _told(hit: Hit) -> Mapping[str, object]:
    """What is known of a hit without asking for more: an item, or the row of a segment."""
    return hit.row if isinstance(hit, Located) else hit.item


def _stop(position: bytes, walk: _Walk) -> bytes:
    """Cursor of the next page: never before this page's last hit."""
    whole = position.ljust(POSITION_BYTES, b"\0")[:POSITION_BYTES]
    if not walk.hits:
        return whole
    last = walk.hits[-1][0]
    return min(whole, last) if walk.query.order == "newest" else max(whole, last)
