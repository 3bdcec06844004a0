"""Who counts as another pair of eyes, when, and for what."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.support.four_eyes import HOUR, MINUTE, FourEyes
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.accounts import DaySpan
from vanvault.archiver.people.approvals import (
    AccountHistory,
    ActRule,
    ApprovalTable,
    ApprovalWish,
    Requester,
    fold_approvals,
    judge_request,
)


@pytest.fixture
def eyes() -> FourEyes:
    made = FourEyes()
    made.people.add("lan", "operator", "approver")
    made.people.add("binh", "approver")
    made.people.add("hoa", "approver")
    made.people.add("minh", "operator")
    return made


def test_another_person_approves(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    assert eyes.standing().state == "open"
    eyes.say("approved", request, "binh")
    standing = eyes.standing()
    assert (standing.state, [one.name for one in standing.approvers]) == ("approved", ["binh"])


@pytest.mark.parametrize(
    ("by", "other"),
    [
        ("lan", {}),  # who asked
        ("minh", {}),  # no approver
        ("binh", {"method": "password"}),  # one factor
        ("binh", {"roles": []}),  # not by a role that the session may use
        ("binh", {"digest": "0" * 64}),  # of another form of the request
        ("binh", {"proof_age": timedelta(minutes=7)}),
        ("binh", {"proof_age": timedelta(minutes=-7)}),
        ("binh", {"account": "hoa"}),  # a name that is not the account's
        ("binh", {"id": "a-ffffffffffffffff"}),
    ],
)
def test_who_may_not_approve_does_not_count(eyes: FourEyes, by: str, other: dict[str, Any]) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, by, **other)
    assert eyes.standing().state == "open"
    eyes.say("refused", request, by, **other)
    assert eyes.standing().state == "open"


def test_nobody_approves_what_is_for_their_own_benefit(eyes: FourEyes) -> None:
    binh = eyes.people.get("binh")
    for named in ("binh", binh.id):
        wish = ApprovalWish("roles", {"role": "operator"}, eyes.people.get("lan").id, (named,))
        request = eyes.request(wish, f"q-{named}")
        eyes.say("approved", request, "binh")
        assert eyes.standing(request.id).state == "open"
        eyes.say("approved", request, "hoa")
        assert eyes.standing(request.id).state == "approved"


def test_the_same_person_twice_is_one(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish(), approvals=2)
    eyes.say("approved", request, "binh")
    eyes.say("approved", request, "binh")
    assert eyes.standing().state == "open"
    eyes.say("approved", request, "hoa")
    assert eyes.standing().state == "approved"


def test_where_nobody_known_asks_two_people_approve(eyes: FourEyes) -> None:
    """An account of the operating system may be one of the approvers' own."""
    eyes.people.add("robot", "operator", kind="service", owner="lan")
    for id, key in (("q-os", Requester("root").key), ("q-robot", eyes.people.get("robot").id)):
        request = eyes.request(ApprovalWish("escrow", {}, key), id)
        eyes.say("approved", request, "binh")
        assert eyes.standing(id).state == "open"
        eyes.say("approved", request, "hoa")
        assert eyes.standing(id).state == "approved"


def test_an_account_of_the_operating_system_is_its_namesake(eyes: FourEyes) -> None:
    request = eyes.request(ApprovalWish("escrow", {}, Requester("binh").key), approvals=2)
    eyes.say("approved", request, "binh")
    eyes.say("approved", request, "hoa")
    assert [one.name for one in eyes.standing().approvers] == ["hoa"]


def test_a_service_never_approves(eyes: FourEyes) -> None:
    eyes.people.add("robot", "operator", kind="service", owner="lan")
    told = {"id": eyes.people.get("robot").id, "account": "robot", "role": "approver", "from": None}
    eyes.people.event("account.role-granted", {**told, "until": None})
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "robot")
    assert eyes.standing().state == "open"


def test_an_approval_comes_in_time_and_is_used_in_time(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.people.now += HOUR + MINUTE
    assert eyes.standing().state == "expired"
    eyes.say("approved", request, "binh")
    assert eyes.standing().state == "expired"

    request = eyes.request(eyes.wish(), "q-2")
    eyes.people.now += HOUR - MINUTE
    eyes.say("approved", request, "binh")
    eyes.people.now += 2 * HOUR - MINUTE
    assert eyes.standing("q-2").state == "approved"
    eyes.people.now += MINUTE
    assert eyes.standing("q-2").state == "expired"


def test_it_is_good_for_one_use(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    eyes.event("used", {"request": "q-1", "digest": request.digest, "use": "aa"})
    assert eyes.standing().state == "used"


@pytest.mark.parametrize("end", ["used", "refused", "withdrawn", "expired"])
def test_what_is_over_tells_who_approved_it_whatever_became_of_them(eyes: FourEyes, end: str) -> None:
    request = eyes.request(eyes.wish(), approvals=2)
    eyes.say("approved", request, "binh")
    eyes.say("approved", request, "minh")  # who may not
    told = {"request": "q-1", "digest": request.digest, "requester": request.wish.requester}
    if end == "expired":
        eyes.people.now += HOUR + MINUTE
    elif end == "refused":
        eyes.say("refused", request, "hoa")
    else:
        eyes.event(end, {**told, "use": "aa", "who": "lan"})
    eyes.people.now += MINUTE
    eyes.people.put(eyes.people.changes.suspend(eyes.people.get("binh"), "moved", None))
    standing = eyes.standing()
    assert (standing.state, [one.name for one in standing.approvers]) == (end, ["binh"])
    assert [use.who for use in eyes.book.get("q-1").uses] == (["lan"] if end == "used" else [])


def test_a_use_that_was_given_up_is_none(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    told = {"request": "q-1", "digest": request.digest}
    eyes.event("used", {**told, "use": "aa"})
    eyes.event("used", {**told, "use": "bb"})
    eyes.event("given-up", {**told, "use": "aa"})
    assert (eyes.standing().state, [use.nonce for use in eyes.book.get("q-1").uses]) == ("used", ["bb"])
    eyes.event("given-up", {**told, "use": "bb", "digest": "0" * 64})
    assert eyes.standing().state == "used", "said of another form of it"
    eyes.event("given-up", {**told, "use": "bb"})
    assert eyes.standing().state == "approved"
    for order in permutations(eyes.events[-3:]):
        assert fold_approvals([*eyes.events[:-3], *order]) == eyes.book


def test_a_refusal_ends_it_whoever_approved_before(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    eyes.say("refused", request, "hoa")
    assert (eyes.standing().state, eyes.standing().why) == ("refused", "hoa refused it: not needed")
    eyes.people.now += MINUTE
    eyes.people.put(eyes.people.changes.suspend(eyes.people.get("hoa"), "moved", None))
    assert eyes.standing().state == "refused", "what takes a right away afterwards lets nothing through"


def test_only_who_asked_takes_it_back(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    told = {"request": "q-1", "digest": request.digest}
    eyes.event("withdrawn", {**told, "requester": eyes.people.get("binh").id})
    assert eyes.standing().state == "approved"
    eyes.event("withdrawn", {**told, "requester": eyes.people.get("lan").id})
    assert eyes.standing().state == "withdrawn"


def test_an_approver_is_active_when_approving_and_still_at_the_use(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    eyes.people.now += MINUTE
    eyes.people.put(eyes.people.changes.suspend(eyes.people.get("binh"), "moved", None))
    assert eyes.standing().state == "open"


def test_who_was_off_then_did_not_approve_although_active_now(eyes: FourEyes) -> None:
    eyes.people.put(eyes.people.changes.suspend(eyes.people.get("binh"), "moved", None))
    eyes.people.now += MINUTE
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    eyes.people.now += MINUTE
    eyes.people.put(eyes.people.changes.resume(eyes.people.get("binh"), "back"))
    assert eyes.standing().state == "open"


def test_a_role_that_came_later_did_not_permit_it_then(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "minh")
    eyes.people.now += MINUTE
    eyes.people.put(eyes.people.changes.grant(eyes.people.get("minh"), "approver", DaySpan()))
    assert eyes.standing().state == "open"


def test_what_a_suspended_person_asked_for_is_void(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    eyes.people.put(eyes.people.changes.suspend(eyes.people.get("lan"), "moved", None))
    assert eyes.standing().state == "void"


def test_a_table_that_became_stricter_counts_for_what_was_asked_before(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    eyes.table = ApprovalTable(True, {"key-unwrap": ActRule(approvals=2)})
    assert eyes.standing().state == "open"
    eyes.say("approved", request, "hoa")
    assert eyes.standing().state == "approved"


def test_another_subject_is_another_request(eyes: FourEyes) -> None:
    one, same, other = eyes.wish(count=10), eyes.wish(count=10), eyes.wish(count=11)
    assert one.digest == same.digest != other.digest
    assert eyes.wish("binh", count=10).digest != one.digest
    with pytest.raises(InvalidInput):
        _ = eyes.wish(share=0.5).digest
    with pytest.raises(InvalidInput):
        _ = eyes.wish(text="a" * 10_000).digest


def test_a_request_whose_digest_is_not_its_own_is_none(eyes: FourEyes) -> None:
    wish = eyes.wish(count=10)
    told = {**eyes.wish(count=10_000).as_json()}
    eyes.event(
        "requested",
        {
            "request": "q-1", "digest": wish.digest, "asked": told, "approvals": 1,
            "until": "2026-12-01T04:00:00Z", "good_for_s": 60, "who": "lan",
        },
    )  # fmt: skip
    assert not eyes.book.by_id
    assert len(eyes.book.strange) == 1


def test_what_cannot_be_read_is_good_for_nothing(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish())
    eyes.say("approved", request, "binh")
    eyes.say("refused", request, "hoa", reason=7)
    assert eyes.standing().state == "unclear"
    eyes.event("table-set", {"table": {"on": "perhaps"}})
    assert eyes.book.table_unclear


def test_in_any_order_and_twice_they_are_the_same(eyes: FourEyes) -> None:
    request = eyes.request(eyes.wish(), approvals=2)
    eyes.say("approved", request, "binh")
    eyes.say("approved", request, "hoa")
    eyes.event("used", {"request": "q-1", "digest": request.digest, "use": "aa"})
    eyes.event("table-set", {"table": ApprovalTable(on=True).as_json()})
    whole = eyes.book
    assert whole.table.on and [use.nonce for use in whole.get("q-1").uses] == ["aa"]
    for order in permutations(eyes.events):
        assert fold_approvals([*order, *order[:2]]) == whole


def test_the_requester_of_another_archive_of_accounts_is_nobody() -> None:
    eyes = FourEyes()
    eyes.people.add("binh", "approver")
    request = eyes.request(ApprovalWish("escrow", {}, "a-0123456789abcdef"))
    eyes.say("approved", request, "binh")
    history = AccountHistory(tuple(eyes.people.events))
    assert judge_request(eyes.book.get("q-1"), history, eyes.table, eyes.people.now).state == "open"
