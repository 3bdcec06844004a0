"""``vanvault approval`` as people use it: one asks, another signs on and approves, the first tries again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

from tests.api.conftest import check_problem
from tests.api.test_openapi import check_answer
from tests.support.command import json_of, run_cli
from tests.support.server import Server
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.cli.signed_on import KeptSession, keep_session, session_secret
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials
from vanvault.recovery.work import account

PASSWORD = "Mưa rào 1979 ở Huế"
ON = {"VANVAULT_APPROVALS__ON": "true"}
STRICT = {**ON, "VANVAULT_APPROVALS__APPROVALS": "2"}


#: Seconds after which somebody signs on again.
_FRESH_S = 150.0


@dataclass
class Place:
    """A home with a node, and people who sign on with codes, each of which is used once."""

    home: Path
    server: Server
    seeds: dict[str, bytes]
    files: Path
    used: dict[str, int] = field(default_factory=dict)
    signed_on_at: dict[str, float] = field(default_factory=dict)

    def run(self, *words: object, by: str = "", env: dict[str, str] | None = None) -> Result:
        """As a person who is signed on, or as the account of the operating system."""
        self.stay_fresh(by)
        told = {"VANVAULT_URL": self.server.url, "VANVAULT_SESSION_FILE": str(self.files / (by or "nobody"))}
        return run_cli(self.home, *words, env=told | (ON if env is None else env))

    def sign_on(self, name: str) -> None:
        self.signed_on_at[name] = time.monotonic()
        step = self.used[name] = max(totp_step(SystemClock().now()), self.used.get(name, 0) + 1)
        typed = f"{PASSWORD}\n{totp_code(self.seeds[name], step)}\n"
        env = {"VANVAULT_URL": self.server.url, "VANVAULT_SESSION_FILE": str(self.files / name)}
        words = ("login", name, "--password-file", "-")
        assert run_cli(self.home, *words, env=env, input=typed.encode()).exit_code == 0

    def stay_fresh(self, name: str) -> None:
        """Who approves has signed on within five minutes, however slow the machine is."""
        if name in self.signed_on_at and time.monotonic() - self.signed_on_at[name] > _FRESH_S:
            self.sign_on(name)

    def client(self, name: str, monkeypatch: pytest.MonkeyPatch) -> httpx.Client:
        self.stay_fresh(name)
        monkeypatch.setenv("VANVAULT_SESSION_FILE", str(self.files / name))
        return self.server.client(str(session_secret()))

    def asked(self, *words: object, by: str = "", env: dict[str, str] | None = None) -> str:
        """The request that an act which needs approval leaves."""
        done = self.run(*words, "--json", by=by, env=env)
        assert done.exit_code == ExitCode.APPROVAL, done.stderr
        return str(json.loads(done.stdout)["error"]["request"])

    def show(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = json_of(self.run("approval", "show", id, "--json"))
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("approval")
    home, seeds = folder / "home", {}
    init_home(home)
    roles = {"lan": ("operator",), "anh": ("approver",), "binh": ("approver",), "hoa": ("approver",)}
    roles["mai"] = ("operator",)
    with Archive.open(home) as archive:
        for name, held in roles.items():
            add_account(Desk(archive, "root"), NewAccount(name, "person", name, roles=held))
            request = CredentialRequest(name, "root", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
    with Server(home) as server:
        made = Place(home, server.wait_ready(), seeds, folder)
        for name in roles:
            made.sign_on(name)
        assert json_of(made.run("approval", "table", "set", "--json", env=STRICT))["already"] is False
        yield made
        assert server.stop() == 0


def test_one_asks_others_approve_and_it_is_done_once(place: Place) -> None:
    id = place.asked("approval", "table", "set", by="lan")
    assert place.asked("approval", "table", "set", by="lan") == id
    told = place.show(id)
    assert (told["act"], told["requested_by"], told["state"], told["needed"]) == (
        "approval-table", "lan", "open", 2,
    )  # fmt: skip
    assert id in place.run("approval", "list").stdout
    for name in ("anh", "binh"):
        done = place.run("approval", "approve", id, by=name)
        assert done.exit_code == 0, done.stderr
        assert told["digest"] in done.stdout, "what is approved is shown first"
    assert [one["account"] for one in place.show(id)["approved_by"]] == ["anh", "binh"]
    assert json_of(place.run("approval", "table", "set", "--json", by="lan"))["already"] is False
    used = place.show(id)
    assert used["state"] == "used"
    assert [one["account"] for one in used["approved_by"]] == ["anh", "binh"]
    assert [one["account"] for one in used["used_by"]] == ["lan"]
    shown = place.run("approval", "show", id).stdout
    assert "used by" in shown and "'" not in shown and "False" not in shown, "values are JSON"
    listed = place.run("approval", "list", "--all").stdout
    assert "2/2" in next(line for line in listed.splitlines() if id in line)
    assert id not in place.run("approval", "list").stdout
    assert id in place.run("approval", "list", "--all").stdout
    assert json_of(place.run("approval", "table", "set", "--json", by="lan", env=STRICT))["already"] is False


def test_nobody_approves_twice_or_what_they_may_not(place: Place) -> None:
    id = place.asked("approval", "table", "set", by="hoa")
    assert place.run("approval", "approve", id).exit_code == ExitCode.DENIED, "nobody is signed on"
    assert place.run("approval", "approve", id, by="hoa").exit_code == ExitCode.DENIED, "it is her own"
    assert place.run("approval", "approve", id, by="lan").exit_code == ExitCode.NOT_FOUND, "no approver"
    assert place.run("approval", "approve", id, by="anh").exit_code == 0
    assert place.run("approval", "approve", id, by="anh").exit_code == ExitCode.CONFLICT
    assert place.run("approval", "withdraw", id, by="anh").exit_code == ExitCode.DENIED
    assert json_of(place.run("approval", "withdraw", id, "--json", by="hoa"))["state"] == "withdrawn"
    assert place.run("approval", "withdraw", id, by="hoa").exit_code == ExitCode.CONFLICT
    assert place.run("approval", "approve", id, by="binh").exit_code == ExitCode.CONFLICT


def test_a_refusal_ends_it(place: Place) -> None:
    id = place.asked("approval", "table", "set", by="lan")
    refused = json_of(place.run("approval", "refuse", id, "--reason", "not now", "--json", by="binh"))
    assert (refused["state"], refused["why"]) == ("refused", "binh refused it: not now")
    assert place.asked("approval", "table", "set", by="lan") != id


def test_whoever_is_nobody_known_asks_as_the_operating_system(place: Place) -> None:
    """A file of a session that is none proves nothing."""
    id = place.asked("approval", "table", "set", by="nobody")
    assert place.show(id)["requester"].startswith("os:")


def test_a_session_that_is_none_is_told_and_asks_as_the_operating_system(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_SESSION_FILE", str(place.files / "forged"))
    keep_session(KeptSession(f"vvs_{'A' * 43}", "binh", place.server.url))
    done = place.run("approval", "table", "set", by="forged")
    assert done.exit_code == ExitCode.APPROVAL
    assert "not good any more" in done.stderr


def test_a_session_that_a_resumption_ended_asks_as_the_operating_system(place: Place) -> None:
    asked = place.asked("approval", "table", "set", by="mai")
    assert place.show(asked)["requested_by"] == "mai"
    assert place.run("account", "suspend", "mai", "--reason", "moved").exit_code == 0
    while_away = place.run("approval", "table", "set", by="mai")
    assert place.run("account", "resume", "mai").exit_code == 0
    after = place.run("approval", "table", "set", "--json", by="mai")
    assert "suspended" in while_away.stderr and "resumed since" in after.stderr
    for done in (while_away, after):
        assert done.exit_code == ExitCode.APPROVAL and asked not in done.stderr + done.stdout
    request = json.loads(after.stdout)["error"]["request"]
    assert place.show(request)["requester"].startswith("os:")


def test_what_a_person_looks_at_is_on_record_as_that_persons(place: Place) -> None:
    assert place.run("search", "--message-id", "by-a-person", by="lan").exit_code == 0
    assert place.run("search", "--message-id", "by-nobody").exit_code == 0
    found = json_of(place.run("access", "list", "--act", "search", "--json"))["looks"]
    nobody, lan = (one for one in found if one["asked"].get("message_id") in ("by-a-person", "by-nobody"))
    assert (lan["who"], lan["by"], lan["roles"]) == ("lan", "account", ["operator"])
    assert lan["by_id"].startswith("a-") and lan["session"].startswith("s-")
    assert lan["os_account"] == nobody["who"] == account()
    assert (nobody["by"], nobody["os_account"]) == ("os-account", "")


def test_what_a_person_does_is_on_record_as_that_persons(place: Place, tmp_path: Path) -> None:
    output = tmp_path / "x.ndjson"
    export = ("export", "--output", output, "--format", "ndjson", "--reason", "r", "--to", "2020-01-01")
    assert place.run(*export, by="lan").exit_code == 0
    assert place.run("account", "change", "mai", "--unit", "archive", by="lan").exit_code == 0
    assert place.run("account", "change", "mai", "--unit", "office").exit_code == 0
    with Archive.open(place.home) as archive:
        archive.refresh()
        by = {
            type: [event.detail["who"] for event in own_events(archive.search, type, order="oldest")]
            for type in ("export.started", "account.changed")
        }
    assert by == {"export.started": ["lan"], "account.changed": ["lan", account()]}


def test_two_people_at_one_account_of_the_host_place_and_confirm_a_hold(place: Place) -> None:
    why = ("--case", "case 12/2026", "--reason", "a court asks", "--employer-code", "TZ1")
    placed = json_of(place.run("hold", "place", *why, "--json", by="anh"))
    assert placed["placed"]["who"] == "anh"
    assert place.run("hold", "confirm", placed["hold"], by="anh").exit_code == ExitCode.CONFLICT
    confirmed = json_of(place.run("hold", "confirm", placed["hold"], "--json", by="binh"))
    assert (confirmed["state"], confirmed["confirmed"][0]["who"]) == ("confirmed", "binh")


def test_over_http_everybody_sees_what_they_may(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    id = place.asked("approval", "table", "set", by="binh")
    digest = place.show(id)["digest"]
    with place.client("anh", monkeypatch) as client:
        document, listed = client.get("/v1/openapi.json").json(), client.get("/v1/approvals")
        check_answer(document, "/v1/approvals", listed)
        found = listed.json()
        assert id in [one["id"] for one in found["approvals"]] and not found["own_only"]
        shown = client.get(f"/v1/approvals/{id}")
        check_answer(document, "/v1/approvals/{request_id}", shown)
        assert shown.json() == place.show(id)
        path = f"/v1/approvals/{id}/approve"
        check_problem(client.post(path, json={"digest": "0" * 64}), 409, "conflict")
        check_problem(client.post(path, json={}), 400, "invalid-input")
        check_problem(client.post(path, content=b"{"), 400, "invalid-input")
        check_problem(client.get("/v1/approvals", params={"all": "perhaps"}), 400, "invalid-input")
        check_problem(client.get("/v1/approvals/q-0"), 404, "not-found")
        assert client.post(path, json={"digest": digest}).json()["approved_by"][0]["account"] == "anh"
        check_problem(client.post(path, json={"digest": digest}), 409, "conflict")
        refused = client.post(
            f"/v1/approvals/{id}/refuse", json={"digest": digest, "reason": "mistake"}
        ).json()
        assert refused["state"] == "refused"
        everything = client.get("/v1/approvals", params={"all": "true"}).json()
        assert id in [one["id"] for one in everything["approvals"]]
    with place.client("lan", monkeypatch) as client:
        found = client.get("/v1/approvals", params={"all": "true"}).json()
        assert found["own_only"] and {one["requested_by"] for one in found["approvals"]} <= {"lan"}
        check_problem(client.get(f"/v1/approvals/{id}"), 404, "not-found")
    with httpx.Client(base_url=place.server.url, trust_env=False) as stranger:
        check_problem(stranger.get("/v1/approvals"), 401, "unauthenticated")
    with Archive.open(place.home) as archive:
        archive.refresh()
        looks = [event.detail for event in own_events(archive.search, "access.looked")]
    seen = [
        (look["who"], look["outcome"], look["asked"])
        for look in looks
        if look["asked"].get("of") == "approvals"
    ]
    one, listed = {"request_id": id, "of": "approvals"}, {"all": "true", "of": "approvals"}
    for expected in (
        ("anh", "shown", {"of": "approvals"}),
        ("anh", "shown", one),
        ("anh", "failed", {"request_id": "q-0", "of": "approvals"}),
        ("anh", "shown", listed),
        ("lan", "shown", listed),
        ("lan", "failed", one),
    ):
        assert expected in seen, seen


def test_the_table_is_shown_and_what_the_settings_ask_for(place: Place) -> None:
    told = json_of(place.run("approval", "table", "show", "--json", env=STRICT))
    assert told["settings_differ"] is False
    assert (told["may_approve"], told["cannot_sign_on"]) == (["anh", "binh", "hoa"], [])
    assert told["table"]["acts"]["escrow"]["approvals"] == 2
    shown = place.run("approval", "table", "show", env={})
    assert "another table" in shown.stderr
    assert "may approve now: anh, binh, hoa" in shown.stdout
    done = json_of(place.run("approval", "table", "set", "--json", env=STRICT))
    assert done["already"] is True


def test_the_verb_of_failover_approves_by_the_table_too(place: Place) -> None:
    plan = json_of(place.run("failover", "promote", "--dry-run", "--json"))["plan"]["id"]
    assert place.run("failover", "approve", plan, by="anh").exit_code == ExitCode.NOT_FOUND, "nobody asked"
    id = place.asked("failover", "promote", "--reason", "fire", "--yes", by="lan")
    assert place.run("failover", "approve", plan).exit_code == ExitCode.DENIED, "nobody is signed on"
    done = json_of(place.run("failover", "approve", plan, "--json", by="anh"))
    assert (done["id"], [one["account"] for one in done["approved_by"]]) == (id, ["anh"])
    assert place.run("approval", "withdraw", id, by="lan").exit_code == 0
