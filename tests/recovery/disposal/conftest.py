"""An archive whose first transactions are due, and the people who plan, approve and run their disposal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.test_approvals import approver
from tests.support.archives import Home, Node, memory_home, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.disposal import COOLING
from vanvault.archiver.intake import event_draft
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import HoldReason, HoldScope
from vanvault.archiver.upkeep import compact, keep_locks
from vanvault.recovery.accounts import Desk, add_account, current_accounts
from vanvault.recovery.approvals import approve_request
from vanvault.recovery.disposal import MadePlan, PlanWish, RanDisposal, plan_disposal, run_disposal
from vanvault.recovery.disposal_record import KnownDisposal, known_disposals
from vanvault.recovery.holds import place_hold, roll_locks
from vanvault.recovery.retention import keep_clocks
from vanvault.recovery.verify import VerifyRequest, verify

GATEWAY = "gateway-1"
#: Ten years, and the margin of the locks, in steps between which it is compacted.
YEARS = (4, 4, 3)


@dataclass
class Office:
    """Writes the log of transactions, lets years pass, and lets people decide."""

    home: Home
    archive: Archive
    count: int = 0
    ids: dict[str, list[str]] = field(default_factory=dict)  # by transaction

    @property
    def now(self) -> datetime:
        return self.home.clock.now()

    def pass_time(self, time: timedelta) -> None:
        self.home.clock.advance(time)

    def write(self, transaction: str, *drafts: Draft) -> None:
        with Node(self.archive) as node:
            node.wait_ready()
            for outcome, _ in node.submit(drafts):
                assert isinstance(outcome, dict), outcome
                self.ids.setdefault(transaction, []).append(outcome["id"])
        self.archive.refresh()

    def dossier(self, transaction: str, **fields: Any) -> Draft:
        self.count += 1
        given = Metadata(transaction_id=transaction, **fields)
        body = f"dossier {self.count}".encode()
        return message(f"m-{self.count}", body, given=given, received_us=to_us(self.now))

    def line(self, transaction: str, type: str = "transaction.returned") -> Draft:
        self.count += 1
        told = {"event_id": f"e-{self.count}", "occurred_at": rfc3339_seconds(self.now), "type": type}
        return event_draft(GATEWAY, {**told, "transaction_id": transaction}, received=self.now)

    def transaction(self, id: str, *, closed: bool = True, **fields: Any) -> None:
        """A dossier, and the line that closes it."""
        self.write(id, self.dossier(id, **fields))
        if closed:
            self.write(id, self.line(id))

    def upkeep(self) -> None:
        self.pass_time(timedelta(days=2))
        compact(self.archive)
        assert keep_locks(self.archive).alarms == ()
        self.keep()

    def keep(self) -> None:
        assert keep_clocks(self.archive).failures == ()
        assert roll_locks(self.archive).failures == ()
        self.archive.refresh()

    def pass_years(self, *steps: int) -> None:
        for years in steps:
            self.pass_time(timedelta(days=365 * years))
            self.upkeep()

    def verify(self) -> None:
        verify(self.archive, VerifyRequest(who="lan"))
        self.archive.refresh()

    def who(self, name: str) -> Requester:
        return Requester(name, current_accounts(self.archive).get(name).id)

    def plan(self, by: str = "lan", **wish: Any) -> MadePlan:
        return plan_disposal(self.archive, PlanWish(**wish), self.who(by))

    def planned(self, **wish: Any) -> KnownDisposal:
        known = self.plan(**wish).known
        assert known is not None
        return known

    def known(self, id: str) -> KnownDisposal:
        self.archive.refresh()
        return known_disposals(self.archive).get(id)

    def approve(self, id: str, *names: str) -> None:
        for name in names:
            approve_request(self.archive, self.known(id).approval.request, approver(self.archive, name))
            self.archive.refresh()

    def cooled(self, **wish: Any) -> str:
        """A plan that two approved, after its cooling; verified again. Its id."""
        id = self.planned(**wish).record.id
        self.approve(id, "binh", "hoa")
        self.pass_time(COOLING + timedelta(minutes=1))
        self.upkeep()
        self.verify()
        return id

    def run(self, id: str, by: str = "minh", fault: Fault = no_fault, **sites: Any) -> RanDisposal:
        disposers = {**self.home.sites, **sites}
        return run_disposal(self.archive, id, self.who(by), disposers, fault=fault)

    def starts_anew(self) -> None:
        """The process was killed; another one opens the home."""
        self.archive = self.home.archive()
        self.archive.refresh()

    def lies(self, *segments: str) -> dict[str, list[str]]:
        """By site, keys of objects of these segments that lie there."""
        return {
            name: [one.key for one in site.list("segment/") if one.key.split("/")[1] in segments]
            for name, site in self.home.sites.items()
        }

    def hold(self, **scope: Any) -> None:
        why = HoldReason("12/2037", "a court asks")
        place_hold(self.archive, self.who("minh"), why, HoldScope(**scope))
        self.archive.refresh()


def people(archive: Archive) -> None:
    """Who plans, two who approve, and one who runs it."""
    for name, roles in (("lan", ()), ("binh", ("approver",)), ("hoa", ("approver",)), ("minh", ())):
        add_account(Desk(archive, "root"), NewAccount(name, "person", f"Nguyễn {name}", roles=roles))


def settled(office: Office, *, beside_open: bool = False) -> Office:
    """Two transactions that closed eleven years ago; two days later one that is open still; verified.

    ``beside_open``: another one that is open still lies in the segment of the two.
    """
    office.transaction("t-1", employer_code="TA0001A")
    office.transaction("t-2", employer_code="TB0002B")
    if beside_open:
        office.transaction("t-beside", closed=False)
    office.upkeep()
    office.transaction("t-open", closed=False)
    office.upkeep()
    office.pass_years(*YEARS)
    office.pass_time(timedelta(days=60))
    people(office.archive)
    office.upkeep()
    office.verify()
    return office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """With sites in memory."""
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        yield settled(Office(home, archive))
