"""Accounts over HTTP and on pages: who sees whose, what a review has to look at, how sessions are ended."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.api.console.conftest import SESSION, ConsolePlace, token_in
from vanvault.api.console.views.people import AccountLine, PeopleView, session_lines

LONG = "Nguyễn Phúc Bảo Quỳnh Công Tằng Tôn Nữ Thị Ánh Tuyết"


def told(name: str, **changed: Any) -> dict[str, Any]:
    """An account as the API tells it."""
    return {
        "id": "a-0123456789abcdef",
        "account": name,
        "kind": "person",
        "full_name": LONG,
        "unit": "",
        "owner": "",
        "state": "active",
        "roles": [],
        "grants": [],
        "factors": [],
        "identities": [],
        "last_seen": None,
        "review_due": "2027-05-22",
        "review_is_due": False,
        "look_at": [],
        **changed,
    }


def test_a_line_tells_roles_of_today_and_those_that_begin_later() -> None:
    grants = [{"role": "operator", "from": "2026-12-09"}, {"role": "approver", "from": None}]
    line = AccountLine.of(told("lan", roles=["approver"], grants=grants), "2026-12-01")
    assert (line.roles, line.coming) == (("approver",), (("operator", "2026-12-09"),))
    assert AccountLine.of(told("cong", id="g-0123456789abcdef"), "2026-12-01").kind == "gateway"


def test_reviews_that_are_due_stand_first_the_longest_due_before_all() -> None:
    accounts = (
        AccountLine.of(told("a", review_is_due=True, review_due="2026-11-30"), "2026-12-01"),
        AccountLine.of(told("b"), "2026-12-01"),
        AccountLine.of(told("c", review_is_due=True, review_due="2026-01-01"), "2026-12-01"),
    )
    assert [one.name for one in PeopleView(accounts, everything=False, lacking=0).due] == ["c", "a"]


def test_the_session_of_the_page_is_marked() -> None:
    times = dict.fromkeys(("opened_at", "used_at", "until"), "2026-12-01T01:00:00Z")
    one = {"id": "s-1", "method": "password", "address": "", **times}
    assert [line.here for line in session_lines([one, {**one, "id": "s-2"}], "s-2")] == [False, True]


def api(place: ConsolePlace, name: str, path: str) -> httpx.Response:
    """What a route of the API answers this person."""
    return httpx.get(
        f"{place.server.url}{path}",
        headers={"Authorization": f"Bearer {place.of(name).cookies[SESSION]}"},
        trust_env=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["minh", "tam"])
def test_who_manages_accounts_or_sees_the_access_log_sees_all_accounts(
    place: ConsolePlace, name: str
) -> None:
    found = {one["account"]: one for one in api(place, name, "/v1/accounts").json()["accounts"]}
    assert {"lan", "minh"} <= set(found)
    lan = found["lan"]
    assert (lan["roles"], lan["factors"]) == (["auditor-original"], ["codes", "password"])
    assert lan["grants"][0]["granted_by"] == "anh" and not lan["review_is_due"]
    assert api(place, name, "/v1/accounts/lan").json() == {"account": lan}
    page = place.of(name, "vi").get("/console/people").text
    assert 'href="/console/people/lan"' in page and "kiểm tra viên bản gốc" in page
    assert "Không có tài khoản nào chờ rà soát" in page
    assert place.of(name).get("/console/people?all=true").status_code == 200
    check_problem(api(place, name, "/v1/accounts?al=true"), 400, "invalid-input")
    check_problem(api(place, name, "/v1/accounts/nobody"), 404, "not-found")


@pytest.mark.parametrize("name", ["hoa", "vinh"])
def test_everybody_else_sees_their_own_account_only(place: ConsolePlace, name: str) -> None:
    check_problem(api(place, name, "/v1/accounts"), 403, "access-denied")
    check_problem(api(place, name, "/v1/accounts/lan"), 403, "access-denied")
    assert api(place, name, f"/v1/accounts/{name}").json()["account"]["account"] == name
    browser = place.of(name)
    refused = browser.get("/console/people")
    assert refused.status_code == 403 and "account-manager, security-officer" in refused.text
    assert browser.get("/console/people/lan").status_code == 403
    own = browser.get(f"/console/people/{name}").text
    assert "Your authenticators" in own and "this session" in own and "by anh" not in own
    assert "anh</bdi>" in own, "who gave the role"
    assert "in the access log" not in own


def test_the_page_of_another_leads_to_what_they_looked_at(place: ConsolePlace) -> None:
    place.of("hoa").get("/console/search?entry=event")
    officer = place.of("tam")
    page = officer.get("/console/people/hoa").text
    assert "Your authenticators" not in page
    address = page.partition('href="/console/access/')[2].partition('"')[0]
    looks = officer.get(f"/console/access/{address}")
    assert looks.status_code == 200 and "<q>actor:hoa</q>" in looks.text


def test_a_person_ends_another_session_of_their_own_and_a_manager_all(place: ConsolePlace) -> None:
    first, second = place.browser(), place.browser()
    assert first.sign_in("quyet", place.code("quyet")).status_code == 303
    assert second.sign_in("quyet", place.code("quyet", steps=1)).status_code == 303
    page, action = first.get("/console/people/quyet"), "/console/people/quyet/sessions/end"
    ids = page.text.split('name="session" value="')[1:]
    other = next(one[:18] for one in ids if "this session" not in page.text.partition(one)[0][-900:])
    assert first.post(action, {"token": "0" * 32, "session": other}).status_code == 403
    done = first.post(action, {"token": token_in(page, action), "session": other})
    assert (done.status_code, done.headers["location"]) == (303, "/console/people/quyet")
    assert second.get("/console/people/quyet").status_code == 303, "to sign in again"
    assert first.get("/console/people/quyet").status_code == 200

    manager = place.of("minh")
    foreign = manager.get("/console/people/quyet")
    assert manager.post(action, {"token": token_in(foreign, action)}).status_code == 303
    assert first.get("/console").status_code == 303
    assert place.of("hoa").post(action, {"token": "0" * 32}).status_code == 403


def test_an_authenticator_is_removed_only_after_two_fresh_factors_and_by_its_owner(
    place: ConsolePlace,
) -> None:
    browser, action = place.of("minh"), "/console/people/lan/authenticators/remove"
    page = browser.get("/console/people/lan")
    assert action not in page.text
    assert browser.post(action, {"token": "0" * 32, "authenticator": "x"}).status_code == 403
