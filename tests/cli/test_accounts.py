"""``vanvault account``: who may do what, from day to day; and what its JSON says."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.core.times import vietnam_day
from vanvault.recovery.work import account

LAN = ("--full-name", "Nguyễn Thị Lan", "--unit", "BHXH Hà Nội")


def today(offset: int = 0) -> str:
    return str(vietnam_day(SystemClock().now()) + timedelta(days=offset))


def run(home: Path, *words: str) -> Any:
    return json_of(run_cli(home, "account", *words, "--json"))


def listed(home: Path, *words: str) -> dict[str, dict[str, Any]]:
    return {one["account"]: one for one in run(home, "list", *words)["accounts"]}


def test_an_account_is_added_and_listed_beside_the_gateways(home: Path) -> None:
    made = run(home, "add", "lan", *LAN, "--role", "auditor-log", "--valid-until", today(30))
    assert made["already"] is False
    assert made["id"].startswith("a-")
    found = listed(home)
    assert list(found) == ["gateway-1", "lan"]
    assert found["gateway-1"]["roles"] == ["gateway"]
    assert found["gateway-1"]["kind"] == "service"
    lan = found["lan"]
    assert {name: value for name, value in made.items() if name != "already"} == lan
    assert (lan["state"], lan["why"], lan["roles"]) == ("active", "", ["auditor-log"])
    assert (lan["full_name"], lan["unit"], lan["owner"]) == ("Nguyễn Thị Lan", "BHXH Hà Nội", "")
    assert (lan["valid_from"], lan["valid_until"]) == (today(), today(30))
    assert (lan["suspensions"], lan["late"], lan["last_seen"], lan["idle_days"]) == ([], [], None, 0)
    table = run_cli(home, "account", "list").stdout
    assert "Nguyễn Thị Lan" in table
    (event,) = json_of(run_cli(home, "search", "--type", "vanvault.account.added", "--json"))["items"]
    assert account() in event["detail"]


def test_a_service_whose_owner_is_off_is_listed_for_review_and_told(home: Path) -> None:
    run(home, "add", "binh", *LAN)
    run(home, "add", "robot", "--kind", "service", "--owner", "binh", "--role", "auditor-log")
    assert (run(home, "list")["owners_off"], run(home, "review")["due"]) == ({}, [])
    run(home, "suspend", "binh", "--reason", "left")
    why = f"its owner binh is off: binh is suspended since {today()}"
    assert run(home, "list")["owners_off"] == {"robot": why}
    (due,) = run(home, "review")["due"]
    assert (due["account"], due["look_at"]) == ("robot", [why])
    shown = run_cli(home, "account", "list")
    assert "binh (OFF)" in shown.stdout
    assert f"robot can still be used, and {why}" in shown.stderr
    assert "is off" in run_cli(home, "account", "review").stdout
    confirmed = run_cli(home, "account", "review", "--confirm", "robot")
    assert "robot stays on the list" in confirmed.stderr
    assert [one["account"] for one in run(home, "review")["due"]] == ["robot"]


def test_a_late_suspension_shows_its_lag_and_a_coming_one_its_day(home: Path) -> None:
    run(home, "add", "lan", *LAN)
    run(home, "add", "binh", *LAN)
    late = run(home, "suspend", "lan", "--reason", "moved away", "--from", today(-2))
    assert (late["state"], late["suspensions"][0]["lag_days"]) == ("suspended", 2)
    assert [(one["what"], one["effective"], one["lag_days"]) for one in late["late"]] == [
        ("suspended", today(-2), 2)
    ]
    coming = run(home, "suspend", "binh", "--reason", "maternity leave", "--from", today(5))
    assert coming["state"] == "active"
    at = {name: one["state"] for name, one in listed(home, "--at", today(5)).items()}
    assert at == {"binh": "suspended", "gateway-1": "active", "lan": "suspended"}
    at = {name: one["state"] for name, one in listed(home, "--at", today(4)).items()}
    assert at["binh"] == "active"
    table = run_cli(home, "account", "list").stdout
    assert f"suspended from {today(5)}" in table
    assert "2 days late" in table
    assert run(home, "resume", "lan", "--reason", "came back")["state"] == "active"


def test_roles_are_granted_and_revoked_and_the_table_says_who_holds_them(home: Path) -> None:
    run(home, "add", "lan", *LAN)
    assert run(home, "grant", "lan", "approver")["roles"] == ["approver"]
    coming = run(home, "grant", "lan", "operator", "--from", today(3), "--until", today(9))
    assert coming["roles"] == ["approver"]
    assert {"role": "operator", "from": today(3), "until": today(9)}.items() <= coming["grants"][1].items()
    held = {one["role"]: one for one in run(home, "roles")["roles"]}
    assert (held["approver"]["held_by"], held["operator"]["held_by"]) == (["lan"], [])
    assert held["gateway"]["held_by"] == ["gateway-1"]
    assert held["account-manager"]["excludes"] == ["auditor-log", "auditor-original", "extractor"]
    assert "người phê duyệt" in run_cli(home, "account", "roles").stdout
    assert run(home, "revoke", "lan", "approver")["roles"] == []
    assert run(home, "revoke", "lan", "approver")["already"] is True


def test_an_account_is_changed(home: Path) -> None:
    run(home, "add", "lan", *LAN, "--valid-until", today(3))
    changed = run(home, "change", "lan", "--unit", "BHXH Huế", "--no-end")
    assert (changed["unit"], changed["full_name"]) == ("BHXH Huế", "Nguyễn Thị Lan")
    assert changed["valid_until"] is None
    both = run_cli(home, "account", "change", "lan", "--valid-until", today(9), "--no-end")
    assert both.exit_code == 2 and "not both" in both.stderr
    robot = run(home, "add", "robot", "--kind", "service", "--owner", "lan", "--role", "operator")
    assert (robot["kind"], robot["owner"]) == ("service", "lan")
    assert run(home, "change", "gateway-1", "--owner", "lan")["owner"] == "lan"


def test_what_is_over_is_listed_only_when_asked_for(home: Path) -> None:
    run(home, "add", "lan", *LAN, "--valid-from", today(-9), "--valid-until", today())
    assert "lan" not in listed(home, "--at", today(1))
    assert listed(home, "--at", today(1), "--all")["lan"]["state"] == "over"
    json_of(run_cli(home, "gateway", "remove", "gateway-1", "--json"))
    assert "gateway-1" not in listed(home)
    assert listed(home, "--all")["gateway-1"]["state"] == "removed"


def test_accounts_are_reviewed(home: Path) -> None:
    run(home, "add", "lan", *LAN)
    assert run(home, "review") == {"due": []}
    assert run(home, "review", "--confirm", "--all") == {"confirmed": []}
    ahead = run(home, "review", "--all")["due"]
    assert [(one["account"], one["look_at"]) for one in ahead] == [
        ("gateway-1", []),
        ("lan", ["it holds no role"]),
    ]
    assert "it holds no role" in run_cli(home, "account", "review", "lan").stdout
    (lan,) = run(home, "review", "lan", "--confirm")["confirmed"]
    assert lan["reviewed_at"] is not None
    assert date.fromisoformat(lan["review_due"]) > date.fromisoformat(today(150))
    assert run_cli(home, "account", "review", "--confirm").exit_code == 2
    assert run_cli(home, "account", "review", "lan", "nobody").exit_code == 4


def test_an_identity_is_one_accounts(home: Path) -> None:
    user = ("--issuer", "https://idp.example/realms/bhxh", "--subject", "7f3a")
    run(home, "add", "lan", *LAN)
    run(home, "add", "binh", *LAN)
    assert run(home, "identity", "add", "lan", *user)["identities"] == [
        {"issuer": user[1], "subject": user[3]}
    ]
    assert run_cli(home, "account", "identity", "add", "binh", *user).exit_code == 5
    assert run(home, "identity", "remove", "lan", *user)["identities"] == []
    assert run(home, "identity", "remove", "lan", *user)["already"] is True


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("add", "Lan", *LAN), 2),
        (("add", "lаn", *LAN), 2),  # the second letter is Cyrillic
        (("add", "vanvault", *LAN), 2),
        (("add", "mai"), 2),  # nobody without a name
        (("add", "lan", *LAN), 5),
        (("add", "gateway-1", *LAN), 5),
        (("add", "binh", *LAN, "--role", "admin"), 2),
        (("add", "binh", *LAN, "--role", "account-manager", "--role", "auditor-original"), 2),
        (("add", "binh", *LAN, "--valid-until", "2020-01-01"), 2),
        (("add", "binh", *LAN, "--valid-from", "yesterday"), 2),
        (("add", "robot", "--kind", "service"), 2),
        (("grant", "lan", "admin"), 2),
        (("grant", "lan", "approver", "--from", "2020-01-01"), 2),
        (("grant", "nobody", "approver"), 4),
        (("suspend", "nobody", "--reason", "x"), 4),
        (("suspend", "lan", "--reason", " "), 2),
        (("suspend", "gateway-1", "--reason", "x"), 2),
        (("change", "lan", "--valid-until", "2020-01-01"), 2),
        (("review", "--confirm", "lan", "nobody"), 4),
        (("list", "--at", "2026-02-30"), 2),
    ],
)
def test_what_cannot_be_done_says_so_and_changes_nothing(
    home_with_lan: Path, words: tuple[str, ...], exit_code: int
) -> None:
    before = listed(home_with_lan, "--all")
    refused = run_cli(home_with_lan, "account", *words)
    assert refused.exit_code == exit_code, refused.output
    assert "Traceback" not in refused.output
    assert listed(home_with_lan, "--all") == before


@pytest.fixture(scope="module")
def home_with_lan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("accounts") / "home"
    json_of(run_cli(home, "init", "--json"))
    run(home, "add", "lan", *LAN)
    return home


def test_a_token_of_a_person_comes_is_listed_and_goes(home: Path) -> None:
    run(home, "add", "lan", *LAN, "--role", "auditor-log")
    made = run(
        home, "token", "add", "lan", "--permission", "search", "--for", "2h", "--network", "10.0.0.0/8"
    )
    assert set(made) == {"account", "token", "token_id", "permissions", "not_after"}
    assert made["token"].startswith("vvp_")
    (one,) = run(home, "token", "list")["tokens"]
    assert (one["account"], one["token"], one["state"]) == ("lan", made["token_id"], "good")
    assert (one["permissions"], one["networks"], one["who"]) == (["search"], ["10.0.0.0/8"], account())
    assert made["token_id"] in run_cli(home, "account", "token", "list", "lan").stdout
    gone = [run(home, "token", "remove", "lan", made["token_id"]) for _ in range(2)]
    assert [one["already"] for one in gone] == [False, True]
    assert run(home, "token", "list", "lan")["tokens"] == []
    (one,) = run(home, "token", "list", "lan", "--all")["tokens"]
    assert one["state"] == "removed"
    shown = run_cli(home, "account", "token", "add", "lan").stdout
    assert "vvp_" in shown


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "nobody"), 4),
        (("add", "gateway-1"), 2),
        (("add", "lan", "--for", "31d"), 2),
        (("add", "lan", "--for", "soon"), 2),
        (("add", "lan", "--permission", "approve"), 2),
        (("add", "lan", "--permission", "originals"), 9),
        (("add", "lan", "--network", "everywhere"), 2),
        (("remove", "lan", "t-0000"), 4),
        (("list", "nobody"), 4),
    ],
    ids=str,
)
def test_a_token_that_may_not_be_is_refused(home: Path, words: tuple[str, ...], code: int) -> None:
    run(home, "add", "lan", *LAN, "--role", "auditor-log")
    assert run_cli(home, "account", "token", *words).exit_code == code
    assert run(home, "token", "list", "--all")["tokens"] == []
