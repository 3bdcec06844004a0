"""A query over the hot tail, as a source of hits in time order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from vanvault.archiver.catalogue.hot_tail.reader import TailReader
from vanvault.archiver.catalogue.hot_tail.token_blocks import intersection
from vanvault.archiver.catalogue.items import Item, keys_of_filters, matches
from vanvault.archiver.catalogue.search.bounds import Bounds
from vanvault.archiver.catalogue.search.query import Query
from vanvault.archiver.catalogue.search.streams import Source, Step

#: Rows that one statement fetches.
_CHUNK = 256
#: Rows without a match until the search is told how far it is.
_BETWEEN_BOUNDS = 1024
_STANDING = " AND position NOT IN (SELECT position FROM duplicate)"


@dataclass(frozen=True, slots=True)
class TailHit:
    """An entry of the hot tail."""

    item: Item
    batch: int
    row: int


def tail_source(tail: TailReader, query: Query, bounds: Bounds) -> Source[TailHit]:
    """The hot tail's hits. To be walked within one ``snapshot`` of it, on the same thread."""
    bound = bounds.high if query.order == "newest" else bounds.low
    return Source(bound, lambda: _steps(tail, query, bounds))


def _steps(tail: TailReader, query: Query, bounds: Bounds) -> Iterator[Step[TailHit]]:
    looked_at = 0
    for position, batch, row, sealed in _rows(tail, query, bounds):
        item = tail.unseal(position, sealed)
        if matches(item, query.filters):
            yield Step(position, TailHit(item, batch, row))
            continue
        looked_at += 1
        if looked_at % _BETWEEN_BOUNDS == 0:
            yield Step(position)  # a search that finds little may stop here, and go on later


def _rows(tail: TailReader, query: Query, bounds: Bounds) -> Iterator[tuple[bytes, int, int, bytes]]:
    newest = query.order == "newest"
    connection = tail.connection()
    tokens = [tail.token(field, value) for field, value in keys_of_filters(query.filters)]
    if not tokens:
        yield from _in_time(connection, bounds, newest=newest)
        return
    for position in intersection(connection, tokens, bounds.low, bounds.high, newest=newest):
        found = connection.execute(
            f"SELECT position, batch, row, sealed FROM entry WHERE position = ?{_STANDING}", (position,)
        ).fetchone()
        if found is not None:
            yield found


def _in_time(
    connection: sqlite3.Connection, bounds: Bounds, *, newest: bool
) -> Iterator[tuple[bytes, int, int, bytes]]:
    low, high = bounds.low, bounds.high
    while True:
        rows = connection.execute(
            f"SELECT position, batch, row, sealed FROM entry WHERE position >= ? AND position < ?{_STANDING}"
            f" ORDER BY position {'DESC' if newest else 'ASC'} LIMIT {_CHUNK}",
            (low, high),
        ).fetchall()
        yield from rows
        if len(rows) < _CHUNK:
            return
        if newest:
            high = rows[-1][0]
        else:
            low = rows[-1][0] + b"\0"
