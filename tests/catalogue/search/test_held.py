"""Legal holds in hits: as the stores say, asked side by side and seldom, never at the cost of an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.archives import Home, Node, event, memory_home, message
from tests.support.memory_site import MemorySite
from tests.upkeep.compaction.homes import push

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.search.copies import CopyLookup, CopyState, ObjectVersions
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.archiver.upkeep import compact

BATCHES = 50
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with memory_home(tmp_path / "home") as found:
        yield found


def held(archive: Archive, **filters: str) -> dict[str, Any]:
    """By id of the sender, whether a hit is held; the other readers say the same."""
    items = archive.search.page(Query(filters)).items
    alone = [archive.search.entry(item["id"]) for item in items]
    exact = archive.search.page(Query(filters), whole=True).items
    for name in ("held", "placements", "verified_at"):
        told = [item[name] for item in items]
        assert [item[name] for item in alone] == [item[name] for item in exact] == told
    return {item["message_id"]: item["held"] for item in items}


def test_a_hold_at_one_site_shows_within_ten_minutes_and_goes_as_it_came(home: Home) -> None:
    archive = home.archive()
    for number in range(3):
        push(archive, [message(f"m-{number}", b"<hs/>")])
    messages = {"entry": "message"}
    assert held(archive, **messages) == {"m-0": False, "m-1": False, "m-2": False}
    key = archive.search.page(Query({"message_id": "m-1"})).items[0]["object"]
    home.standby.hold(key)
    assert held(archive, **messages)["m-1"] is False
    home.clock.advance(TEN_MINUTES)
    assert held(archive, **messages) == {"m-0": False, "m-1": True, "m-2": False}
    home.standby.hold(key, on=False)
    home.clock.advance(TEN_MINUTES)
    assert held(archive, **messages)["m-1"] is False


def test_a_hold_on_a_segment_holds_all_in_it_and_one_on_a_large_object_its_message(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        node.push(node.placed(message("large", b"x" * 5000)))
        node.push(message("m-0", b"<hs/>"))
        node.push(event("e-0"))
    (item,) = archive.search.page(Query({"message_id": "large"}), bare=True).items
    home.standby.hold(item["large_object"])
    assert held(archive, entry="message") == {"large": True, "m-0": False}
    home.clock.advance(timedelta(days=2))
    compact(archive)
    archive.catch_up()
    assert held(archive, entry="message") == {"large": True, "m-0": False}
    item = archive.search.page(Query({"message_id": "m-0"})).items[0]
    assert item["segment"] is not None
    home.primary.hold(item["object"])
    home.clock.advance(TEN_MINUTES)
    assert held(archive, entry="message") == {"large": True, "m-0": True}
    # The log part, where its event lies, is another object.
    assert archive.search.page(Query({"event_id": "e-0"})).items[0]["held"] is False


def test_a_page_asks_once_for_each_copy_and_the_next_one_not_at_all(home: Home) -> None:
    archive = home.archive()
    for number in range(BATCHES):
        push(archive, [message(f"m-{number}", b"<hs/>")])
    query = Query({"entry": "message"})
    for expected in ([BATCHES, BATCHES], [0, 0]):
        for site in home.sites.values():
            site.calls.clear()
        assert len(archive.search.page(query).items) == BATCHES
        stats = [[call for call in site.calls if call.operation == "stat"] for site in home.sites.values()]
        assert [len(calls) for calls in stats] == expected
        assert all(call.version for calls in stats for call in calls)
        assert {call.operation for site in home.sites.values() for call in site.calls} <= {"stat"}


def test_records_of_the_archive_itself_are_read_without_asking(home: Home) -> None:
    archive = home.archive()
    push(archive, [message("m-0", b"<hs/>")])
    for site in home.sites.values():
        site.calls.clear()
    (item,) = archive.search.page(Query({"message_id": "m-0"}), bare=True).items
    assert (item["held"], len(item["placements"])) == (None, 2)
    assert [call for site in home.sites.values() for call in site.calls] == []


def test_where_no_site_could_be_asked_nothing_is_said_and_the_entry_is_found(home: Home) -> None:
    archive = home.archive()
    push(archive, [message("m-0", b"<hs/>")])
    key = archive.search.page(Query({"message_id": "m-0"}), bare=True).items[0]["object"]
    home.primary.hold(key)
    home.primary.fail_next("stat", times=10**6)
    assert held(archive, message_id="m-0") == {"m-0": False}  # as the standby says
    home.standby.fail_next("stat", times=10**6, error=SettingsError("its credentials are missing"))
    assert held(archive, message_id="m-0") == {"m-0": None}
    for site in home.sites.values():
        site.fail_next("stat", times=0)
    assert held(archive, message_id="m-0") == {"m-0": True}


class Hanging:
    """A site that answers nobody until it is let go; counts who waits."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.go = threading.Event()
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        self.asked += 1
        self.go.wait(30)
        return self._site.stat(key, version)


class Turned:
    """A stopwatch that a test turns."""

    at = 0.0

    def seconds(self) -> float:
        return self.at


def test_a_site_that_hangs_is_waited_for_once_and_then_left_alone(home: Home) -> None:
    archive = home.archive()
    keys = [key for number in range(BATCHES) for key in push(archive, [message(f"m-{number}", b"<hs/>")])]
    hanging, stopwatch = Hanging(home.primary), Turned()
    sites: dict[str, Any] = {"primary": hanging, "standby": home.standby}
    places = CopyLookup(sites, stopwatch, patience_s=3.0)
    home.standby.hold(keys[0])
    found = places.of(map(ObjectVersions, keys))
    assert [found[ObjectVersions(key)].held for key in keys] == [True] + [False] * (len(keys) - 1)
    assert {copy.site for place in found.values() for copy in place.placements} == {"standby"}
    waited = hanging.asked
    assert 0 < waited < 10
    assert places.of(map(ObjectVersions, keys)) == found
    assert hanging.asked == waited
    hanging.go.set()
    stopwatch.at += 31
    both = places.of(map(ObjectVersions, keys))
    assert all([copy.site for copy in place.placements] == ["primary", "standby"] for place in both.values())
    places.close()


class Rotten:
    """A site that tells the time, and nothing of one object; or, where it is ``away``, nothing at all."""

    def __init__(self, site: MemorySite, key: str) -> None:
        self._site = site
        self._key = key
        self.away = False
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        self.asked += 1
        if self.away or key == self._key:
            raise SiteUnavailable("no", site=self._site.site, may_be_stored=False)
        return self._site.stat(key, version)

    def now(self) -> datetime:
        if self.away:
            raise SiteUnavailable("no", site=self._site.site, may_be_stored=False)
        return self._site.now()


def test_one_object_that_a_site_does_not_tell_of_says_nothing_of_the_others(home: Home) -> None:
    archive = home.archive()
    keys = [key for number in range(BATCHES) for key in push(archive, [message(f"m-{number}", b"<hs/>")])]
    rotten = Rotten(home.primary, keys[0])
    places = CopyLookup({"primary": rotten, "standby": home.standby}, Turned())  # type: ignore[dict-item]
    found = places.of(map(ObjectVersions, keys))
    at = [[copy.site for copy in found[ObjectVersions(key)].placements] for key in keys]
    assert at == [["standby"]] + [["primary", "standby"]] * (len(keys) - 1)
    places.close()


def test_a_site_that_refuses_is_not_asked_for_each_object(home: Home) -> None:
    archive = home.archive()
    keys = [key for number in range(BATCHES) for key in push(archive, [message(f"m-{number}", b"<hs/>")])]
    away = Rotten(home.primary, keys[0])
    away.away = True
    places = CopyLookup({"primary": away, "standby": home.standby}, Turned())  # type: ignore[dict-item]
    found = places.of(map(ObjectVersions, keys))
    assert {copy.site for state in found.values() for copy in state.placements} == {"standby"}
    assert away.asked <= 8  # the questions that were on their way
    places.close()


def test_a_copy_that_a_restore_made_anew_is_asked_about_too(home: Home) -> None:
    archive = home.archive()
    key = push(archive, [message("m-0", b"<hs/>")])[0]
    places = CopyLookup(home.sites, Turned())
    gone = ObjectVersions(key, (("primary", "v-of-before"), ("standby", "v-of-before")))
    missing = ObjectVersions(key.replace(key[-80:-70], "0" * 10))
    home.standby.hold(key)
    found = places.of([gone, missing])
    assert found[gone].held is True
    assert len(found[gone].placements) == 2
    assert found[missing] == CopyState((), False, None)
    places.close()
