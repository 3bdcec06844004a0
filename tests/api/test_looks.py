"""What gateways read over HTTP is counted, by whom and from where, and on record once the node stopped."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.api.conftest import check_problem
from tests.support.command import json_of, run_cli
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"


def test_reads_of_gateways_are_on_record(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with (
        Server(home) as server,
        server.wait_ready().client(token) as client,
        server.client("vv1_wrong") as stranger,
    ):
        ids = [push(client, f"m-{number}", b"<x/>" * (number + 1)).json()["id"] for number in range(2)]
        for _ in range(3):
            assert client.get("/v1/search", params={"entry": "message"}).status_code == 200
        assert client.get(f"/v1/messages/{ids[0]}").status_code == 200
        assert client.get(f"/v1/messages/{ids[0]}/original").content == b"<x/>"
        assert client.get(f"/v1/receipts/{ids[1]}").status_code == 200
        assert client.get("/v1/histogram", params={"entry": "message"}).status_code == 200
        assert client.get("/v1/transactions/none").status_code == 404
        assert client.get("/v1/search", params={"gateway": "gateway-2"}).status_code == 403
        assert stranger.get(f"/v1/messages/{ids[0]}/original").status_code == 401
        assert server.stop() == 0
    found = json_of(run_cli(home, "access", "list", "--json"))["looks"]
    told = {
        (look["who"], look["act"], look["outcome"]): (look["requests"], look["count"])
        for look in found
        if look["by"] == "token"
    }
    assert told == {
        ("gateway-1", "search", "shown"): (3, 6),
        ("gateway-1", "display", "shown"): (1, 1),
        ("gateway-1", "original", "shown"): (1, 1),
        ("gateway-1", "receipt", "shown"): (1, 1),
        ("gateway-1", "count", "shown"): (1, 2),
        ("gateway-1", "timeline", "failed"): (1, 0),
        ("gateway-1", "search", "refused"): (1, 0),
        ("", "original", "refused"): (1, 0),
    }
    assert {look["address"] for look in found if look["by"] == "token"} == {"127.0.0.1"}
    assert all(look["by_id"].startswith("t-") for look in found if look["who"] == "gateway-1")


def test_a_person_with_the_right_sees_who_looked_and_all_of_it_is_on_record(tmp_path: Path) -> None:
    home, seeds = tmp_path / "home", {}
    token = init_home(home)
    with Archive.open(home) as archive:
        for name, role in (("lan", "security-officer"), ("minh", "operator")):
            add_account(Desk(archive, "anh"), NewAccount(name, "person", name, roles=(role,)))
            request = CredentialRequest(name, "anh", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
    assert run_cli(home, "search", "--message-id", "m-1").exit_code == 0
    with Server(home) as server, server.wait_ready().client(token) as gateway:
        secrets = {}
        for name, seed in seeds.items():
            code = totp_code(seed, totp_step(SystemClock().now()))
            body = {"account": name, "password": PASSWORD, "code": code}
            opened = httpx.post(f"{server.url}/v1/session", json=body, trust_env=False, timeout=60)
            secrets[name] = opened.json()["secret"]
        with server.client(secrets["lan"]) as lan, server.client(secrets["minh"]) as minh:
            (look,) = lan.get("/v1/access", params={"message": "m-1"}).json()["looks"]
            assert (look["act"], look["asked"]) == ("search", {"message_id": "m-1"})
            check_problem(minh.get("/v1/access"), 403, "access-denied")
            check_problem(gateway.get("/v1/access"), 401, "unauthenticated")
            for wrong in (
                "limit=0",
                "limit=x",
                f"limit={'9' * 5000}",
                "act=peek",
                "who=a&who=b",
                "nonsense=1",
                "from=never",
                "from=2026-12-01&to=2026-11-01",
                "who=",
            ):
                check_problem(lan.get(f"/v1/access?{wrong}"), 400, "invalid-input")
            found = lan.get("/v1/access", params={"act": "access"}).json()
            assert found["partial"] is False
            assert found["others_until"] >= found["looks"][-1]["at"][:10]
            assert [(one["who"], one["outcome"], one["roles"]) for one in found["looks"]] == [
                ("minh", "refused", []),
                ("lan", "shown", ["security-officer"]),
            ]
            assert found["looks"][1]["shown"] == [look["id"]]
            assert found["looks"][1]["address"] == "127.0.0.1"
            assert found["looks"][1]["port"] > 0
            assert found["looks"][1]["session"].startswith("s-")
            for asked, more in (({"limit": 1}, True), ({"who": "minh"}, False)):
                found = lan.get("/v1/access", params=asked).json()
                assert (len(found["looks"]), found["more"]) == (1, more)
        assert server.stop() == 0


def test_a_token_of_a_person_is_good_for_what_it_says_until_it_is_taken_away(tmp_path: Path) -> None:
    home = tmp_path / "home"
    init_home(home)
    with Archive.open(home) as archive:
        for name, role in (("lan", "security-officer"), ("minh", "operator")):
            add_account(Desk(archive, "anh"), NewAccount(name, "person", name, roles=(role,)))
    made = {
        name: json_of(run_cli(home, "account", "token", "add", name, "--json")) for name in ("lan", "minh")
    }
    lan = made["lan"]
    with Server(home) as server:
        server.wait_ready()
        with (
            server.client(lan["token"]) as good,
            server.client(made["minh"]["token"]) as other,
            server.client("vvp_" + 43 * "A") as stranger,
        ):
            assert good.get("/v1/access").status_code == 200
            check_problem(other.get("/v1/access"), 403, "access-denied")
            check_problem(stranger.get("/v1/access"), 401, "unauthenticated")
            found = good.get("/v1/access", params={"who": "lan"}).json()["looks"]
            assert [(one["session"], one["roles"]) for one in found] == [
                (lan["token_id"], ["security-officer"])
            ]
            assert run_cli(home, "account", "token", "remove", "lan", lan["token_id"]).exit_code == 0
            wait_for(lambda: good.get("/v1/access").status_code != 200, "a removed token is refused")
            check_problem(good.get("/v1/access"), 401, "unauthenticated")
        assert server.stop() == 0
