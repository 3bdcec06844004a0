"""The plain way to search: decode every batch at a site and look at every entry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.catalogue.search.entries import item_of

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Page, Query
from vanvault.archiver.catalogue.hot_tail import position_of
from vanvault.archiver.catalogue.items import matches
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Entry
from vanvault.archiver.core.names import batch_prefix


@dataclass(frozen=True)
class Scanned:
    """An entry that stands, and where it stands in time."""

    position: bytes
    entry: Entry
    item: dict[str, Any]


def scan(archive: Archive) -> list[Scanned]:
    """Every entry of every batch at the primary, oldest first, without those that repeat an earlier one."""
    found: list[Scanned] = []
    for version in archive.sites["primary"].list(batch_prefix()):
        data = archive.sites["primary"].get(version.key)
        batch = decode_batch(version.key, data, archive.parquet, bodies=False)
        writer = batch.header.writer
        found += [Scanned(position_of(entry, writer), entry, item_of(entry)) for entry in batch.entries]
    found.sort(key=lambda one: one.position)
    first: dict[tuple[str, str, str], Scanned] = {}
    for one in found:
        first.setdefault((one.item["entry"], one.entry.gateway, one.entry.client_id), one)
    return [
        one
        for one in found
        if (stands := first[one.item["entry"], one.entry.gateway, one.entry.client_id]) is one
        or stands.entry.sha256 != one.entry.sha256
    ]


def expected(scanned: list[Scanned], query: Query) -> list[str]:
    """Ids that a query means, in its order."""
    found = [
        one.entry.id
        for one in scanned
        if matches(one.item, query.filters) and query.from_us <= one.entry.received_us < query.to_us
    ]
    return found[::-1] if query.order == "newest" else found


class Pager:
    """Reads one query page by page, as slowly as a test likes."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.found: list[str] = []
        self.done = False

    def next(self, archive: Archive) -> Page | None:
        """One page more; None when there is none."""
        if self.done:
            return None
        page = archive.search.page(self.query)
        assert len(page.items) <= self.query.limit
        self.found += [item["id"] for item in page.items]
        self.done = page.next is None
        if page.next is not None:
            after = self.query.continued(page.next, archive.search.cursor_key).after
            assert after != self.query.after
            self.query = replace(self.query, after=after)
        return page

    def rest(self, archive: Archive, *, whole: bool = True) -> list[str]:
        """All that is left; ``whole``: nothing may be said to be missing."""
        while (page := self.next(archive)) is not None:
            assert not whole or not page.unread
        return self.found


def search_all(archive: Archive, query: Query) -> list[str]:
    """Every page of a query, none of which lacks anything."""
    return Pager(query).rest(archive)
