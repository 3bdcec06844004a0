"""Keepers of locks are seen: one that does not run, one that fails; and what stays open is counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.recovery.test_clock_locks import Office
from tests.support.archives import memory_home
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.journal import EventType, newest_event
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import HoldReason, HoldScope
from vanvault.recovery.holds import place_hold, roll_locks
from vanvault.recovery.retention import keep_clocks, keepers_in_trouble, known_open, open_transactions

NEAR_THE_END = 365 * 10 + 300


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        yield Office(home, archive)


def begin(office: Office) -> None:
    office.write(office.dossier("closed"), office.dossier("open"))
    office.write(office.line("closed", "transaction.returned"))
    office.pass_days(2)
    office.upkeep()


def troubles(office: Office) -> list[str]:
    office.archive.refresh()
    return list(keepers_in_trouble(office.archive))


def test_nobody_misses_a_keeper_that_has_nothing_to_keep(office: Office) -> None:
    begin(office)
    office.pass_days(365)
    assert troubles(office) == []


def test_a_keeper_that_does_not_run_for_a_day_is_told_since_it_was_late(office: Office) -> None:
    begin(office)
    office.pass_days(NEAR_THE_END)
    assert troubles(office) == ["clocks: no round for a day"]
    keep_clocks(office.archive)
    assert troubles(office) == []
    office.pass_days(2)
    (since,) = keepers_in_trouble(office.archive).values()
    assert since < office.now - timedelta(hours=23)


def test_a_quiet_round_is_on_record_once_a_day(office: Office) -> None:
    begin(office)
    office.pass_days(NEAR_THE_END)
    keep_clocks(office.archive)
    for _ in range(8):
        office.home.clock.advance(timedelta(hours=6))
        keep_clocks(office.archive)
        assert troubles(office) == []


def test_a_round_that_failed_is_told_until_one_succeeds(office: Office) -> None:
    begin(office)
    office.pass_days(NEAR_THE_END)
    office.home.standby.fail_next("extend", times=1_000)
    keep_clocks(office.archive)
    (told,) = troubles(office)
    assert told.startswith("clocks: failed: standby: ")
    office.home.standby.fail_next("extend", times=0)
    office.home.clock.advance(timedelta(minutes=1))  # of two lines of one moment none is the newest
    keep_clocks(office.archive)
    assert troubles(office) == []


def test_the_keeper_of_holds_is_missed_while_a_hold_is_in_force(office: Office) -> None:
    begin(office)
    assert troubles(office) == []
    scope = HoldScope(filters={"transaction_id": "open"})
    place_hold(office.archive, Requester("lan"), HoldReason("12/TB", "court"), scope)
    office.pass_days(2)
    assert troubles(office) == ["holds: no round for a day"]
    roll_locks(office.archive)
    assert troubles(office) == []


def test_what_is_open_for_too_long_is_listed_oldest_first_and_counted_on_record(office: Office) -> None:
    begin(office)
    office.write(office.dossier("later"))
    office.write(office.dossier("again"), office.line("again", "transaction.returned"))
    office.write(office.line("again", "transaction.supplement"))
    office.pass_days(2)
    office.upkeep()
    assert open_transactions(office.archive).count == 0  # none is older than a year
    office.pass_days(400)
    office.upkeep()  # the line of the first count comes into a segment, too
    found = open_transactions(office.archive)
    assert [(one.transaction, one.why) for one in found.named] == [
        ("open", "never-closed"),
        ("later", "never-closed"),
        ("again", "reopened"),
    ]
    assert (found.count, found.alone, found.unread) == (3, 0, ())
    office.archive.refresh()
    assert list(known_open(office.archive)) == [
        "3 transactions, and 0 entries of none, have been open for more than 365 days"
    ]
    assert open_transactions(office.archive, older_than=900).count == 0
    assert len(open_transactions(office.archive, older_than=1, most=1).named) == 1
    event = newest_event(office.archive.search, EventType.RETENTION_OPEN_COUNTED)
    assert event is not None
    assert event.detail["older_than_days"] == 365  # other days are no count on record
    office.write(*(office.line(id, "transaction.returned") for id in ("open", "later", "again")))
    office.pass_days(1)
    open_transactions(office.archive)
    office.archive.refresh()
    assert known_open(office.archive) == {}


def test_a_list_of_what_is_open_goes_on_where_the_one_before_ended(office: Office) -> None:
    begin(office)
    office.write(*(office.dossier(id) for id in ("later", "last")))
    office.pass_days(2)
    office.upkeep()
    whole = open_transactions(office.archive, older_than=1)
    assert (len(whole.named), whole.more, whole.next) == (3, 0, None)
    listed: list[str] = []
    after = ""
    while len(listed) < 3:  # one at a time they come in the same order, and none is left out
        page = open_transactions(office.archive, older_than=1, most=1, after=after)
        listed += [one.transaction for one in page.named]
        assert (page.count, page.more) == (3, 3 - len(listed))
        after = page.next or ""
    assert listed == [one.transaction for one in whole.named]
    assert after == ""
    with pytest.raises(InvalidInput, match="no place in this list"):
        open_transactions(office.archive, after="yesterday")
