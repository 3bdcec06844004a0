"""What takes long to read: nobody waits for it longer than their patience, and it is told with its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vanvault.api.node import Node
from vanvault.api.remembered import LongRead, Remembered
from vanvault.archiver.core.errors import Busy, Damaged

BEGAN = datetime(2026, 12, 1, 3, tzinfo=UTC)


class Listing:
    """A listing that ends when it may, and a node whose clock stands still until it is moved."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.may_end, self.begun = Event(), 0
        self.now = BEGAN
        self.error: Exception | None = None
        clock = SimpleNamespace(now=lambda: self.now)
        pools = SimpleNamespace(listings=threads, reads=threads)
        self.node = cast(Node, SimpleNamespace(archive=SimpleNamespace(clock=clock), threads=pools))

    def read(self, node: Node) -> int:
        self.begun += 1
        self.may_end.wait()
        if self.error is not None:
            raise self.error
        return self.begun

    def what(self, **changed: Any) -> LongRead[int]:
        return replace(LongRead("the forecast", self.read, 60.0, 0.0, lists_sites=True), **changed)


def run(tell: Callable[[Listing], Awaitable[None]]) -> None:
    with ThreadPoolExecutor(1) as threads:
        listing = Listing(threads)
        try:
            asyncio.run(cast(Any, tell(listing)))
        finally:
            listing.may_end.set()


async def read_at_last(found: Remembered[int], listing: Listing) -> int:
    while True:
        try:
            return (await found.of(listing.node)).value
        except Busy:
            await asyncio.sleep(0)


def test_the_first_who_asks_is_told_that_it_is_being_read_and_it_is_read_once() -> None:
    async def tell(listing: Listing) -> None:
        found = Remembered(listing.what())
        for _ in range(3):
            with pytest.raises(Busy, match="the forecast is being read") as raised:
                await found.of(listing.node)
            assert raised.value.retry_after
        listing.may_end.set()
        assert await read_at_last(found, listing) == 1
        assert (await found.of(listing.node)).at == BEGAN

    run(tell)


def test_what_is_old_is_told_once_more_while_it_is_read_again() -> None:
    async def tell(listing: Listing) -> None:
        found = Remembered(listing.what(patience_s=None))
        listing.may_end.set()
        assert (await found.of(listing.node)).value == 1
        listing.may_end.clear()
        listing.now += timedelta(seconds=61)
        for _ in range(2):
            old = await found.of(listing.node)
            assert (old.value, old.at) == (1, BEGAN)
        listing.may_end.set()
        while (await found.of(listing.node)).value == 1:
            await asyncio.sleep(0)
        assert (await found.of(listing.node)).at == listing.now
        assert listing.begun == 2

    run(tell)


def test_what_it_follows_makes_it_be_read_again_and_is_waited_for_with_patience() -> None:
    async def tell(listing: Listing) -> None:
        on_record = ["first"]
        found = Remembered(listing.what(patience_s=None, follows=lambda node: on_record[-1]))
        listing.may_end.set()
        assert [(await found.of(listing.node)).value for _ in range(2)] == [1, 1]
        on_record.append("second")
        assert [(await found.of(listing.node)).value for _ in range(2)] == [2, 2]
        on_record.append("third")
        listing.may_end.clear()
        assert (await found.of(listing.node, 0.0)).value == 2, "told with its time while it is read"

    run(tell)


def test_a_reading_that_was_stopped_is_tried_again_for_what_changed() -> None:
    async def tell(listing: Listing) -> None:
        on_record = ["first"]
        found = Remembered(listing.what(patience_s=None, follows=lambda node: on_record[-1]))
        listing.may_end.set()
        assert (await found.of(listing.node)).value == 1
        on_record.append("second")
        listing.error = Damaged("it cannot be read")
        assert (await found.of(listing.node)).value == 1
        listing.error = None
        assert (await found.of(listing.node)).value == 3

    run(tell)


def test_what_cannot_be_followed_is_read_again_by_its_age_alone() -> None:
    async def tell(listing: Listing) -> None:
        def follows(node: Node) -> str:
            raise Damaged("the record cannot be read")

        found = Remembered(listing.what(patience_s=None, follows=follows))
        listing.may_end.set()
        assert [(await found.of(listing.node)).value for _ in range(2)] == [1, 1]

    run(tell)


def test_what_stops_the_first_reading_is_told_and_what_stops_a_later_one_takes_nothing_away() -> None:
    async def tell(listing: Listing) -> None:
        found = Remembered(listing.what(patience_s=None, fresh_s=0.0))
        listing.error = Damaged("it cannot be read")
        listing.may_end.set()
        with pytest.raises(Damaged):
            await found.of(listing.node)
        listing.error = None
        assert (await found.of(listing.node)).value == 2
        listing.error = Damaged("it cannot be read")
        listing.now += timedelta(seconds=1)
        for _ in range(3):
            assert (await found.of(listing.node)).value == 2

    run(tell)
