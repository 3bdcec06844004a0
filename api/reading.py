"""Reads of the archive for who asks: what routes of the API and pages of the console have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import structlog

from vanvault.api.freshness import Freshness
from vanvault.api.looks import Reader
from vanvault.api.node import Node
from vanvault.archiver.catalogue import Item, Page, Query, check_there
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound, SiteUnavailable
from vanvault.recovery.holds import holds_over, known_holds
from vanvault.recovery.retention import with_due
from vanvault.recovery.searched import NearMisses, near_misses

_T = TypeVar("_T")

_log = structlog.get_logger("vanvault.api")

#: Entries of which a page says until when they are kept; each transaction is read for it.
MOST_WITH_DUE = 100
#: How far a page goes on over entries that its reader may not see: entries at once, times, seconds.
_PASSED_AT_ONCE, _MOST_PASSES, _PASSING_SECONDS = 500, 40, 2.0
_PASSED = "only entries that are not shown to you stand here so far. Go on with the cursor, or ask for less."


def search_query(given: Sequence[tuple[str, str]], cursor_key: bytes) -> Query:
    """The query of these parameters, with ``by``: receipt or occurrence. Raises InvalidInput."""
    by = [value for name, value in given if name == "by"]
    if len(by) > 1 or not set(by) <= {"receipt", "occurrence"}:
        raise InvalidInput("by is receipt or occurrence, once", field="by")
    others = [(name, value) for name, value in given if name != "by"]
    return Query.parse(others, cursor_key, by_occurrence=by == ["occurrence"])


def split_due(given: Sequence[tuple[str, str]]) -> tuple[bool, list[tuple[str, str]]]:
    """Is ``due`` asked for (until when entries are kept), and the other parameters. Raises InvalidInput."""
    due = [value for name, value in given if name == "due"]
    if len(due) > 1 or not set(due) <= {"true", "false"}:
        raise InvalidInput("due is true or false, once", field="due")
    return due == ["true"], [one for one in given if one[0] != "due"]


def find_page(node: Node, reader: Reader, query: Query, *, due: bool = False) -> tuple[Page, NearMisses]:
    """A page of what matches, and what came close where nothing does. Raises as ``Search.page``.

    A person's page goes on over entries that the person may not see until there is one to show, within
    bounds; those entries are among ``items``, so that whoever shows the page counts them as withheld.
    What came close is looked for where a person asks: a gateway asks all day for ids that are not there.

    Args:
        due: entries say until when they are kept; raises as ``with_due``, too.
    """
    page, passed = node.archive.search.page(query), list[Item]()
    if reader.person:
        page, passed = _seen_page(node, reader, query, page)
    if due:
        page = with_due(node.archive, page, most=MOST_WITH_DUE)
    page = replace(page, items=[*passed, *page.items])
    if page.items or page.next is not None:
        return page, NearMisses()
    if not reader.person:
        return page, NearMisses(complete=False)
    return page, near_misses(node.archive, query, may_see(reader))


def _seen_page(node: Node, reader: Reader, query: Query, page: Page) -> tuple[Page, list[Item]]:
    """The first page from this one on with something to show, and the entries that were passed over."""
    search, began = node.archive.search, node.archive.stopwatch.seconds()
    passed: list[Item] = []
    unread = {one.object: one for one in page.unread}
    for _ in range(_MOST_PASSES):
        late = node.archive.stopwatch.seconds() - began > _PASSING_SECONDS
        if late or page.next is None or not _goes_on(reader, page):
            break
        passed += page.items
        query = query.continued(page.next, search.cursor_key)
        ahead = search.page(replace(query, limit=_PASSED_AT_ONCE), bare=True)
        hidden = next(
            (at for at, one in enumerate(ahead.items) if reader.sight.lacks(one) is None), len(ahead.items)
        )
        if hidden == len(ahead.items):
            page = ahead
        else:  # the page that is shown begins with the first entry to show
            if hidden:
                before = search.page(replace(query, limit=hidden), bare=True)
                passed += before.items
                if before.next is not None:
                    query = query.continued(before.next, search.cursor_key)
            page = search.page(query)
        unread |= {one.object: one for one in page.unread}
    partial = _PASSED if _goes_on(reader, page) else page.partial
    return replace(page, partial=partial, unread=tuple(unread[key] for key in sorted(unread))), passed


def _goes_on(reader: Reader, page: Page) -> bool:
    """Is there nothing to show on a page, and more after it?"""
    if page.next is None or page.partial:
        return False
    return all(reader.sight.lacks(one) is not None for one in page.items)


def seen_entry(node: Node, reader: Reader, entry_id: str) -> Item:
    """An entry that the reader may see; to a gateway another's is as if it were not there.

    Raises AccessDenied (a person), EntryDisposed, and as the search does.
    """
    item = node.archive.search.entry(entry_id)
    if reader.gateway and item["gateway"] != reader.gateway:
        raise NotFound(f"the archive holds no entry {entry_id}")
    reader.sight.check(item)
    check_there(item)
    return item


def own_holds(node: Node, items: Sequence[Item]) -> dict[str, tuple[str, ...] | None]:
    """Ids of the archive's holds over each of these entries, by id; None: it is not known whether there are.

    The stores tell their own as ``held``.
    """
    try:
        book = known_holds(node.archive)
    except (SiteUnavailable, Damaged) as error:  # the page stands without them, and says neither yes nor no
        _log.warning("holds cannot be read", kind=type(error).__name__)
        return dict.fromkeys((item["id"] for item in items), None)
    nothing = None if book.lacking or book.unclear else ()
    return {item["id"]: tuple(one.id for one in holds_over(book, [item])) or nothing for item in items}


def may_see(reader: Reader) -> Callable[[Item], bool]:
    """Of which entries the reader may be told that they are there."""
    return lambda item: reader.gateway in ("", item["gateway"]) and reader.sight.lacks(item) is None


async def read_fresh(node: Node, work: Callable[[Freshness], _T]) -> _T:
    """Run a read, once what was acknowledged so far is searchable or is known not to be."""
    return await run_read(node, lambda: work(Freshness.awaited(node)))


async def run_read(node: Node, work: Callable[[], _T]) -> _T:
    """Run what may wait for a site."""
    return await asyncio.get_running_loop().run_in_executor(node.threads.reads, work)
