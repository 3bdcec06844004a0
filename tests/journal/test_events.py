"""The archive's own events, read back in either order, over pages and periods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support.archives import Home

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query, Search, Unread
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import (
    EventType,
    OwnEvent,
    first_event_at,
    newest_event,
    own_events,
    recorded_history,
)


@pytest.fixture
def archive(home: Home) -> Iterator[Archive]:
    with home.archive() as archive:
        yield archive


def record(archive: Archive, home: Home, count: int) -> None:
    """``count`` events of one type, a second apart, and one of another type."""
    for number in range(count):
        archive.record(EventType.AVAILABILITY_NOTE, {"number": number})
        home.clock.advance(timedelta(seconds=1))
    archive.record(EventType.KEYS_UNWRAPPED, {"number": -1})


def numbers(events: Iterator[OwnEvent]) -> list[int]:
    return [event.detail["number"] for event in events]


def test_events_of_one_type_come_newest_or_oldest_first(archive: Archive, home: Home) -> None:
    record(archive, home, 3)
    assert numbers(own_events(archive.search, EventType.AVAILABILITY_NOTE)) == [2, 1, 0]
    assert numbers(own_events(archive.search, EventType.AVAILABILITY_NOTE, order="oldest")) == [0, 1, 2]
    assert numbers(own_events(archive.search, EventType.AVAILABILITY_NOTE, most=2)) == [2, 1]


def test_an_event_tells_its_type_without_the_prefix_and_when_it_came(archive: Archive, home: Home) -> None:
    record(archive, home, 1)
    newest = newest_event(archive.search, EventType.KEYS_UNWRAPPED)
    assert newest is not None
    assert (newest.type, newest.detail) == ("keys.unwrapped", {"number": -1})
    assert abs(newest.at - home.clock.now()) < timedelta(seconds=1)
    assert newest_event(archive.search, EventType.EXPORT_STARTED) is None


def test_a_period_holds_its_start_and_not_its_end(archive: Archive, home: Home) -> None:
    record(archive, home, 4)
    all_of_them = list(own_events(archive.search, EventType.AVAILABILITY_NOTE, order="oldest"))
    start, end = (to_us(all_of_them[number].at) for number in (1, 3))
    assert numbers(
        own_events(archive.search, EventType.AVAILABILITY_NOTE, from_us=start, to_us=end, order="oldest")
    ) == [1, 2]


def test_the_first_event_is_that_of_the_first_writer(archive: Archive, home: Home) -> None:
    assert first_event_at(archive.search) is None
    began = home.clock.now()
    record(archive, home, 2)
    first = first_event_at(archive.search)
    assert first is not None
    assert abs(first - began) < timedelta(seconds=1)


def test_more_events_than_a_page_holds_are_all_read(archive: Archive, home: Home) -> None:
    writer, _ = archive.open_writer(trusted=False)
    try:
        total = Query.MAX_LIMIT + 3
        drafts = [archive.system_event(EventType.AVAILABILITY_NOTE, {"number": n}) for n in range(total)]
        committed = writer.commit(drafts, final=True)
        archive.tail.apply([batch.folded for batch in committed])
    finally:
        writer.close()
    found = numbers(own_events(archive.search, EventType.AVAILABILITY_NOTE))
    assert sorted(found) == list(range(total))
    assert numbers(own_events(archive.search, EventType.AVAILABILITY_NOTE, order="oldest")) == found[::-1]


@pytest.mark.parametrize("text", ["", "[1]", "null", "{"])
def test_a_detail_that_is_no_object_is_damage(text: str) -> None:
    with pytest.raises(Damaged):
        _ = OwnEvent("id", "type", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", text).detail


NOTES = (EventType.AVAILABILITY_NOTE, EventType.KEYS_UNWRAPPED)


def test_a_history_names_each_object_that_was_unread_once(
    archive: Archive, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(archive, home, 2)
    whole = Search.every

    def every(self: Search, query: Query, unread: object = None) -> object:
        if callable(unread):
            unread(Unread("batch/x", "damaged", "", ""))
        return whole(self, query)

    monkeypatch.setattr(Search, "every", every)
    history = recorded_history(archive.search, NOTES)
    assert [one.detail["number"] for one in history.events] == [0, 1, -1]
    assert history.lacking == ("batch/x: damaged",)


def test_a_fold_that_names_what_says_nothing_is_given_a_damaged_event(
    archive: Archive, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(archive, home, 1)
    whole = Search.every

    def every(self: Search, query: Query, unread: object = None) -> object:
        return ({**item, "detail": "[1]"} for item in whole(self, query))

    monkeypatch.setattr(Search, "every", every)
    kept = recorded_history(archive.search, NOTES, keeps_damaged=True)
    assert [(one.type, one.detail) for one in kept.events] == [(type, {}) for type in NOTES]
    with pytest.raises(Damaged):
        recorded_history(archive.search, NOTES)
