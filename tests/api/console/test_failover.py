"""Failover at the console: the plan, the request for its approval, and the command that goes on with it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.api.console.conftest import PASSWORD, SESSION, Browser, ConsolePlace, token_in
from tests.api.test_openapi import check_answer
from tests.support.approvers import add_approvers
from tests.support.command import json_of, run_cli
from tests.support.server import Server
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import ApprovalTable, Requester
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.approvals import set_table
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

REASON = "cháy tại điểm chính <b>'A'</b>"
FORM = "/console/sites/promotion"


class Guarded:
    """A node whose table of acts asks for approval, with an operator and somebody who may approve."""

    def __init__(self, home: Path, server: Server, secrets: dict[str, str]) -> None:
        self.home, self.server, self.secrets = home, server, secrets

    def browser(self, name: str, language: str = "en") -> Browser:
        return Browser(self.server.url, language, {SESSION: self.secrets[name]})

    def session_file(self, name: str) -> Path:
        """Where ``vanvault login`` would have kept their session."""
        path = self.home.parent / f"session-{name}"
        told = {"secret": self.secrets[name], "account": name, "url": self.server.url, "ca_file": ""}
        path.write_text(json.dumps(told))
        path.chmod(0o600)
        return path

    def ask(self, name: str, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.secrets[name]}"}
        url = f"{self.server.url}{path}"
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=60, **options)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home, seeds, secrets = tmp_path_factory.mktemp("guarded") / "home", {}, {}
    init_home(home)
    with Archive.open(home) as archive:
        desk = Desk(archive, "root")
        add_approvers(archive, "anh", "binh", "chi")
        add_account(desk, NewAccount("vinh", "person", "Vinh", roles=("operator",)))
        add_account(desk, NewAccount("hoa", "person", "Hoa", roles=("auditor-log",)))
        for name in ("binh", "vinh", "hoa"):
            request = CredentialRequest(name, "root", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
        assert set_table(archive, ApprovalTable(on=True), Requester("root"))
    with Server(home) as server:
        url = server.wait_ready().url
        for name, seed in seeds.items():
            code = totp_code(seed, totp_step(SystemClock().now()))
            body = {"account": name, "password": PASSWORD, "code": code}
            opened = httpx.post(f"{url}/v1/session", json=body, trust_env=False, timeout=60)
            secrets[name] = opened.json()["secret"]
        yield Guarded(home, server, secrets)
        assert server.stop() == 0


def test_who_may_not_operate_sees_the_plan_and_asks_for_nothing(guarded: Guarded) -> None:
    page = guarded.browser("hoa").get("/console/sites").text
    assert "What a promotion of standby would mean" in page
    assert "Others must approve it first" in page
    assert FORM not in page and "These roles ask for it" in page
    plan = guarded.ask("hoa", "GET", "/v1/failover").json()["promotion"]["id"]
    body = {"plan": plan, "reason": REASON}
    check_problem(guarded.ask("hoa", "POST", "/v1/failover/requests", json=body), 403, "access-denied")


def test_a_request_needs_the_plan_of_now_and_a_reason(guarded: Guarded) -> None:
    plan = guarded.ask("vinh", "GET", "/v1/failover").json()["promotion"]["id"]
    for body in (
        {"plan": "0" * 16, "reason": REASON},
        {"plan": plan, "reason": " "},
        {"plan": plan, "reason": "x" * 1001},
        {"plan": plan},
        {"plan": plan, "reason": 7},
    ):
        check_problem(guarded.ask("vinh", "POST", "/v1/failover/requests", json=body), 400, "invalid-input")
    stale = guarded.browser("vinh").post(FORM, {"token": "0" * 32, "plan": plan, "reason": REASON})
    assert stale.status_code == 403


def test_a_promotion_is_asked_for_by_form_approved_by_another_and_run_at_a_host(guarded: Guarded) -> None:
    vinh = guarded.browser("vinh")
    page = vinh.get("/console/sites")
    told = guarded.ask("vinh", "GET", "/v1/failover")
    check_answer(guarded.ask("vinh", "GET", "/v1/openapi.json").json(), "/v1/failover", told)
    plan = told.json()["promotion"]["id"]
    fields = {"token": token_in(page, FORM), "plan": plan, "reason": REASON}
    for _ in range(2):  # the same again is the same request
        sent = vinh.post(FORM, fields)
        assert (sent.status_code, sent.headers["location"]) == (303, "/console/sites#failover")
    (asked,) = guarded.ask("binh", "GET", "/v1/approvals").json()["approvals"]
    assert (asked["act"], asked["subject"]["reason"]) == ("promote", REASON)
    page = vinh.get("/console/sites")
    assert asked["id"] in page.text and "<b>'A'" not in page.text
    others = guarded.ask("hoa", "GET", "/v1/failover").json()["approval"]["requests"]
    assert [(one["own"], one["reason"]) for one in others] == [(False, "")], "a reason is for who may see it"

    verb = ("failover", "promote", "--site", "standby", "--reason", REASON, "--yes", "--json")
    env = {"VANVAULT_SESSION_FILE": str(guarded.session_file("vinh"))}
    refused = run_cli(guarded.home, *verb, env=env)
    assert refused.exit_code == ExitCode.APPROVAL and asked["id"] in refused.stderr
    said = {"digest": asked["digest"]}
    assert guarded.ask("binh", "POST", f"/v1/approvals/{asked['id']}/approve", json=said).status_code == 200
    standing = guarded.ask("vinh", "GET", "/v1/failover").json()
    assert shlex.split(standing["command"]) == ["vanvault", *verb[:6]]
    assert "Your request is approved" in vinh.get("/console/sites").text
    done = json_of(run_cli(guarded.home, *verb, env=env))
    assert (done["leader"], done["approved_by"]) == ("standby", "binh")


def test_where_no_approval_is_asked_for_none_is_put_on_record(place: ConsolePlace) -> None:
    secret = place.of("vinh").cookies[SESSION]
    with place.server.client(secret) as vinh:
        told = vinh.get("/v1/failover").json()
        assert (told["approval"]["by_table"], told["leader"]) == (False, "primary")
        body = {"plan": told["promotion"]["id"], "reason": REASON}
        check_problem(vinh.post("/v1/failover/requests", json=body), 409, "conflict")
        check_problem(vinh.get("/v1/failover?leader=primary"), 400, "invalid-input")
    page = place.of("vinh").get("/console/sites").text
    assert "asks for no approval of it" in page and FORM not in page
