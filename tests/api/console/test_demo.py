"""Links that sign on at a demonstration: once, for a quarter of an hour, on the host itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from tests.api.console.browsing import tab
from tests.api.console.conftest import SESSION, Browser, ConsolePlace
from tests.api.console.test_browser import browser
from tests.support.command import json_of, run_cli
from tests.support.server import Server
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.ports import Ports, SystemClock, SystemEntropy
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount
from vanvault.recovery.accounts import Desk, add_account, suspend_account
from vanvault.recovery.sign_on import make_demo_link

__all__ = ["browser"]  # a fixture

OLD = timedelta(minutes=16)
LINKS = {
    "once": "lan",
    "foreign": "lan",
    "proxied": "lan",
    "operator": "vinh",
    "late": "lan",
    "gone": "nam",
    "vi": "lan",
    "en": "vinh",
}


@dataclass
class Demo:
    """A node of a demonstration, and the addresses of links."""

    home: Path
    server: Server
    links: Mapping[str, str]

    def follow(self, name: str, url: str = "", **headers: str) -> tuple[int, Browser, str]:
        """Status, the browser and the page of who follows a link for the first time."""
        browser = Browser(url or self.server.url)
        answer = browser.get(self.links[name], **headers)
        return answer.status_code, browser, answer.text


class Earlier:
    """A clock of a while ago."""

    def now(self) -> datetime:
        return SystemClock().now() - OLD


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo") / "home"
    init_home(home, demo=True, clock=Earlier())
    links = {}
    with Archive.open(home, ports=Ports.under(Earlier(), SystemEntropy())) as old:
        desk = Desk(old, "anh")
        for name, role in (("lan", "auditor-original"), ("vinh", "operator"), ("nam", "auditor-log")):
            add_account(desk, NewAccount(name, "person", name, roles=(role,)))
        links["late"] = make_demo_link(desk, "lan").secret
    with Archive.open(home) as archive:
        desk = Desk(archive, "anh")
        for key, name in LINKS.items():
            if key not in links:
                links[key] = make_demo_link(desk, name).secret
        suspend_account(desk, "nam", "left", None)
    paths = {key: f"/console/demo?link={secret}" for key, secret in links.items()}
    with Server(home) as server:
        yield Demo(home, server.wait_ready(), paths)
        assert server.stop() == 0


def test_a_link_signs_on_once_and_that_is_on_record(demo: Demo) -> None:
    status, browser, _ = demo.follow("once")
    assert status == 303 and SESSION in browser.cookies
    assert browser.get("/console/signed-in?next=%2Fconsole").headers["location"] == "/console"
    assert 'href="/console/people/lan"' in browser.get("/console").text
    told = browser.get("/v1/session").json()
    assert (told["account"], told["method"], told["roles"]) == ("lan", "demo-link", ["auditor-original"])
    status, again, page = demo.follow("once")
    assert status == 401 and SESSION not in again.cookies
    assert "This link is not good" in page
    with Archive.open(demo.home) as archive:
        archive.refresh()
        opened = [one.detail for one in own_events(archive.search, "session.opened")]
        made = [one.detail for one in own_events(archive.search, "session.link-made")]
        refused = [one.detail for one in own_events(archive.search, "session.refused")]
    assert ("lan", "demo-link") in {(one["account"], one["method"]) for one in opened}
    assert "wrong-demo-link" in {one["outcome"] for one in refused}
    assert all(path.partition("=")[2] not in str(made) for path in demo.links.values()), (
        "digests only, sealed"
    )


def test_a_link_that_is_old_unknown_or_of_who_may_not_is_refused(demo: Demo) -> None:
    for name in ("late", "gone"):
        status, browser, page = demo.follow(name)
        assert status == 401 and SESSION not in browser.cookies, name
        assert "This link is not good" in page
    browser = Browser(demo.server.url, "vi")
    for link in ("", "vvd_", "vvd_" + 64 * "0", "vvb_" + 64 * "0", "%00", "vvd_" + 64 * "é"):
        answer = browser.get(f"/console/demo?link={link}")
        assert answer.status_code == 401 and SESSION not in browser.cookies, link
        assert "Liên kết này không dùng được" in answer.text


def test_a_link_is_taken_from_this_host_alone(demo: Demo) -> None:
    """A name of another site that leads here, or a proxy in between, could bring a browser of elsewhere."""
    for headers in ({"Host": "vault.example.vn"}, {"X_Forwarded_For": "203.0.113.7"}, {"Via": "1.1 proxy"}):
        status, browser, _ = demo.follow("foreign", **headers)
        assert status == 401 and SESSION not in browser.cookies, headers
    assert demo.follow("foreign")[0] == 303, "it was not used up"


def test_a_node_that_others_can_reach_takes_no_link(demo: Demo) -> None:
    listen = (
        "-m",
        "vanvault.cli",
        "--home",
        str(demo.home),
        "serve",
        "--host",
        "0.0.0.0",
        "--port",
        "{port}",
    )
    with Server(demo.home, program=listen) as server:
        server.wait_ready()
        status, browser, _ = demo.follow("proxied", server.url)
        assert status == 401 and SESSION not in browser.cookies
        assert server.stop() == 0
    assert demo.follow("proxied")[0] == 303


def test_an_archive_that_is_no_demonstration_has_and_takes_no_link(place: ConsolePlace, demo: Demo) -> None:
    refused = run_cli(place.home, "account", "demo-link", "lan")
    assert refused.exit_code == ExitCode.SETTINGS and "not made as a demonstration" in refused.stderr
    status, browser, page = demo.follow("operator", place.server.url)
    assert status == 401 and SESSION not in browser.cookies
    assert "This link is not good" in page


def test_the_command_line_prints_a_link_for_people_only(demo: Demo) -> None:
    made = json_of(
        run_cli(demo.home, "account", "demo-link", "vinh", "--url", "http://localhost:9/", "--json")
    )
    assert made["account"] == "vinh" and made["link"].startswith("http://localhost:9/console/demo?link=vvd_")
    done = run_cli(demo.home, "account", "demo-link", "vinh", "--url", "http://localhost:9")
    assert done.stdout.startswith("http://localhost:9/console/demo?link=vvd_") and "until" in done.stderr
    assert run_cli(demo.home, "account", "demo-link", "nobody").exit_code == ExitCode.NOT_FOUND
    assert run_cli(demo.home, "account", "demo-link", "gateway-1").exit_code == ExitCode.USAGE


@pytest.mark.parametrize("language", ["vi", "en"])
def test_in_a_real_browser_a_link_opens_the_first_page(demo: Demo, browser: Chromium, language: str) -> None:
    """By the name localhost, as the link is printed: the cookie of the session is kept there."""
    url = demo.server.url.replace("127.0.0.1", "localhost")
    with tab(browser, url, locale=language) as found:
        found.open(demo.links[language])
        found.page.wait_for_url(f"{url}/console")
        expect(found.page.locator("header form span")).to_have_text({"vi": "lan", "en": "vinh"}[language])
        found.check(f"demo-home.{language}")
        found.open(demo.links[language])
        expect(found.page.locator(".notice.error")).to_be_visible()
        found.check(f"demo-link-used.{language}")
