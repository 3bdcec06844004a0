"""One running node for all tests of the console, and people of each role with a browser's cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"
#: Account -> its one role. Each signs in once; codes are good once.
PEOPLE = {
    "lan": "auditor-original",
    "hoa": "auditor-log",
    "minh": "account-manager",
    "tam": "security-officer",
    "vinh": "operator",
    "thu": "operator",
    "mai": "extractor",
}
#: Those who sign in by a test itself; a + stands between several roles.
BY_HAND = {
    "quy": "auditor-log",
    "son": "auditor-log",
    "quyen": "auditor-original",
    "emma": "auditor-original",
    "nga": "approver",
    "quyet": "auditor-log",
    "sau": "auditor-log+security-officer",
    "nhi": "approver",
}
SESSION, GUEST = "__Host-vanvault", "__Host-vanvault-guest"
_FORM = re.compile(r'name="token" value="([0-9a-f]{32})"')


@dataclass
class Browser:
    """What a browser does: it keeps cookies, follows no redirect by itself, and says which site it is on."""

    url: str
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        *,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        told = {
            "Accept-Language": self.language,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Sec-Fetch-Site": "same-origin",
            **(headers or {}),
        }
        answer = httpx.request(
            method, f"{self.url}{path}", data=data, headers=told, trust_env=False, timeout=60
        )
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if not morsel.value or morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.ask("GET", path, headers={name.replace("_", "-"): one for name, one in headers.items()})

    def post(self, path: str, data: Mapping[str, str], **headers: str) -> httpx.Response:
        told = {name.replace("_", "-"): one for name, one in headers.items()}
        return self.ask("POST", path, data=data, headers=told)

    def ask_json(self, path: str, body: Mapping[str, object]) -> httpx.Response:
        """As a script of a page would: with the session, and JSON."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
        return httpx.post(f"{self.url}{path}", json=body, headers=headers, trust_env=False, timeout=60)

    def sign_in(self, name: str, code: str, *, back: str = "") -> httpx.Response:
        """Open the form, fill it in and send it."""
        page = self.get("/console/sign-in")
        fields = {"account": name, "password": PASSWORD, "code": code, "token": token_in(page)}
        return self.post("/console/sign-in", fields | ({"next": back} if back else {}))


def token_in(page: httpx.Response, action: str = "") -> str:
    """The token of the form that is sent to this address, else of the first form on a page."""
    begin = page.text.index(f'action="{action}"') if action else 0
    found = _FORM.search(page.text, begin)
    assert found is not None, page.text
    return found[1]


@dataclass
class ConsolePlace:
    """A node, and those who sign in at its console."""

    home: Path
    server: Server
    gateway: str  # its token
    seeds: dict[str, bytes]
    signed_in: dict[str, Browser] = field(default_factory=dict)

    def browser(self, language: str = "en") -> Browser:
        return Browser(self.server.url, language)

    def code(self, name: str, *, steps: int = 0) -> str:
        return totp_code(self.seeds[name], totp_step(SystemClock().now()) + steps)

    def of(self, name: str, language: str = "en") -> Browser:
        """A browser in which this person is signed in; the same session for all tests."""
        if name not in self.signed_in:
            browser = self.browser()
            assert browser.sign_in(name, self.code(name)).status_code == 303
            self.signed_in[name] = browser
        return Browser(self.server.url, language, dict(self.signed_in[name].cookies))


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsolePlace]:
    home = tmp_path_factory.mktemp("console") / "home"
    token, seeds = init_home(home), {}
    with Archive.open(home) as archive:
        desk = Desk(archive, "anh")
        for name, role in (PEOPLE | BY_HAND).items():
            add_account(desk, NewAccount(name, "person", name, roles=tuple(role.split("+"))))
            request = CredentialRequest(name, "anh", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
    with Server(home) as server:
        yield ConsolePlace(home, server.wait_ready(), token, seeds)
        assert server.stop() == 0
