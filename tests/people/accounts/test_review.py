"""Every six months each account is confirmed, and who does it sees what is wrong."""

from __future__ import annotations

import pytest

from tests.support.people import Record, day
from vanvault.archiver.people.accounts import AboutChange, due_reviews, review_due


@pytest.fixture
def record() -> Record:
    return Record()


def due(record: Record) -> list[str]:
    return [one.account.name for one in due_reviews(record.accounts, record.now)]


def test_a_review_is_due_six_months_after_the_last_one(record: Record) -> None:
    record.add("lan")
    assert review_due(record.get("lan")) == day("2027-06-01")
    record.pass_days(181)
    assert due(record) == []
    record.pass_days(1)
    assert due(record) == ["lan"]
    record.put(record.changes.confirm(record.get("lan")))
    assert due(record) == []
    assert review_due(record.get("lan")) == day("2027-12-01")


def test_six_months_after_the_last_of_august_is_the_last_of_february(record: Record) -> None:
    record.pass_days((day("2027-08-31") - day("2026-12-01")).days)
    record.add("lan")
    assert review_due(record.get("lan")) == day("2028-02-29")


def test_who_reviews_sees_what_is_wrong_and_gateways_too(record: Record) -> None:
    record.add("binh", "approver")
    record.add("robot", "auditor-log", kind="service", owner="binh")
    record.event("gateway.added", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    record.put(record.changes.suspend(record.get("binh"), "left", None))
    (robot, binh, gateway) = due_reviews(record.accounts, record.now, ahead=True)
    assert [one.account.name for one in (robot, binh, gateway)] == ["robot", "binh", "ivan-1"]
    assert "suspended" in binh.why[0]
    assert gateway.why == ()
    assert robot.why == ("its owner binh is off: binh is suspended since 2026-12-01",)


def test_a_service_or_gateway_whose_owner_is_off_is_due_at_once_until_it_has_another(record: Record) -> None:
    record.add("binh", "approver", last="2026-12-10")
    record.add("lan")
    record.add("robot", "auditor-log", kind="service", owner="binh")
    record.event("gateway.added", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    record.put(record.changes.change(record.get("ivan-1"), AboutChange(owner="binh")))
    record.pass_days(9)
    assert due(record) == []
    record.pass_days(1)
    found = due_reviews(record.accounts, record.now)
    assert [(one.account.name, one.due) for one in found] == [
        ("ivan-1", day("2026-12-11")),
        ("robot", day("2026-12-11")),
    ]
    assert all("its owner binh is off: binh was good until 2026-12-10" in one.why for one in found)
    record.put(record.changes.confirm(record.get("robot")))
    assert due(record) == ["ivan-1", "robot"], "nobody answers for it by that"
    record.put(record.changes.change(record.get("robot"), AboutChange(owner="lan")))
    record.put(record.changes.change(record.get("ivan-1"), AboutChange(owner="lan")))
    assert due(record) == []
    record.put(record.changes.suspend(record.get("lan"), "left", None))
    assert due(record) == ["ivan-1", "robot"]
    record.put(record.changes.suspend(record.get("robot"), "nobody needs it", None))
    assert due(record) == ["ivan-1"], "what is off itself reads nothing"


def test_what_can_do_nothing_any_more_needs_no_review(record: Record) -> None:
    record.add("lan", last="2026-12-05")
    record.event("gateway.added", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    record.event("gateway.removed", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    record.pass_days(300)
    assert due(record) == []


def test_the_longest_due_comes_first(record: Record) -> None:
    record.add("lan")
    record.pass_days(1)
    record.add("binh")
    record.pass_days(400)
    assert due(record) == ["lan", "binh"]
