"""Security keys and passkeys in a real browser: registered, good for signing in, removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.console.browsing import tab
from tests.api.console.conftest import PASSWORD, ConsolePlace
from tests.api.console.test_browser import browser
from tests.support.server import Server
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import Passwords
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

__all__ = ["browser"]  # a fixture

PEOPLE = ("vi", "en", "plain")
LABEL = "Khóa bảo mật ở ngăn kéo bàn làm việc"


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsolePlace]:
    """A node whose pages ask authenticators: by the name localhost, for an address has none."""
    home: Path = tmp_path_factory.mktemp("passkeys") / "home"
    token, seeds = init_home(home), {}
    with Archive.open(home) as archive:
        for name in PEOPLE:
            add_account(Desk(archive, "anh"), NewAccount(name, "person", name, roles=("auditor-log",)))
            request = CredentialRequest(name, "anh", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
    with Server(home, settings={"SIGN_ON__ORIGINS": '["http://localhost:{port}"]'}) as server:
        yield ConsolePlace(home, server.wait_ready(), token, seeds)
        assert server.stop() == 0


def with_virtual_key(page: Page) -> None:
    """A key that a finger was laid on (WebAuthn level 3, 11.2)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_person_registers_a_key_signs_in_with_it_and_removes_it(
    keyed: ConsolePlace, browser: Browser, language: str
) -> None:
    url, name = keyed.server.url.replace("127.0.0.1", "localhost"), language
    with tab(browser, url, locale=language) as found:
        page = found.page
        with_virtual_key(page)
        found.open(f"/console/people/{name}")
        expect(page.locator("#with-authenticator")).to_be_visible()
        found.check(f"sign-in-with-key.{language}")
        page.fill("#account", name)
        page.locator("#with-authenticator button").click()
        expect(page.locator("#with-authenticator [role=alert]")).to_be_visible()  # nothing is registered
        found.check(f"sign-in-without-key.{language}")
        found.sign_in(name, PASSWORD, keyed.code(name))
        page.wait_for_url(f"**/console/people/{name}")

        page.fill("#label", LABEL)
        found.check(f"register-key.{language}")
        page.locator("#register button").click()
        expect(page.locator("#authenticator-1")).to_have_text(LABEL)
        page.fill("#label", "the same again")
        page.locator("#register button").click()
        expect(page.locator("#register [role=alert]")).to_be_visible()
        found.check(f"registered-key.{language}")

        page.locator("header form button").click()
        page.wait_for_url("**/console/sign-in?out=1")
        page.fill("#account", name)
        page.locator("#with-authenticator button").click()
        page.wait_for_url(f"{url}/console")

        found.open(f"/console/people/{name}")  # the key alone is two factors, shown a moment ago
        page.locator("form:has(#authenticator-1) button").click()
        expect(page.locator("#authenticator-1")).to_have_count(0)


def test_a_key_needs_the_account_first_and_the_keyboard_alone(keyed: ConsolePlace, browser: Browser) -> None:
    with tab(browser, keyed.server.url.replace("127.0.0.1", "localhost"), locale="en") as found:
        found.open("/console/sign-in")
        found.page.locator("#with-authenticator button").focus()
        found.page.keyboard.press("Enter")
        expect(found.page.locator("#account")).to_be_focused()


def test_without_scripts_the_way_with_password_and_code_stays(keyed: ConsolePlace, browser: Browser) -> None:
    url = keyed.server.url.replace("127.0.0.1", "localhost")
    with tab(browser, url, locale="en", java_script_enabled=False) as found:
        found.open("/console/people/plain")
        expect(found.page.locator("#with-authenticator")).to_be_hidden()
        found.sign_in("plain", PASSWORD, keyed.code("plain"))
        expect(found.page.locator("#register")).to_be_hidden()
        expect(found.page.locator("noscript")).to_have_count(1)


def test_where_keys_are_not_used_no_page_speaks_of_them(place: ConsolePlace) -> None:
    assert "with-authenticator" not in place.browser().get("/console/sign-in").text
    assert 'id="register"' not in place.of("hoa").get("/console/people/hoa").text
