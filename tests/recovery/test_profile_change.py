"""A change of the retention profile: its effect is told first, and one that asks for less is approved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.test_clock_locks import Office
from tests.support.archives import memory_home
from vanvault.archiver.core.errors import ApprovalNeeded, Conflict, InvalidInput
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.retention import known_profile, plan_change, profile_differs, put_in_force

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
