"""A read is whole, or says that it is not: the hot tail cannot be written while messages are acknowledged."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.support.archives import Home, Node, message
from tests.support.server import Server, push
from tests.support.waiting import PATIENCE_S, wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import NotFound, SiteUnavailable
from vanvault.archiver.upkeep.periodic import PeerSync
from vanvault.cli.lookup import find_entry

FIELDS = {"Vanvault-Transaction-Id": "t-1"}


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Another process writes the hot tail and does not end."""
    (path,) = (home / "cache").glob("hot-tail*.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def named(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    return [(one["object"], one["reason"]) for one in answer.json()["unread"]]


def test_a_read_names_what_was_acknowledged_and_is_not_searchable(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home) as server, server.wait_ready().client(token) as client:
        before = push(client, "before", b"<before/>", **FIELDS).json()
        wait_for(lambda: client.get("/v1/search?message_id=before").json()["items"], "it is searchable")
        with held(home):
            answer = push(client, "held", b"<held/>", **FIELDS)
            assert answer.status_code == 201, answer.text
            receipt: dict[str, Any] = answer.json()
            for route in ("search?message_id=held", "histogram", "transactions/t-1"):
                assert ("hot tail", "not folded yet") in named(client.get(f"/v1/{route}")), route
            for route in ("messages/{}", "messages/{}/original", "receipts/{}"):
                problem = check_problem(client.get("/v1/" + route.format(receipt["id"])), 503, "busy")
                assert "cannot say now" in problem["detail"]
                # What is there is given, whatever else is not.
                assert client.get("/v1/" + route.format(before["id"])).status_code == 200
            assert push(client, "held", b"<held/>", **FIELDS).json() == receipt, "the same receipt again"
        wait_for(
            lambda: client.get(f"/v1/receipts/{receipt['id']}").status_code == 200, "it is searchable again"
        )
        wait_for(lambda: not client.get("/v1/search?message_id=held").json()["unread"], "nothing is missing")
        assert client.get("/v1/search?message_id=held").json()["items"][0]["id"] == receipt["id"]
        absent = receipt["id"][:-1] + "7"
        check_problem(client.get(f"/v1/messages/{absent}"), 404, "not-found")
        assert server.stop() == 0


class Watched:
    """A hot tail; ``first`` runs before batches are applied."""

    def __init__(self, archive: Archive, first: Callable[[], None]) -> None:
        self._tail = archive.tail
        self.first = first
        archive.tail = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tail, name)

    def apply(self, batches: list[Any]) -> int:
        if batches:
            self.first()
        return self._tail.apply(batches)


def full() -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def test_while_the_disk_of_the_cache_is_full_nobody_waits_and_the_reason_is_told(home: Home) -> None:
    archive = home.archive()
    tail = Watched(archive, lambda: None)
    with Node(archive) as node:
        node.wait_ready()
        tail.first = full
        receipt = node.push(message("full", b"<full/>"))
        wait_for(lambda: (left := node.intake.tail_updater.unfolded()) and left.reason, "the disk is full")
        assert not node.intake.tail_updater.flush(3600.0)
        waits = node.intake.tail_updater.unfolded()
        assert waits is not None
        assert "no room left" in waits.reason
        assert waits.entries == 1
        assert node.push(message("full", b"<full/>")) == receipt
        tail.first = lambda: None
        assert node.intake.tail_updater.flush(3600.0, patient=True)
        assert node.intake.tail_updater.unfolded() is None


def test_what_comes_while_a_reader_waits_is_not_waited_for(home: Home) -> None:
    """``flush`` promises what came before it: a node that is never idle answers all the same."""
    archive, answered = home.archive(), threading.Event()
    tail = Watched(archive, lambda: None)
    with Node(archive) as node:
        node.wait_ready()
        updater = node.intake.tail_updater
        more, _ = archive.open_writer()  # other batches come without end
        another = more.commit([message("another", b"<another/>")])
        tail.first = lambda: None if answered.is_set() else updater.add(another, [])
        node.push(message("first", b"<first/>"))
        assert updater.flush(PATIENCE_S)
        answered.set()
        more.close()


def test_a_node_that_stops_before_the_hot_tail_took_a_batch_forgets_no_id(home: Home) -> None:
    archive = home.archive()
    tail = Watched(archive, lambda: None)
    node = Node(archive)
    node.wait_ready()
    tail.first = full
    node.push(message("late", b"<late/>"))
    node.stop()
    assert node.intake.tail_updater.unfolded(), "it would be told as folded"
    assert node.intake.knows(message("late", b"<late/>"))


def test_a_node_that_has_not_looked_at_its_sites_does_not_say_not_found(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        receipt = node.push(message("known", b"<known/>"))
    home.forget_hot_tail()
    fresh = home.archive()
    assert "has not looked" in fresh.behind
    fresh.refresh()
    assert not fresh.behind
    assert fresh.search.entry(receipt["id"])["message_id"] == "known"


@pytest.mark.parametrize("away", [True, False])
def test_a_lookup_that_could_read_no_site_is_no_not_found(home: Home, away: bool) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        receipt = node.push(message("known", b"<known/>"))
    absent = receipt["id"][:-1] + "7"
    home.forget_hot_tail()
    archive = home.archive()
    for site in home.sites.values():
        site.fail_next("list", times=1000 if away else 0)
    with pytest.raises(SiteUnavailable if away else NotFound):
        find_entry(archive, absent)
    assert archive.search.page(Query.parse([], archive.search.cursor_key)) is not None


def test_a_look_that_is_held_up_by_another_is_told_as_failed() -> None:
    seen: list[bool] = []

    def look() -> None:
        if not seen:
            seen.append(PeerSync.refresh(follower))  # as another thread, while this one looks

    follower = PeerSync(look, 60, wait_s=0)
    assert follower.refresh()
    assert seen == [False]
