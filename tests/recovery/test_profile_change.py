"""A change of the retention profile: its effect is told first, and one that asks for less is approved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.recovery.test_clock_locks import Office
from tests.support.archives import memory_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import ApprovalNeeded, Conflict, InvalidInput
from vanvault.archiver.core.times import from_us, to_us, vietnam_day
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.retention import (
    clock_beside,
    clocks_of_segments,
    keep_clocks,
    known_profile,
    plan_change,
    profile_differs,
    put_in_force,
)

LAN = Requester("lan", "a-lan")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        office = Office(home, archive)
        office.write(office.dossier("one"), office.dossier("two"))
        office.write(*(office.line(id, "transaction.returned") for id in ("one", "two")))
        office.pass_days(2)
        office.upkeep()
        office.write(office.dossier("open"))
        office.pass_days(2)
        office.upkeep()
        yield office


def test_a_longer_period_tells_what_is_owed_longer_and_which_locks_follow(office: Office) -> None:
    plan = plan_change(office.archive, "QD08-2015", 12)
    originals, log = plan.effects["originals"], plan.effects["log"]
    assert (plan.transactions, plan.open, plan.is_shorter, plan.unread) == (2, 1, False, ())
    assert (originals.longer, originals.shorter, originals.most_days) == (2, 0, 730)
    assert (originals.prolonged, originals.locked) == (1, 0)  # of the segment in which nothing is open
    assert (log.longer, log.shorter, log.prolonged, log.locked) == (0, 0, 0, 0)
    assert known_profile(office.archive) is None  # a plan changes nothing


def test_a_shorter_period_shortens_no_lock_and_is_approved_by_others(office: Office) -> None:
    plan = plan_change(office.archive, "QD08-2015", 5)
    originals = plan.effects["originals"]
    assert plan.is_shorter
    assert (originals.shorter, originals.longer, originals.locked, originals.prolonged) == (2, 0, 1, 0)
    with pytest.raises(ApprovalNeeded):
        put_in_force(office.archive, plan, LAN, "less is asked for")
    office.archive.refresh()
    assert known_profile(office.archive) is None


def test_what_is_in_force_is_on_record_and_other_settings_are_told(office: Office) -> None:
    put_in_force(office.archive, plan_change(office.archive, "QD08-2015", 12), LAN, "a court asks")
    office.archive.refresh()
    known = known_profile(office.archive)
    assert known is not None
    assert (known.name, known.log_years, known.originals_years, known.who) == ("QD08-2015", 10, 12, "lan")
    (text,) = profile_differs(office.archive)
    assert "originals 12)" in text
    with pytest.raises(Conflict, match="in force already"):
        put_in_force(office.archive, plan_change(office.archive, "QD08-2015", 12), LAN, "once more")
    # Back to what the settings say asks for less than the record does.
    back = plan_change(office.archive, "QD08-2015")
    assert back.is_shorter
    assert back.before.originals.years == 12


def test_another_profile_of_the_same_years_is_no_less(office: Office) -> None:
    plan = plan_change(office.archive, "ND164-2025")
    put_in_force(office.archive, plan, LAN, "the decree in force")
    office.archive.refresh()
    assert list(profile_differs(office.archive)) != []
    assert plan.as_json()["after"]["clauses"]["log"] == plan.after.log.source


def test_what_is_wrong_is_refused(office: Office) -> None:
    with pytest.raises(InvalidInput, match="no retention profile"):
        plan_change(office.archive, "QD99")
    with pytest.raises(InvalidInput, match="a reason has"):
        put_in_force(office.archive, plan_change(office.archive, "QD08-2015", 12), LAN, " ")


def owed_years(office: Office, id: str) -> int:
    """For how many years the originals of a closed transaction are owed, told in both ways."""
    item = office.archive.search.entry(id)
    shown = clock_beside(office.archive, item)
    assert shown.originals is not None
    (bulk,) = (
        one
        for one in clocks_of_segments(office.archive, office.archive.catalogue.segments(), lambda one: None)
        if one.id == id
    )
    assert bulk.due_originals_us == to_us(shown.originals.until)
    closed = from_us(shown.clock.closed_us or 0)
    return shown.originals.last_day.year - vietnam_day(closed).year


def locks_of(office: Office, id: str) -> list[datetime]:
    """Of every copy of what holds the original, by its site."""
    found = []
    for one in office.archive.search.entry(id)["placements"]:
        lock = office.home.sites[one["site"]].stat(one["key"], one["version"]).retain_until
        assert lock is not None
        found.append(lock)
    return found


def first_dossier(office: Office) -> str:
    filters = {"transaction_id": "one", "entry": "message"}
    return next(one["id"] for one in office.archive.search.every(Query(filters)))


def test_settings_that_ask_for_less_than_the_record_shorten_nothing(office: Office) -> None:
    put_in_force(office.archive, plan_change(office.archive, "QD08-2015", 12), LAN, "a court asks")
    office.archive.refresh()
    id = first_dossier(office)
    assert office.archive.profile.originals.years == 10
    assert owed_years(office, id) == 12
    for _ in range(23):
        office.pass_days(180)
        office.upkeep()
        assert keep_clocks(office.archive).failures == ()
        assert all(lock > office.now for lock in locks_of(office, id))
    owed = clock_beside(office.archive, office.archive.search.entry(id)).originals
    assert owed is not None
    assert min(locks_of(office, id)) >= owed.until


def test_a_change_on_record_is_what_ends_a_longer_period(office: Office) -> None:
    put_in_force(office.archive, plan_change(office.archive, "QD08-2015", 12), LAN, "a court asks")
    approved = {"profile": "QD08-2015", "log_years": 10, "originals_years": 10, "who": "lan"}
    office.archive.record(EventType.RETENTION_PROFILE_CHANGED, approved)
    office.archive.refresh()
    assert owed_years(office, first_dossier(office)) == 10


def test_a_profile_that_this_version_does_not_know_is_owed_by_its_years(office: Office) -> None:
    later = {"profile": "ND1-2030", "log_years": 15, "originals_years": 20, "who": "lan"}
    office.archive.record(EventType.RETENTION_PROFILE_CHANGED, later)
    office.archive.refresh()
    assert owed_years(office, first_dossier(office)) == 20
