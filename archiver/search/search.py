"""Runs a query over the hot tail: pages of items, a transaction's timeline, one message."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vanvault.archiver.evidence.receipts import placements_of
from vanvault.archiver.format.batch import encode_placement
from vanvault.archiver.model.batch import Placement
from vanvault.archiver.model.entry import Entry
from vanvault.archiver.search.folded import KnownBatch
from vanvault.archiver.search.hot_tail import HotTail
from vanvault.archiver.search.items import Item, entry_of, keys_of_filters, matches
from vanvault.archiver.search.query import MAX_LIMIT, Query, seal_cursor
from vanvault.archiver.search.token_blocks import intersection

#: Rows that one statement fetches; more are fetched while tokens that merely collide are thrown out.
_CHUNK = 256
_ENTRY = (
    "SELECT position, batch, row, sealed FROM entry WHERE position = ?"
    " AND position NOT IN (SELECT position FROM duplicate)"
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search."""

    items: list[Item]
    next: str | None  # cursor of the next page, or None when this was the last


class Search:
    """Reads of what is folded, as JSON values ready for people and wires."""

    def __init__(self, tail: HotTail, cursor_key: bytes) -> None:
        self._tail = tail
        self._cursor_key = cursor_key

    @property
    def cursor_key(self) -> bytes:
        """The key under which this search's cursors are sealed."""
        return self._cursor_key

    def page(self, query: Query) -> Page:
        """The next ``query.limit`` matching items after ``query.after``."""
        found: list[tuple[bytes, Item, int, int]] = []
        after = query.after
        while len(found) <= query.limit:
            rows = self._fetch(replace(query, after=after), min(_CHUNK, query.limit + 1))
            for position, batch, row, sealed in rows:
                item = self._tail.unseal(position, sealed)
                if matches(item, query.filters):
                    found.append((position, item, batch, row))
                after = position
            if len(rows) < min(_CHUNK, query.limit + 1):
                break
        page = found[: query.limit]
        batches: dict[int, KnownBatch] = {}
        items = [self._complete(item, batch, row, batches) for _, item, batch, row in page]
        more = len(found) > query.limit
        return Page(items, seal_cursor(page[-1][0], query, self._cursor_key) if more else None)

    def entry(self, archive_id: str) -> Item:
        """One entry by the archive's id. Raises NotFound, InvalidInput."""
        item, batch, row = self._tail.by_id(archive_id)
        return self._complete(item, batch, row, {})

    def timeline(self, transaction_id: str, gateway: str = "") -> list[Item]:
        """Everything of one transaction, oldest first; of one gateway only, when named."""
        filters = {"transaction_id": transaction_id} | ({"gateway": gateway} if gateway else {})
        query = Query(filters=filters, order="oldest", limit=MAX_LIMIT)
        items: list[Item] = []
        while True:
            rows = self._fetch(query, MAX_LIMIT)
            batches: dict[int, KnownBatch] = {}
            for position, batch, row, sealed in rows:
                item = self._tail.unseal(position, sealed)
                if matches(item, query.filters):
                    items.append(self._complete(item, batch, row, batches))
            if len(rows) < MAX_LIMIT:
                return items
            query = replace(query, after=rows[-1][0])

    def _complete(self, item: Item, n: int, row: int, batches: dict[int, KnownBatch]) -> Item:
        batch = batches.get(n) or batches.setdefault(n, self._tail.batch(n))
        entry: Entry = entry_of(item)
        placements: tuple[Placement, ...] = placements_of(entry, batch.placements, batch.header.large)
        return {
            **item,
            "object": batch.key,
            "row": row,
            "placements": [encode_placement(placement) for placement in placements],
        }

    def _fetch(self, query: Query, limit: int) -> list[tuple[bytes, int, int, bytes]]:
        """Up to ``limit`` rows (position, batch, row, sealed), in order."""
        low, high = _bounds(query)
        newest = query.order == "newest"
        tokens = [self._tail.token(field, value) for field, value in keys_of_filters(query.filters)]
        with self._tail.snapshot() as connection:
            if not tokens:
                return connection.execute(
                    "SELECT position, batch, row, sealed FROM entry WHERE position >= ? AND position < ?"
                    " AND position NOT IN (SELECT position FROM duplicate)"
                    f" ORDER BY position {'DESC' if newest else 'ASC'} LIMIT ?",
                    (low, high, limit),
                ).fetchall()
            rows = []
            for position in intersection(connection, tokens, low, high, newest=newest):
                row = connection.execute(_ENTRY, (position,)).fetchone()
                if row is not None:
                    rows.append(row)
                if len(rows) == limit:
                    break
            return rows


def _bounds(query: Query) -> tuple[bytes, bytes]:
    """Positions [low, high) that the query may still return."""
    low = query.from_us.to_bytes(8)
    high = query.to_us.to_bytes(8)
    if query.after and query.order == "newest":
        high = min(high, query.after)
    elif query.after:
        low = max(low, query.after + b"\0")
    return low, high
