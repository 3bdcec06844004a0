"""Authenticators over HTTP: enrolled with a session, good for a session, each challenge once."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.support.authenticator import SoftAuthenticator
from tests.support.server import Server
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client with a session of ``lan``, who signed on with a code a moment ago."""
    home: Path = tmp_path_factory.mktemp("authenticators") / "home"
    init_home(home)
    with Archive.open(home) as archive:
        add_account(Desk(archive, "anh"), NewAccount("lan", "person", "Lan", roles=("auditor-log",)))
        request = CredentialRequest("lan", "anh", PASSWORD, new_codes=True)
        seed = set_credentials(archive, request, Passwords()).seed
    with Server(home, settings={"SIGN_ON__ORIGINS": '["https://archive.example.vn"]'}) as server:
        server.wait_ready()
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
            code = totp_code(seed, totp_step(SystemClock().now()))
            told = client.post("/v1/session", json={"account": "lan", "password": PASSWORD, "code": code})
            client.headers["Authorization"] = f"Bearer {told.json()['secret']}"
            yield client
        assert server.stop() == 0


def challenge_of(begun: httpx.Response) -> bytes:
    text = begun.json()["options"]["challenge"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def enrolled(client: httpx.Client, device: SoftAuthenticator, label: str) -> dict[str, Any]:
    begun = client.post("/v1/authenticators")
    assert begun.status_code == 200, begun.text
    answer = json.loads(device.create(challenge_of(begun)))
    body = {"ticket": begun.json()["ticket"], "answer": answer, "label": label}
    made = client.post("/v1/authenticators/finish", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def test_one_is_enrolled_signs_on_and_is_removed(lan: httpx.Client) -> None:
    device = SoftAuthenticator(id=b"a" * 32)
    made = enrolled(lan, device, "khoá của tôi")
    assert made in lan.get("/v1/authenticators").json()["authenticators"]
    begun = lan.post("/v1/session/authenticator", json={"account": "lan"})
    answer = json.loads(device.get(challenge_of(begun)))
    opened = lan.post(
        "/v1/session/authenticator/finish", json={"ticket": begun.json()["ticket"], "answer": answer}
    )
    assert opened.status_code == 201, opened.text
    assert (opened.json()["account"], opened.json()["method"]) == ("lan", "authenticator")
    assert lan.delete(f"/v1/authenticators/{made['id']}").status_code == 204
    check_problem(lan.delete(f"/v1/authenticators/{made['id']}"), 404, "not-found")


def test_one_answer_at_the_same_moment_lets_one_in(lan: httpx.Client) -> None:
    device = SoftAuthenticator(id=b"b" * 32)
    enrolled(lan, device, "")
    begun = lan.post("/v1/session/authenticator", json={"account": "lan"})
    body = {"ticket": begun.json()["ticket"], "answer": json.loads(device.get(challenge_of(begun)))}
    with ThreadPoolExecutor(3) as pool:
        found = [
            one.status_code
            for one in pool.map(
                lambda _: lan.post("/v1/session/authenticator/finish", json={**body, "cookie": True}),
                range(3),
            )
        ]
    assert sorted(found) == [201, 401, 401]
    lan.cookies.clear()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/session/authenticator", {}),
        ("/v1/session/authenticator", {"account": "lan", "more": 1}),
        ("/v1/session/authenticator/finish", {"ticket": "x"}),
        ("/v1/session/authenticator/finish", {"ticket": "x", "answer": {}, "cookie": "yes"}),
        ("/v1/authenticators/finish", {"ticket": 1, "answer": {}}),
        ("/v1/authenticators/finish", {"ticket": "x", "answer": "text"}),
    ],
)
def test_a_body_of_another_form_is_refused(lan: httpx.Client, path: str, body: dict[str, Any]) -> None:
    check_problem(lan.post(path, json=body), 400, "invalid-input")


def test_a_ticket_that_nobody_gave_out_is_refused(lan: httpx.Client) -> None:
    for path in ("/v1/session/authenticator/finish", "/v1/authenticators/finish"):
        check_problem(lan.post(path, json={"ticket": "x.y", "answer": {}}), 401, "unauthenticated")
