"""Appliances of whole stories: a node of its own, whose acts are approved by others, and people on duty."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect

from tests.api.console.browsing import Tab
from tests.api.console.conftest import PASSWORD, SESSION
from tests.support.command import run_cli
from tests.support.server import Server, push
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import ApprovalTable, Requester
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.approvals import set_table
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

APPROVERS = ("binh", "chi", "dung")
#: The node looks at its sites often, so that nobody waits for the look.
_SETTINGS = {"HEALTH__CHECK_INTERVAL_S": "0.2"}


@dataclass
class StoryPlace:
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

    def push(self, number: int, **fields: str) -> int:
        with self.server.client(self.token) as gateway:
            return push(gateway, f"n-{number}", b"<x/>", **fields).status_code


@contextmanager
def story_place(folder: Path, people: Mapping[str, str]) -> Iterator[StoryPlace]:
    """A place where these have accounts (name -> roles, a + between them), and three others approve."""
    home, seeds = folder / "home", {}
    token = init_home(home)
    with Archive.open(home) as archive:
        for name, roles in {**people, **dict.fromkeys(APPROVERS, "approver")}.items():
            add_account(
                Desk(archive, "root"), NewAccount(name, "person", name, roles=tuple(roles.split("+")))
            )
            request = CredentialRequest(name, "root", PASSWORD, new_codes=True)
            seeds[name] = set_credentials(archive, request, Passwords()).seed
        assert set_table(archive, ApprovalTable(on=True), Requester("root"))
    with Server(home, settings=_SETTINGS) as server:
        yield StoryPlace(home, server.wait_ready(), token, seeds)
        assert server.stop() == 0


def approve(found: Tab, reason: str) -> None:
    """See the one request that waits in the inbox, and approve it."""
    found.open("/console/inbox")
    expect(found.page.locator("article")).to_contain_text(reason)
    found.page.click("article form[action$=approve] button")
    expect(found.page.locator("article form[action$=approve]")).to_have_count(0)
