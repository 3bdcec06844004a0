"""Reads of the archive for who asks: what routes of the API and pages of the console have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from vanvault.api.freshness import Freshness
from vanvault.api.looks import Reader
from vanvault.api.node import Node
from vanvault.archiver.catalogue import Item, Page, Query, check_there
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.recovery.searched import NearMisses, near_misses

_T = TypeVar("_T")

#: Entries of which a page says until when they are kept; each transaction is read for it.
MOST_WITH_DUE = 100


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


def find_page(node: Node, reader: Reader, query: Query) -> tuple[Page, NearMisses]:
    """A page of what matches, and what came close where nothing does. Raises as ``Search.page``.

    What came close is looked for where a person asks: a gateway asks all day for ids that are not there.
    """
    page = node.archive.search.page(query)
    if page.items or page.next is not None:
        return page, NearMisses()
    if not reader.person:
        return page, NearMisses(complete=False)
    return page, near_misses(node.archive, query, may_see(reader))


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


def may_see(reader: Reader) -> Callable[[Item], bool]:
    """Of which entries the reader may be told that they are there."""
    return lambda item: reader.gateway in ("", item["gateway"]) and reader.sight.lacks(item) is None


async def read_fresh(node: Node, work: Callable[[Freshness], _T]) -> _T:
    """Run a read, once what was acknowledged so far is searchable or is known not to be."""
    return await run_read(node, lambda: work(Freshness.awaited(node)))


async def run_read(node: Node, work: Callable[[], _T]) -> _T:
    """Run what may wait for a site."""
    return await asyncio.get_running_loop().run_in_executor(node.threads.reads, work)
