"""The night of an operator, in a real browser: a site is lost, and everything until the evidence is saved."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.console.browsing import Tab, tab
from tests.api.console.conftest import PASSWORD, SESSION
from tests.api.console.test_browser import browser
from tests.support.command import run_cli
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import ApprovalTable, Requester
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.approvals import set_table
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

__all__ = ["browser"]  # a fixture

REASON = "the primary's storage burnt down"
PEOPLE = {"vinh": "operator", "binh": "approver", "chi": "approver", "dung": "approver"}
#: The node looks at its sites often, so that nobody waits for the look.
SETTINGS = {"HEALTH__CHECK_INTERVAL_S": "0.2"}


@dataclass
class Night:
    """An appliance, its node, and who is on duty."""

    home: Path
    server: Server
    token: str
    seeds: dict[str, bytes]

    def sign_in(self, found: Tab, name: str, back: str = "/console") -> None:
        found.open(f"/console/sign-in?next={back}")
        found.sign_in(name, PASSWORD, totp_code(self.seeds[name], totp_step(SystemClock().now())))
        found.page.wait_for_url(f"**{back}")

    def run_as(self, found: Tab, command: str, *ends: ExitCode) -> dict[str, object]:
        """A command as a page shows it, at a host, by who is signed in at this tab.

        ``ends``: the exit codes that are right; by default 0.
        """
        (secret,) = [one["value"] for one in found.page.context.cookies() if one["name"] == SESSION]
        file = self.home.parent / "session"
        file.write_text(
            json.dumps({"secret": secret, "account": "vinh", "url": self.server.url, "ca_file": ""})
        )
        file.chmod(0o600)
        program, *words = shlex.split(command)
        assert program == "vanvault"
        done = run_cli(self.home, *words, "--json", env={"VANVAULT_SESSION_FILE": str(file)})
        assert done.exit_code in (ends or (ExitCode.OK,)), (command, done.stdout, done.stderr)
        told: dict[str, object] = json.loads(done.stdout)
        return told

    def push(self, number: int) -> int:
        with self.server.client(self.token) as gateway:
            return push(gateway, f"n-{number}", b"<x/>").status_code


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    home, seeds = tmp_path / "home", {}
    token = init_home(home)
    with Archive.open(home) as archive:
        for name, role in PEOPLE.items():
            add_account(Desk(archive, "root"), NewAccount(name, "person", name, roles=(role,)))
            request = CredentialRequest(name, "root", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
        assert set_table(archive, ApprovalTable(on=True), Requester("root"))
    with Server(home, settings=SETTINGS) as server:
        yield Night(home, server.wait_ready(), token, seeds)
        assert server.stop() == 0


def approve(found: Tab, reason: str) -> None:
    """See the one request that waits in the inbox, and approve it."""
    found.open("/console/inbox")
    expect(found.page.locator("article")).to_contain_text(reason)
    found.page.click("article form[action$=approve] button")
    expect(found.page.locator("article form[action$=approve]")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_site_is_lost_and_the_service_comes_back_with_its_evidence(
    night: Night, browser: Browser, scripts: bool
) -> None:
    assert [night.push(number) for number in range(3)] == [201] * 3
    options = {"locale": "en-GB", "java_script_enabled": scripts}
    with (
        tab(browser, night.server.url, **options) as vinh,
        tab(browser, night.server.url, locale="vi-VN", java_script_enabled=scripts) as binh,
    ):
        night.sign_in(vinh, "vinh")
        shutil.rmtree(night.home / "sites" / "primary")
        assert night.push(3) == 503, "nothing is acknowledged that only one site has"

        vinh.reload_until("A site is away")
        vinh.page.click("main .conditions a >> nth=0")
        expect(vinh.page.locator("h1")).to_be_visible()
        vinh.page.click("nav a:has-text('Inbox')")
        expect(vinh.page.locator("main")).to_contain_text("A site is away")
        vinh.page.click("nav a:has-text('Sites')")
        expect(vinh.page.locator("main")).to_contain_text("What a promotion of standby would mean")

        vinh.page.fill("#promotion-reason", REASON)
        vinh.page.click("button:has-text('Ask for its approval')")
        vinh.page.wait_for_url("**/console/sites#failover")
        night.sign_in(binh, "binh", "/console/inbox")
        approve(binh, REASON)
        vinh.open("/console/sites")
        expect(vinh.page.locator("#failover ~ details")).to_contain_text("Your request is approved")
        command = vinh.page.locator("pre.command").inner_text()
        assert night.run_as(vinh, f"{command} --yes")["leader"] == "standby"
        vinh.reload_until("Leading site: standby")
        wait_for(lambda: night.push(4) == 201, "the site that leads is enough alone")

        (night.home / "sites" / "primary").mkdir(mode=0o700)
        # Until somebody goes back the node writes at the standby alone, also while this is verified.
        night.run_as(vinh, "vanvault restore --from standby", ExitCode.OK, ExitCode.CHECK_FAILED)
        failback = "vanvault failover failback --reason 'both sites are whole again' --yes"
        night.run_as(vinh, failback, ExitCode.APPROVAL)
        approve(binh, "both sites are whole again")
        assert night.run_as(vinh, failback)["leader"] == "primary"
        vinh.reload_until("Leading site: primary")
        wait_for(lambda: night.push(5) == 201, "both sites take it")
        night.run_as(vinh, "vanvault reconcile")
        night.run_as(vinh, "vanvault verify")
        night.run_as(vinh, "vanvault drill run index-lost")
        vinh.open("/console/jobs")
        for one in ("Restore", "Verification", "Drill"):
            expect(vinh.page.locator("table.hits")).to_contain_text(one)
        vinh.page.locator("tr", has_text="Drill").locator("a").click()
        expect(vinh.page.locator(".notice.good >> nth=0")).to_contain_text("succeeded")
        for name, begin in (("report.en.pdf", b"%PDF"), ("report.vi.pdf", b"%PDF"), ("report.json", b"{")):
            with vinh.page.expect_download() as saved:
                vinh.page.click(f"text={name}")
            assert saved.value.path().read_bytes().startswith(begin)
        if scripts:
            vinh.check("story-operator-drill.en")
