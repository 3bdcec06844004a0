"""The same events are the same accounts; a name is one account's; what cannot be read is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from tests.support.people import NOW, Record, day
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.people.accounts import (
    ProviderIdentity,
    Refused,
    fold,
    judge,
    standing_of,
)


@pytest.fixture
def record() -> Record:
    return Record()


def added(id: str, name: str, at: int = 0, event: str = "", type: str = "account") -> RecordedEvent:
    """A claim of a name, ``at`` seconds after noon."""
    detail = {"id": id, type: name, "kind": "person", "full_name": "x", "roles": []}
    return RecordedEvent(event or f"e-{id}", f"{type}.added", NOW + timedelta(seconds=at), detail)


FIRST, SECOND = f"a-{1:016}", f"a-{2:016}"


def test_of_two_homes_that_gave_one_name_the_first_keeps_it_and_the_other_is_refused() -> None:
    accounts = fold([added(SECOND, "lan", at=5), added(FIRST, "lan", at=4)])
    assert accounts.get("lan").id == FIRST
    other = accounts.by_id[SECOND]
    assert standing_of(other, NOW).state == "contested"
    assert {one.id for one in accounts.claimants("lan")} == {FIRST, SECOND}


def test_at_the_same_moment_the_ids_of_the_events_decide() -> None:
    accounts = fold([added(FIRST, "lan", event="e-2"), added(SECOND, "lan", event="e-1")])
    assert accounts.get("lan").id == SECOND


def test_a_claim_that_was_withdrawn_leaves_the_name_to_the_other_and_never_free(record: Record) -> None:
    record.events = [added(FIRST, "lan"), added(SECOND, "lan", at=1)]
    record.now += timedelta(seconds=2)
    record.put(record.changes.withdraw(FIRST, "lan"))
    assert record.get("lan").id == SECOND
    assert standing_of(record.accounts.by_id[FIRST], NOW).state == "withdrawn"
    record.put(record.changes.withdraw(SECOND, "lan"))
    with pytest.raises(NotFound):
        record.get("lan")
    assert len(record.accounts.claimants("lan")) == 2


def test_a_gateway_keeps_its_name_whoever_came_first() -> None:
    accounts = fold([added(FIRST, "lan"), added("g-0000000000000001", "lan", at=9, type="gateway")])
    assert accounts.get("lan").is_gateway
    assert standing_of(accounts.by_id[FIRST], NOW).state == "contested"


def test_an_id_is_one_accounts_for_ever() -> None:
    accounts = fold([added(FIRST, "lan"), added(FIRST, "binh", at=1, event="e-2")])
    assert [one.name for one in accounts] == ["lan"]
    assert accounts.strange == ("e-2",)


def test_a_suspension_by_a_node_whose_clock_is_behind_is_not_lost(record: Record) -> None:
    record.add("lan", "auditor-original")
    record.now -= timedelta(seconds=3)
    told = {"id": record.events[0].detail["id"], "reason": "moved", "from": "2026-12-01"}
    record.event("account.suspended", told)
    assert isinstance(judge(record.get("lan"), "originals", NOW), Refused)


def test_events_of_nobody_are_named(record: Record) -> None:
    made = record.event("account.suspended", {"id": FIRST, "reason": "x", "from": "2026-12-01"})
    assert record.accounts.strange == (made.id,)
    assert len(record.accounts) == 0


@pytest.mark.parametrize(
    ("type", "detail"),
    [
        ("suspended", {"reason": "moved", "from": "1st of May"}),
        ("suspended", {"reason": "moved"}),
        ("suspended", {"reason": 7, "from": "2026-12-01"}),
        ("suspended", {"reason": "moved", "from": None}),
        ("role-granted", {"from": "2026-12-01"}),
        ("role-granted", {"role": ["approver"], "from": "2026-12-01"}),
        ("role-revoked", {"role": "auditor-original", "from": 20261201}),
        ("changed", {"valid_until": "2026-13-01"}),
        ("changed", {"unit": None}),
        ("identity-added", {"issuer": "https://idp"}),
        ("identity-removed", {"subject": "7"}),
    ],
)
def test_an_event_that_cannot_be_read_makes_its_account_refused(
    record: Record, type: str, detail: dict[str, object]
) -> None:
    lan = record.add("lan", "auditor-original")
    record.add("binh", "auditor-original")
    record.event(f"account.{type}", {"id": lan.id, "account": "lan", **detail})
    verdict = judge(record.get("lan"), "originals", NOW)
    assert isinstance(verdict, Refused)
    assert verdict.reason == "unclear"
    assert standing_of(record.get("binh"), NOW).state == "active"


@pytest.mark.parametrize(
    "detail", [{}, {"kind": "robot"}, {"roles": "all"}, {"roles": [{}]}, {"roles": ["approver"]}, {"unit": 1}]
)
def test_an_account_whose_beginning_cannot_be_read_keeps_its_name_and_is_refused(
    record: Record, detail: dict[str, object]
) -> None:
    told = {"id": FIRST, "account": "lan", **detail}
    if detail and "kind" not in detail:
        told["kind"] = "person"
    record.event("account.added", told)
    assert standing_of(record.get("lan"), NOW).state == "unclear"


def test_a_claim_without_id_or_name_is_nobodys(record: Record) -> None:
    record.event("account.added", {"account": "lan", "kind": "person"})
    record.event("account.added", {"id": FIRST, "kind": "person"})
    record.event("gateway.added", {"id": 1, "gateway": "x"})
    assert len(record.accounts) == 0
    assert len(record.accounts.strange) == 3


def test_an_identity_is_of_the_account_that_was_given_it_first(record: Record) -> None:
    one, other = record.add("lan"), record.add("binh")
    identity = ProviderIdentity("https://idp.example/realms/bhxh", "7f3a")
    record.put(record.changes.add_identity(one, identity))
    told = {"id": other.id, "account": "binh", "issuer": identity.issuer, "subject": identity.subject}
    record.event("account.identity-added", told)  # by another home at the same time
    found = record.accounts.of_identity(identity)
    assert found is not None
    assert found.name == "lan"
    record.put(record.changes.remove_identity(record.get("lan"), identity))
    found = record.accounts.of_identity(identity)
    assert found is not None
    assert found.name == "binh"
    assert record.accounts.of_identity(replace(identity, issuer="https://idp.example")) is None


def test_a_revocation_ends_what_was_granted_and_not_what_is_granted_later(record: Record) -> None:
    record.add("lan", "auditor-log")
    record.put(record.changes.revoke(record.get("lan"), "auditor-log", None))
    assert record.get("lan").roles_on(day("2026-12-01")) == ()
    record.put(record.changes.grant(record.get("lan"), "auditor-log", record.get("lan").days))
    assert record.get("lan").roles_on(day("2026-12-01")) == ("auditor-log",)


def test_a_thousand_accounts_in_any_order_and_twice_are_the_same_accounts(record: Record) -> None:
    record.events = [added(f"a-{number:016x}", f"n{number}", at=number) for number in range(1000)]
    for number in range(0, 1000, 3):
        told = {"id": f"a-{number:016x}", "reason": "moved", "from": "2026-12-01"}
        record.event("account.suspended", told)
    twice = record.events * 2
    Random(4).shuffle(twice)
    accounts = fold(twice)
    assert accounts == record.accounts
    assert len(accounts) == 1000
    suspended = [one for one in accounts if standing_of(one, NOW).state == "suspended"]
    assert len(suspended) == 334
