"""An empty hot tail is filled newest first; meanwhile it is known of when is what is missing."""

from __future__ import annotations

import unittest.mock
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.archives import Home, Node, message
from tests.support.names import batch_key

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.filling import NewestFirst, read_ahead
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.times import parse_rfc3339, to_us


class Watched:
    """A site that tells which object is about to be read."""

    def __init__(self, site: Any, told: Callable[[str], None]) -> None:
        self._site = site
        self._told = told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def get(self, key: str, *arguments: Any, **options: Any) -> bytes:
        self._told(key)
        data: bytes = self._site.get(key, *arguments, **options)
        return data


@pytest.fixture
def receipts(home: Home) -> list[Receipt]:
    """Two writers, three messages of each, in a batch each, twenty minutes apart. The cache is lost then."""
    found = []
    for writer in range(2):
        with Node(home.archive()) as node:
            node.wait_ready()
            for number in range(3):
                found.append(node.push(message(f"m-{writer}-{number}", b"<x>%d%d</x>" % (writer, number))))
                home.clock.advance(timedelta(minutes=20))
    home.forget_hot_tail()
    return found


@pytest.fixture
def one_by_one() -> Iterator[None]:
    """Each batch is folded before the next one is read."""
    with (
        unittest.mock.patch("vanvault.archiver.catalogue.fold.APPLY_ROWS", 1),
        unittest.mock.patch("vanvault.archiver.catalogue.filling.AHEAD", 0),
    ):
        yield


def watched(home: Home, told: Callable[[str], None]) -> Archive:
    return home.archive({name: Watched(site, told) for name, site in home.sites.items()})


@pytest.mark.usefixtures("one_by_one")
def test_the_newest_are_found_while_the_rest_is_read_and_the_times_of_the_rest_are_told(
    home: Home, receipts: list[Receipt]
) -> None:
    seen: dict[int, tuple[set[int], tuple[int, int]]] = {}
    keys = [receipt["object"] for receipt in receipts]

    def told(key: str) -> None:
        if key in keys:
            known = {keys.index(one) for one in archive.tail.knows(keys)}
            seen.setdefault(keys.index(key), (known, archive.unfolded()))

    archive = watched(home, told)
    archive.catch_up()
    times = [to_us(parse_rfc3339(receipt["received_at"])) for receipt in receipts]
    for number, (known, (first, last)) in seen.items():
        assert known == set(range(number + 1, 6))
        assert first <= times[0]
        assert times[number] <= last
        if number < 2:  # of a writer of which nothing is folded it is not known when it ended
            assert last <= times[number + 1]
    assert set(seen) == set(range(6))
    assert not archive.behind


@pytest.mark.usefixtures("one_by_one")
def test_a_first_fold_that_broke_off_is_gone_on_with(home: Home, receipts: list[Receipt]) -> None:
    failing = [receipts[1]["object"]]

    def told(key: str) -> None:
        if key in failing:
            raise MemoryError("the process ends here")

    archive = watched(home, told)
    with pytest.raises(MemoryError):
        archive.catch_up()
    assert archive.behind
    found = archive.search.page(Query({"gateway": "gateway-1"})).items
    assert [item["id"] for item in found] == [receipt["id"] for receipt in receipts[:1:-1]]
    failing.clear()
    archive.catch_up()
    found = archive.search.page(Query({"gateway": "gateway-1"})).items
    assert [item["id"] for item in found] == [receipt["id"] for receipt in receipts[::-1]]


def test_what_was_passed_over_may_be_of_any_time() -> None:
    keys = [batch_key("0123456789abcdef", number, "messages", bytes(32)) for number in range(3)]
    filling = NewestFirst([(key, None) for key in keys])
    assert [key for key, _ in filling] == keys[::-1]
    filling.folded(keys[2])
    assert filling.times(lambda numbers, now_us: (numbers[1], numbers[2]), 9) == (0, 1)
    filling.passed_over()
    assert filling.times(lambda numbers, now_us: (numbers[1], numbers[2]), 9) == (0, 9)


def test_what_is_read_ahead_comes_in_order_and_an_error_in_its_place() -> None:
    def work(key: str, number: int) -> int:
        if number == 3:
            raise Damaged("it is not whole", key=key)
        return number * 10

    found: list[int | str] = []
    for key, result in read_ahead([(f"k-{n}", n) for n in range(9)], work, lambda n: n % 4 == 0):
        try:
            found.append(result())
        except Damaged:
            found.append(key)
    assert found == [0, 10, 20, "k-3", 40, 50, 60, 70, 80]
