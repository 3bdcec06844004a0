"""Events by the time at which they occurred: the same before and after a compaction, page after page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support.archives import GATEWAY, Node, memory_home, message

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.asked_times import CalendarZone, exact_times
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.times import from_us
from vanvault.archiver.intake import event_draft
from vanvault.archiver.upkeep import compact

#: Around March in Vietnam, some of it told in UTC.
OCCURRED = {
    "before": "2026-02-28T16:59:59Z",
    "first": "2026-02-28T17:00:00Z",
    "last": "2026-03-31T23:59:59.999999+07:00",
    "after": "2026-04-01T00:00:00+07:00",
    "years-ago": "2016-03-05T08:00:00+07:00",
}
MARCH = exact_times([("during", "03/2026")], CalendarZone.of("Asia/Ho_Chi_Minh"))


def occurred(event_id: str, at: str) -> EventDraft:
    fields = {"event_id": event_id, "occurred_at": at, "type": "dossier.received", "transaction_id": "t-1"}
    return event_draft(GATEWAY, fields, received=from_us(0))


@pytest.fixture(scope="module", params=["in the hot tail", "compacted"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with memory_home(tmp_path_factory.mktemp("occurrence") / "home") as home:
        archive = home.archive()
        with Node(archive) as node:
            node.wait_ready()
            for draft in (message("m-1", b"<m/>"), *(occurred(id, at) for id, at in OCCURRED.items())):
                node.push(draft)
        home.clock.advance(timedelta(days=1))
        with Node(archive) as node:  # the commits of yesterday go on record
            node.wait_ready()
        home.clock.advance(timedelta(days=1))
        archive.catch_up(settle=True)
        if request.param == "compacted":
            assert compact(archive).report.rows
        yield archive


def found(archive: Archive, *asked: tuple[str, str], limit: int = 50) -> list[str]:
    """Ids of events, by pages of this size."""
    parameters = [*asked, ("limit", str(limit)), ("order", "oldest"), ("gateway", GATEWAY)]
    ids: list[str] = []
    query = Query.parse(parameters, archive.search.cursor_key, by_occurrence=True)
    while True:
        page = archive.search.page(query)
        assert len(page.items) <= limit
        ids += [item["event_id"] for item in page.items]
        if page.next is None:
            return ids
        query = Query.parse(
            [*parameters, ("cursor", page.next)], archive.search.cursor_key, by_occurrence=True
        )


@pytest.mark.parametrize("limit", [1, 50])
def test_march_has_its_first_and_last_moment_and_no_other(archive: Archive, limit: int) -> None:
    assert found(archive, *MARCH, limit=limit) == ["first", "last"]
    assert found(archive, *MARCH, ("transaction_id", "t-1"), limit=limit) == ["first", "last"]


def test_what_occurred_years_before_it_was_received_is_found(archive: Archive) -> None:
    assert found(archive, ("to", "2017-01-01T00:00:00Z")) == ["years-ago"]
    assert found(archive) == list(OCCURRED), "events alone, all of them where no time is named"


def test_a_message_is_not_said_to_have_occurred(archive: Archive) -> None:
    with pytest.raises(InvalidInput) as refused:
        found(archive, ("entry", "message"))
    assert refused.value.field == "by"


def test_a_cursor_by_occurrence_is_of_no_search_by_receipt(archive: Archive) -> None:
    parameters = [*MARCH, ("limit", "1"), ("gateway", GATEWAY)]
    key = archive.search.cursor_key
    cursor = archive.search.page(Query.parse(parameters, key, by_occurrence=True)).next
    assert cursor is not None
    with pytest.raises(InvalidInput):
        Query.parse([*parameters, ("cursor", cursor)], key)
