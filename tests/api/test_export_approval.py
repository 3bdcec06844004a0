"""Where the table asks for four eyes, an export over HTTP waits for another person, and is made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.api.conftest import check_problem
from tests.support.approvers import add_approvers
from tests.support.server import Server, push
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import ApprovalTable, Requester
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.archiver.people.tokens import TokenWish
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.approvals import set_table
from vanvault.recovery.person_tokens import add_person_token
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"
EXPORT = "/v1/export?entry=message&to=2100-01-01&purpose=thanh%20tra"


def test_an_export_waits_for_another_person_and_is_made_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    gateway = init_home(home)
    with Archive.open(home) as archive:
        desk = Desk(archive, "root")
        add_account(desk, NewAccount("lan", "person", "Lan", roles=("auditor-original",)))
        add_approvers(archive, "anh", "binh", "hoa")
        seed = set_credentials(
            archive, CredentialRequest("binh", "root", PASSWORD, new_codes=True), Passwords()
        ).seed
        secret = add_person_token(desk, "lan", TokenWish()).secret
        assert set_table(archive, ApprovalTable(on=True), Requester("root"))
    left = home / "cache" / "exports" / "999999999-left"
    left.mkdir(parents=True)
    (left / "export.zip").write_bytes(b"of a node that was killed")
    with Server(home) as server:
        with server.wait_ready().client(gateway) as client:
            assert push(client, "m-1", b"<x/>").status_code == 201
        assert not left.exists()
        code = totp_code(seed, totp_step(SystemClock().now()))
        body = {"account": "binh", "password": PASSWORD, "code": code}
        opened = httpx.post(f"{server.url}/v1/session", json=body, trust_env=False, timeout=60)
        with server.client(secret) as lan, server.client(opened.json()["secret"]) as binh:
            check_problem(lan.get(EXPORT), 403, "approval-needed")
            check_problem(lan.get(EXPORT), 403, "approval-needed")
            (asked,) = binh.get("/v1/approvals").json()["approvals"]
            assert asked["act"] == "export-originals"
            said = {"digest": asked["digest"]}
            approved = binh.post(f"/v1/approvals/{asked['id']}/approve", json=said)
            assert approved.status_code == 200, approved.text
            with ThreadPoolExecutor(4) as pool:
                tried = list(pool.map(lambda _: lan.get(EXPORT), range(4)))
            (made,) = (one for one in tried if one.status_code == 200)
            assert made.headers["content-type"] == "application/zip"
            assert {one.status_code for one in tried} <= {200, 403, 409, 503}
            check_problem(lan.get(EXPORT), 403, "approval-needed")
        assert server.stop() == 0
