"""The same id at two nodes at once: one logical entry, whatever is compacted when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.catalogue.search.brute import expected, scan, search_all
from tests.support.archives import Node, memory_home, message, second_home

from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.times import to_us
from vanvault.archiver.upkeep import compact


def test_a_repeat_stays_hidden_when_the_first_was_compacted_long_before(tmp_path: Path) -> None:
    with memory_home(tmp_path / "one") as home, second_home(home, tmp_path / "two") as other:
        one, two = home.archive(), other.archive()
        with Node(two) as late:
            late.wait_ready()  # it stays open, and does not hear of what the first node takes
            with Node(one) as node:
                node.wait_ready()
                first = node.push(message("m-1", b"<same/>"))
            home.clock.advance(timedelta(days=1))
            again = late.push(message("m-1", b"<same/>", received_us=to_us(home.clock.now())))
        assert again["id"] != first["id"]
        home.clock.advance(timedelta(days=1))
        one.catch_up(settle=True)
        cut = one.tail.last_received_us() + 1
        query = Query({"message_id": "m-1"}, to_us=cut)
        assert search_all(one, query) == expected(scan(one), query) == [first["id"]]
        compact(one, until=home.clock.now() - timedelta(days=1))
        assert one.catalogue.counts()["segments"] == 1
        assert search_all(one, query) == [first["id"]]
        home.forget_hot_tail()
        one.close()
        fresh = home.archive()
        fresh.catch_up(settle=True)  # the first is found in the index only
        assert search_all(fresh, query) == [first["id"]]
        home.clock.advance(timedelta(days=1))
        compact(fresh)
        assert fresh.catalogue.counts()["segments"] >= 2
        assert search_all(fresh, query) == [first["id"]]
        assert fresh.receipts.of(again["id"]) == again
        found = fresh.claims.find("message", "gateway-1", "m-1")
        assert found is not None
        assert fresh.entry_id_at(found.position) == first["id"]


@pytest.mark.parametrize("same", [True, False])
def test_a_first_one_that_is_heard_of_only_with_its_segment(tmp_path: Path, same: bool) -> None:
    """A node that was away folded the later entry, and never sees the batch of the earlier one."""
    body = b"<same/>" if same else b"<other/>"
    with memory_home(tmp_path / "one") as home, second_home(home, tmp_path / "two") as other:
        one, two = home.archive(), other.archive()
        with Node(two) as late:
            late.wait_ready()
            with Node(one) as node:
                node.wait_ready()
                first = node.push(message("m-1", b"<same/>"))
            home.clock.advance(timedelta(days=1))
            again = late.push(message("m-1", body, received_us=to_us(home.clock.now())))
            late.push(message("m-2", b"<of its own/>"))
        one.catch_up(settle=True)
        home.clock.advance(timedelta(days=1))
        compact(one, until=home.clock.now() - timedelta(days=1))
        assert one.catalogue.counts()["segments"] == 1
        two.catch_up()
        query = Query({"message_id": "m-1"})
        shown = [first["id"]] if same else [again["id"], first["id"]]
        assert search_all(two, query) == search_all(one, query) == shown
        assert two.tail.conflicts() == one.tail.conflicts() == (0 if same else 1)
        found = two.claims.find("message", "gateway-1", "m-1")
        assert found is not None
        assert two.entry_id_at(found.position) == first["id"]
        assert len(search_all(two, Query({"message_id": "m-2"}))) == 1
