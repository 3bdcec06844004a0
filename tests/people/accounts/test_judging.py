"""Who may do what at which moment: days of Vietnam, suspensions, idleness, and lost names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.people import NOW, Record, day
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people.accounts import (
    PERMISSIONS,
    ROLES,
    Allowed,
    DaySpan,
    Refused,
    idle_days,
    judge,
    roles_in_force,
    standing_of,
    use_counts,
)


@pytest.fixture
def record() -> Record:
    return Record()


def state(record: Record, name: str = "lan", at: datetime | None = None) -> str:
    return standing_of(record.get(name), at or record.now).state


def allowed(record: Record, permission: str = "originals", name: str = "lan") -> bool:
    return isinstance(judge(record.get(name), permission, record.now), Allowed)  # type: ignore[arg-type]


def reason(record: Record, permission: str = "originals", name: str = "lan") -> str:
    verdict = judge(record.get(name), permission, record.now)  # type: ignore[arg-type]
    assert isinstance(verdict, Refused)
    return verdict.reason


@pytest.mark.parametrize("role", [role for role in ROLES if role != "gateway"])
def test_a_role_permits_what_the_table_says_and_nothing_else(record: Record, role: str) -> None:
    record.add("lan", role)
    may = {one for one in PERMISSIONS if allowed(record, one)}
    assert may == ROLES[role].permissions


def test_the_authority_of_what_is_allowed_is_every_role_that_permits_it(record: Record) -> None:
    record.add("lan", "auditor-log", "auditor-original", "approver")
    assert judge(record.get("lan"), "search", NOW) == Allowed(("auditor-log", "auditor-original"))


def test_a_session_has_at_most_the_roles_on_record(record: Record) -> None:
    lan = record.add("lan", "auditor-log", "approver")
    assert judge(lan, "search", NOW, within=["auditor-log"]) == Allowed(("auditor-log",))
    for within in ([], ["approver"], ["approver", "auditor-original"]):
        assert isinstance(judge(lan, "search", NOW, within=within), Refused)
    assert isinstance(judge(lan, "originals", NOW, within=["auditor-original"]), Refused)


def test_without_a_role_nothing_is_allowed(record: Record) -> None:
    record.add("lan")
    assert [one for one in PERMISSIONS if allowed(record, one)] == []
    assert reason(record) == "no-role"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-12-09T16:59:59Z", "early"),  # 23:59:59 of the 9th in Vietnam
        ("2026-12-09T17:00:00Z", "active"),  # midnight in Vietnam
        ("2026-12-20T16:59:59Z", "active"),
        ("2026-12-20T17:00:00Z", "over"),  # the last day is over
    ],
)
def test_an_account_is_good_on_its_days_in_vietnam(record: Record, moment: str, expected: str) -> None:
    record.add("lan", "auditor-original", first="2026-12-10", last="2026-12-20")
    record.now = datetime.fromisoformat(moment)
    assert state(record) == expected
    assert allowed(record) == (expected == "active")


def test_a_role_is_held_on_its_days_only(record: Record) -> None:
    record.add("lan")
    days = DaySpan(day("2026-12-03"), day("2026-12-04"))
    record.put(record.changes.grant(record.get("lan"), "auditor-original", days))
    for text, good in [("02T16:59", False), ("02T17:00", True), ("04T16:59", True), ("04T17:00", False)]:
        record.now = datetime.fromisoformat(f"2026-12-{text}:00Z")
        assert allowed(record) == good, text


def test_a_suspension_for_the_first_of_next_month_needs_no_job(record: Record) -> None:
    record.add("lan", "auditor-original")
    record.put(record.changes.suspend(record.get("lan"), "moves to Huế", day("2027-01-01")))
    record.now = datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC)
    assert allowed(record)
    record.now += timedelta(seconds=1)
    assert reason(record) == "suspended"
    assert record.get("lan").late == ()


def test_the_clerk_moves_on_the_1st_the_letter_comes_on_the_3rd_and_the_lag_is_told(record: Record) -> None:
    record.pass_days(-7)
    record.add("lan", "auditor-original")
    record.now = datetime(2026, 12, 2, 2, tzinfo=UTC)
    assert allowed(record), "nobody had told the archive on the 2nd"
    record.pass_days(1)
    record.put(record.changes.suspend(record.get("lan"), "moved away", day("2026-12-01")))
    assert reason(record) == "suspended"
    lan = record.get("lan")
    assert [one.lag_days for one in lan.suspensions] == [2]
    assert [(one.what, one.effective, one.lag_days) for one in lan.late] == [
        ("suspended", day("2026-12-01"), 2)
    ]
    assert state(record, at=datetime(2026, 12, 2, 2, tzinfo=UTC)) == "suspended", "as is known today"


def test_a_late_end_and_a_late_revocation_show_their_lag_too(record: Record) -> None:
    record.add("lan", "auditor-original")
    record.pass_days(9)
    changes = record.changes
    record.put(changes.revoke(record.get("lan"), "auditor-original", day("2026-12-05")))
    event = record.event(
        "account.changed", {"id": record.get("lan").id, "account": "lan", "valid_until": "2026-12-07"}
    )
    assert event.at == record.now
    assert [(one.what, one.lag_days) for one in record.get("lan").late] == [("role-revoked", 5), ("ended", 2)]


def test_resuming_lifts_every_suspension_those_to_come_too(record: Record) -> None:
    record.add("lan", "auditor-original")
    record.put(record.changes.suspend(record.get("lan"), "maternity leave", day("2026-12-20")))
    record.put(record.changes.suspend(record.get("lan"), "moved", None))
    assert reason(record) == "suspended"
    record.put(record.changes.resume(record.get("lan"), "a mistake"))
    assert allowed(record)
    record.pass_days(25)
    assert allowed(record)


def test_after_45_days_without_use_an_account_is_off(record: Record) -> None:
    record.add("lan", "auditor-original")
    record.pass_days(44)
    assert allowed(record)
    record.pass_days(1)
    assert reason(record) == "idle"
    assert "45 days" in standing_of(record.get("lan"), record.now).why


@pytest.mark.parametrize("by", ["confirm", "resume"])
def test_an_idle_account_comes_back_when_somebody_confirms_or_resumes_it(record: Record, by: str) -> None:
    record.add("lan", "auditor-original")
    record.pass_days(60)
    lan = record.get("lan")
    record.put(record.changes.confirm(lan) if by == "confirm" else record.changes.resume(lan, ""))
    assert allowed(record)
    record.pass_days(45)
    assert reason(record) == "idle"


def test_a_confirmation_lifts_no_suspension(record: Record) -> None:
    record.add("lan", "auditor-original")
    record.put(record.changes.suspend(record.get("lan"), "moved", None))
    record.put(record.changes.confirm(record.get("lan")))
    assert reason(record) == "suspended"


def test_a_use_counts_once_a_day_of_vietnam_and_keeps_an_account_on(record: Record) -> None:
    lan = record.add("lan", "auditor-original")
    record.pass_days(40)
    assert use_counts(record.get("lan"), record.now)
    record.seen[lan.id] = record.now
    assert not use_counts(record.get("lan"), record.now)
    assert use_counts(record.get("lan"), record.now + timedelta(hours=14)), "midnight is past in Vietnam"
    record.pass_days(44)
    assert allowed(record)
    assert idle_days(record.get("lan"), record.now) == 44


def test_idle_days_of_an_account_to_come_begin_with_its_first_day(record: Record) -> None:
    record.add("lan", "auditor-original", first="2027-03-01")
    record.now = datetime(2027, 3, 2, tzinfo=UTC)
    assert allowed(record)


def test_roles_that_exclude_each_other_permit_nothing_while_both_are_held(record: Record) -> None:
    """Two homes granted them at once, each without knowing of the other."""
    lan = record.add("lan", "account-manager", "approver")
    told = {
        "id": lan.id,
        "account": "lan",
        "role": "auditor-log",
        "from": "2026-12-01",
        "until": "2026-12-05",
    }
    record.event("account.role-granted", told)
    assert reason(record, "manage-accounts") == "roles-conflict"
    assert reason(record, "search") == "roles-conflict"
    assert allowed(record, "approve"), "this role is in nobody's way"
    record.pass_days(6)
    assert allowed(record, "manage-accounts")
    assert reason(record, "search") == "no-role"


def test_a_service_holds_no_role_of_persons_whatever_is_on_record(record: Record) -> None:
    record.add("binh")
    robot = record.add("robot", "auditor-log", kind="service", owner="binh")
    told = {"id": robot.id, "account": "robot", "role": "approver", "from": "2026-12-01", "until": None}
    record.event("account.role-granted", told)
    assert roles_in_force(record.get("robot"), record.now) == ("auditor-log",)
    assert reason(record, "approve", "robot") == "no-role"


def test_a_role_of_a_version_to_come_is_held_and_permits_nothing(record: Record) -> None:
    lan = record.add("lan")
    told = {"id": lan.id, "account": "lan", "role": "cosigner", "from": "2026-12-01", "until": None}
    record.event("account.role-granted", told)
    assert roles_in_force(record.get("lan"), record.now) == ("cosigner",)
    assert [one for one in PERMISSIONS if allowed(record, one)] == []


def test_a_gateway_is_a_service_account_that_is_never_idle_here(record: Record) -> None:
    record.event("gateway.added", {"id": "g-0000000000000001", "gateway": "ivan-1", "policy": "settings"})
    record.pass_days(400)
    assert {one for one in PERMISSIONS if allowed(record, one, "ivan-1")} == {"push", "read-own"}
    record.event("gateway.removed", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    assert reason(record, "push", "ivan-1") == "removed"
    record.event("gateway.brought-back", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    assert allowed(record, "push", "ivan-1")


def test_a_refusal_is_an_error_that_says_what_to_do(record: Record) -> None:
    record.add("lan", "auditor-log")
    verdict = judge(record.get("lan"), "originals", NOW)
    assert isinstance(verdict, Refused)
    error = verdict.error()
    assert isinstance(error, AccessDenied)
    assert error.authenticated
    assert "originals" in error.message
    assert error.hint
