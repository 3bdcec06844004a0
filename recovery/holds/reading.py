"""What is known of holds, and which of them are over an entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, Query, matches
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.journal import recorded_history
from vanvault.archiver.retention import HOLD_EVENTS, Hold, HoldBook, fold_holds


def known_holds(archive: ArchiveReader) -> HoldBook:
    """All holds on record; ``lacking`` names what could not be read.

    Raises SiteUnavailable, Damaged (the index).
    """
    history = recorded_history(archive.search, HOLD_EVENTS)
    return replace(fold_holds(history.events), lacking=tuple(one.object for one in history.unread))


def holds_over(book: HoldBook, items: Iterable[Item]) -> tuple[Hold, ...]:
    """Those in force that are over one of these entries at least, the oldest first."""
    known = list(items)
    return tuple(hold for hold in book.in_force() if any(_is_over(hold, item) for item in known))


def held_items(archive: ArchiveReader, hold: Hold) -> Iterator[Item]:
    """Every entry that a hold is over, with where it lies now. Raises Damaged, SiteUnavailable."""
    search = archive.search
    for id in hold.scope.entries:
        try:
            yield search.entry(id)
        except NotFound:
            continue
    if hold.scope.entries:
        return
    end = Query.NO_END_US if hold.ends_us is None else hold.ends_us
    if end <= hold.scope.from_us:
        return
    query = Query(
        filters=dict(hold.scope.filters), from_us=hold.scope.from_us, to_us=end, limit=Query.MAX_LIMIT
    )
    while True:
        page = search.page(query)
        if page.unread:
            missing = page.unread[0]
            raise Damaged(
                f"what is held cannot be found whole: {missing.object} is {missing.reason}",
                key=missing.object,
            )
        yield from page.items
        if page.next is None:
            return
        query = query.continued(page.next, search.cursor_key)


def count_held(archive: ArchiveReader, hold: Hold, most: int | None = None) -> int:
    """How many entries a hold is over now; ``most``: no more are counted. Raises Damaged, SiteUnavailable."""
    return sum(1 for _ in islice(held_items(archive, hold), most))


def _is_over(hold: Hold, item: Item) -> bool:
    scope = hold.scope
    if scope.entries:
        return item["id"] in scope.entries
    received, end = to_us(parse_rfc3339(item["received_at"])), hold.ends_us
    if received < scope.from_us or (end is not None and received >= end):
        return False
    return matches(item, dict(scope.filters))
