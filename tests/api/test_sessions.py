"""Sessions of people over HTTP: by password and code, and at an identity provider; and what others try."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.support.identity_provider import CLIENT, SECRET, SUBJECT, FakeProvider, served
from tests.support.server import Server
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount, ProviderIdentity
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.recovery.accounts import Desk, add_account, add_identity, suspend_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"
SESSION, PENDING = "__Host-vanvault", "__Host-vanvault-pending"


@dataclass
class Place:
    """A node whose accounts ``lan`` and ``minh`` sign on, and the provider that it asks."""

    home: Path
    server: Server
    provider: FakeProvider
    seeds: dict[str, bytes]

    def code(self, name: str = "lan", *, steps: int = 0) -> str:
        return totp_code(self.seeds[name], totp_step(SystemClock().now()) + steps)

    def client(self, secret: str = "", **headers: str) -> httpx.Client:
        told = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.Client(base_url=self.server.url, headers=told | headers, trust_env=False, timeout=60)

    def sign_on(self, name: str, code: str, **more: Any) -> httpx.Response:
        with self.client() as client:
            return client.post(
                "/v1/session", json={"account": name, "password": PASSWORD, "code": code, **more}
            )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("sessions") / "home"
    init_home(home)
    provider, seeds = FakeProvider(SystemClock()), {}
    with served(provider):
        with Archive.open(home) as archive:
            desk = Desk(archive, "anh")
            for name in ("lan", "minh", "hoa", "tam"):
                add_account(desk, NewAccount(name, "person", name, roles=("auditor-log",)))
                request = CredentialRequest(name, "anh", PASSWORD, new_codes=True)
                seeds[name] = set_credentials(archive, request, Passwords()).seed
            add_identity(desk, "lan", ProviderIdentity(provider.issuer, SUBJECT))
        (home / "provider.secret").write_text(SECRET)
        (home / "provider.secret").chmod(0o600)
        settings = {
            "SIGN_ON__PROVIDER__ISSUER": provider.issuer,
            "SIGN_ON__PROVIDER__CLIENT_ID": CLIENT,
            "SIGN_ON__PROVIDER__CLIENT_SECRET_FILE": "provider.secret",
            "SIGN_ON__PROVIDER__REDIRECT_URI": "https://archive.example.vn/v1/oidc/callback",
        }
        with Server(home, settings=settings) as server:
            yield Place(home, server.wait_ready(), provider, seeds)
            assert server.stop() == 0


def test_a_person_signs_on_is_known_and_signs_off(place: Place) -> None:
    answer = place.sign_on("lan", place.code())
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["account"], told["method"], told["roles"]) == ("lan", "password+code", ["auditor-log"])
    with place.client(told["secret"]) as client:
        known = client.get("/v1/session")
        assert known.status_code == 200
        assert known.json() == {name: value for name, value in told.items() if name != "secret"}
        assert known.headers["cache-control"] == "no-store"
        assert client.delete("/v1/session").status_code == 204
        check_problem(client.get("/v1/session"), 401, "unauthenticated")


def test_one_code_at_the_same_moment_lets_one_in(place: Place) -> None:
    code = place.code("minh")
    with ThreadPoolExecutor(3) as pool:
        found = [one.status_code for one in pool.map(lambda _: place.sign_on("minh", code), range(3))]
    assert sorted(found) == [201, 401, 401]


def test_a_browser_gets_a_cookie_that_no_script_and_no_other_site_can_use(place: Place) -> None:
    answer = place.sign_on("hoa", place.code("hoa"), cookie=True)
    assert answer.status_code == 201
    assert "secret" not in answer.json()
    morsel = SimpleCookie(answer.headers["set-cookie"])[SESSION]
    assert morsel["secure"] and morsel["httponly"] and morsel["path"] == "/" and not morsel["domain"]
    assert morsel["samesite"] == "lax"
    cookie = f"{SESSION}={morsel.value}"
    with place.client(Cookie=cookie) as client:
        assert client.get("/v1/session").json()["account"] == "hoa"
        for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            check_problem(client.delete("/v1/session", headers=headers), 403, "access-denied")
        ours = {"Origin": place.server.url, "Sec-Fetch-Site": "same-origin"}
        assert client.delete("/v1/session", headers=ours).status_code == 204


def test_whatever_is_wrong_the_answer_is_the_same(place: Place) -> None:
    answers = []
    with place.client() as client:
        for account, password, code in [
            ("nobody", PASSWORD, "000000"),
            ("tam", "wrong", place.code("tam")),
            ("tam", PASSWORD, "000000"),
        ]:
            body = {"account": account, "password": password, "code": code}
            problem = check_problem(client.post("/v1/session", json=body), 401, "unauthenticated")
            answers.append({name: value for name, value in problem.items() if name != "instance"})
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"account": "lan"}', "application/json", 400),
        (b'{"account": 1, "password": "x"}', "application/json", 400),
        (b'{"account": "lan", "password": "x", "admin": true}', "application/json", 400),
        (b'{"account": "lan", "password": "x"}', "text/plain", 400),  # what a form of another site can send
        (b'{"account": "lan", "password": "' + b"x" * 20_000 + b'"}', "application/json", 413),
    ],
)
def test_a_body_of_another_form_is_refused(place: Place, body: bytes, content_type: str, status: int) -> None:
    with place.client() as client:
        answer = client.post("/v1/session", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text


def test_a_person_comes_in_by_the_provider_and_out_by_its_logout(place: Place) -> None:
    with place.client() as client:
        start = client.get("/v1/oidc/start", params={"return_to": "/v1/session"})
        assert start.status_code == 303
        pending = SimpleCookie(start.headers["set-cookie"])[PENDING]
        assert pending["secure"] and pending["httponly"] and pending["max-age"] == "600"
        query = place.provider.browse(start.headers["location"])
        check_problem(client.get("/v1/oidc/callback", params=query), 401, "unauthenticated")
        own = {"Cookie": f"{PENDING}={pending.value}"}
        back = client.get("/v1/oidc/callback", params=query, headers=own)
        assert (back.status_code, back.headers["location"]) == (303, "/v1/session")
        cookies = SimpleCookie()
        for line in back.headers.get_list("set-cookie"):
            cookies.load(line)
        session = {"Cookie": f"{SESSION}={cookies[SESSION].value}"}
        assert client.get("/v1/session", headers=session).json()["method"] == "provider"
        check_problem(client.get("/v1/oidc/callback", params=query, headers=own), 401, "unauthenticated")
        token = {"logout_token": place.provider.logout_token(jti="at-the-node")}
        assert client.post("/v1/oidc/logout", data=token).status_code == 200
        check_problem(client.get("/v1/session", headers=session), 401, "unauthenticated")
        assert client.post("/v1/oidc/logout", data=token).status_code == 400
        assert client.post("/v1/oidc/logout", data={"logout_token": "x"}).status_code == 400


def test_nobody_is_sent_elsewhere_after_signing_on(place: Place) -> None:
    with place.client() as client:
        start = client.get("/v1/oidc/start", params={"return_to": "//evil.example"})
        pending = SimpleCookie(start.headers["set-cookie"])[PENDING]
        query = place.provider.browse(start.headers["location"])
        own = {"Cookie": f"{PENDING}={pending.value}"}
        back = client.get("/v1/oidc/callback", params=query, headers=own)
    assert (back.status_code, back.headers["location"]) == (303, "/")


def test_a_session_is_of_no_use_as_a_gateways_token(place: Place) -> None:
    with place.client("vvs_" + "A" * 43) as client:
        check_problem(client.get("/v1/search"), 401, "unauthenticated")


def test_a_suspension_by_a_verb_ends_a_session_within_seconds(place: Place) -> None:
    answer = place.sign_on("tam", place.code("tam"))
    assert answer.status_code == 201, answer.text
    with Archive.open(place.home) as archive:
        suspend_account(Desk(archive, "anh"), "tam", "moved", None)
    with place.client(answer.json()["secret"]) as client:
        wait_for(lambda: client.get("/v1/session").status_code == 401)


def test_a_device_signs_on_once_its_person_has_confirmed(place: Place) -> None:
    with place.client() as client:
        begun = client.post("/v1/session/device")
        assert begun.status_code == 200, begun.text
        asked = {"device": begun.json()["device"]}
        waiting = client.post("/v1/session/device/poll", json=asked)
        assert (waiting.status_code, waiting.json()) == (202, {"state": "pending"})
        place.provider.confirmed = True
        opened = client.post("/v1/session/device/poll", json=asked)
        assert opened.status_code == 201, opened.text
        for wrong in ({"device": "x"}, {"device": asked["device"][:-2]}):
            check_problem(client.post("/v1/session/device/poll", json=wrong), 401, "unauthenticated")
        for wrong in ({}, {"device": 1}, {**asked, "more": 1}):
            check_problem(client.post("/v1/session/device/poll", json=wrong), 400, "invalid-input")
    with place.client(opened.json()["secret"]) as client:
        told = client.get("/v1/session").json()
        assert (told["account"], told["method"]) == ("lan", "provider")


def test_tokens_of_programs_are_told_to_be_no_sessions(place: Place) -> None:
    for token in (f"vv1_{'A' * 43}", f"vvp_{'A' * 43}"):
        with place.client(token) as client:
            problem = client.get("/v1/session")
        check_problem(problem, 401, "unauthenticated")
        assert "not the secret of a session" in problem.json()["detail"]


def test_a_cookie_counts_only_without_a_bearer(place: Place) -> None:
    secret = place.sign_on("lan", place.code(steps=1)).json()["secret"]
    cookie = {"Cookie": f"{SESSION}={secret}"}
    with place.client(**cookie) as client:
        assert client.get("/v1/session").json()["account"] == "lan"
    for token in (f"vv1_{'A' * 43}", f"vvp_{'A' * 43}"):
        with place.client(token, **cookie) as client:
            check_problem(client.get("/v1/session"), 401, "unauthenticated")


def test_open_sessions_are_ones_own_or_those_of_who_may_see_more(place: Place) -> None:
    with Archive.open(place.home) as archive:
        desk = Desk(archive, "anh")
        for name, role in (("quan", "account-manager"), ("khach", "auditor-log")):
            add_account(desk, NewAccount(name, "person", name, roles=(role,)))
            request = CredentialRequest(name, "anh", PASSWORD, new_codes=True)
            place.seeds[name] = set_credentials(archive, request, Passwords()).seed
    wait_for(lambda: place.sign_on("quan", place.code("quan")).status_code == 201, "quan signs on")
    guest = place.sign_on("khach", place.code("khach")).json()
    manager = place.sign_on("quan", place.code("quan", steps=1)).json()
    with place.client(guest["secret"]) as client:
        (own,) = client.get("/v1/sessions").json()["sessions"]
        assert (own["id"], own["account"], own["address"]) == (guest["id"], "khach", "127.0.0.1")
        check_problem(client.get("/v1/sessions?account=quan"), 403, "access-denied")
        for mistaken in ("acount=lan", "account=lan&account=lan"):
            check_problem(client.delete(f"/v1/sessions?{mistaken}"), 400, "invalid-input")
        assert client.get("/v1/sessions").json()["sessions"], "nothing was ended"
        check_problem(client.delete(f"/v1/sessions/{manager['id']}"), 404, "not-found")
    with place.client(manager["secret"]) as client:
        assert len(client.get("/v1/sessions").json()["sessions"]) == 2
        check_problem(client.get("/v1/sessions?account=nobody"), 404, "not-found")
        assert client.delete(f"/v1/sessions/{guest['id']}?account=khach").status_code == 204
        assert client.delete("/v1/sessions").status_code == 204
        check_problem(client.get("/v1/session"), 401, "unauthenticated")
    with place.client(guest["secret"]) as client:
        check_problem(client.get("/v1/session"), 401, "unauthenticated")
