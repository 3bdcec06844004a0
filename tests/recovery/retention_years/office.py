"""The office whose years pass: what gateways push, what keepers do, and what is lost and restored.

Everything that is done is written into the ledger beside it, by the office's own hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.recovery.retention_years.model import Case, Ending, HoldKnown, Ledger, Paper
from tests.recovery.retention_years.places import Place
from tests.recovery.test_approvals import approver
from tests.support.archives import Node, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.intake import event_draft
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import HoldReason, HoldScope
from vanvault.archiver.upkeep import compact, keep_locks
from vanvault.recovery.accounts import Desk, add_account, current_accounts
from vanvault.recovery.approvals import approve_request
from vanvault.recovery.clearing import ClearingTools, ClearReport, ClearRequest, clear
from vanvault.recovery.disposal import MadePlan, PlanWish, RanDisposal, plan_disposal, run_disposal
from vanvault.recovery.disposal_record import known_disposals
from vanvault.recovery.failover import FailbackRequest, current_plan, failback, promote
from vanvault.recovery.holds import confirm_hold, place_hold, release_hold, roll_locks
from vanvault.recovery.maintenance import RebuildRequest, rebuild_index
from vanvault.recovery.reconcile import ReconcileRequest, reconcile
from vanvault.recovery.repair import RepairRequest, repair
from vanvault.recovery.restore import RestoreRequest, restore
from vanvault.recovery.retention import keep_clocks
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify import VerifyRequest, verify

#: What a log line of a type does to its transaction, as the clerk knows it; others do nothing.
ENDINGS: dict[str, Ending] = {
    "transaction.returned": "success",
    "result.returned": "success",
    "transaction.refused": "refused",
    "transaction.withdrawn": "withdrawn",
    "transaction.supplement": "opened again",
    "transaction.appealed": "opened again",
}
LAN, MINH, HOA = (Requester(name, f"a-{name}") for name in ("lan", "minh", "hoa"))
WHO = "lan"


@dataclass
class Office:
    """One archive and its ledger."""

    place: Place
    archive: Archive
    ledger: Ledger = field(default_factory=Ledger)
    resting: set[str] = field(default_factory=set)  # keepers that make no rounds: batches, clocks, holds
    restored: bool = True  # did the last restore find all of it whole?
    _count: int = 0
    _staffed: int = 0

    @classmethod
    def at(cls, place: Place) -> Office:
        return cls(place, place.open())

    @property
    def now(self) -> datetime:
        return self.place.clock.now()

    def pass_time(self, days: float) -> None:
        self.place.clock.advance(timedelta(days=days))

    # What gateways push.

    def push(self, things: Iterable[tuple[Case, str]]) -> None:
        """Each thing is a message of a transaction ("message"), or a log line of a type."""
        made = [(case, type, *self._draft(case, type)) for case, type in things]
        if not made:
            return
        with Node(self.archive) as node:
            node.wait_ready()
            outcomes = node.submit([draft for _, _, _, draft, _ in made])
        self.archive.refresh()
        for (case, type, name, _, body), (outcome, repeated) in zip(made, outcomes, strict=True):
            assert isinstance(outcome, dict), outcome
            assert not repeated
            batch = self.archive.search.entry(outcome["id"])["object"]
            paper = Paper(outcome["id"], name, case, self.now, json.dumps(outcome), batch, body)
            case.papers.append(paper)
            if type in ENDINGS:
                case.step(ENDINGS[type], paper)

    def case(self, gateway: str, id: str, employer: str) -> Case:
        return self.ledger.cases.setdefault((gateway, id), Case(gateway, id, employer))

    def _draft(self, case: Case, type: str) -> tuple[str, Draft, bytes | None]:
        self._count += 1
        if type == "message":
            name, body = f"m-{self._count}", f"dossier {self._count} of {case.employer}".encode()
            return name, self.message(case, name, body), body
        name = f"e-{self._count}"
        told = {
            "event_id": name,
            "occurred_at": rfc3339_seconds(self.now),
            "type": type,
            "transaction_id": case.id,
        }
        return name, event_draft(case.gateway, told, received=self.now), None

    def message(self, case: Case, name: str, body: bytes) -> Draft:
        given = Metadata(transaction_id=case.id, employer_code=case.employer)
        return message(name, body, gateway=case.gateway, given=given, received_us=to_us(self.now))

    # What goes on by itself.

    def upkeep(self) -> None:
        """Days that are over become segments."""
        self.pass_time(2)
        compact(self.archive)
        self.keep()

    def keep(self) -> None:
        """The three keepers of locks."""
        if "batches" not in self.resting:
            assert keep_locks(self.archive).alarms == ()
        if "clocks" not in self.resting:
            clocks = keep_clocks(self.archive)
            assert (clocks.failures, clocks.ending) == ((), ())
        if "holds" not in self.resting:
            assert roll_locks(self.archive).failures == ()

    def verify(self) -> None:
        done = verify(self.archive, VerifyRequest(who=WHO))
        assert done.report.whole, done.as_json()
        self.archive.refresh()

    def clear(self) -> ClearReport:
        """Batches that segments hold are removed, if both sites were verified lately."""
        tools = ClearingTools(self.place.disposers(self.archive), sleep=lambda seconds: None)
        done = clear(self.archive, ClearRequest(who=WHO), tools=tools)
        self.archive.refresh()
        return done

    # What people decide.

    def staff(self) -> None:
        """Who plans, two who approve, and one who runs it. Each time others: accounts that rest are off."""
        self._staffed += 1
        for name, roles in (("lan", ()), ("binh", ("approver",)), ("hoa", ("approver",)), ("minh", ())):
            person = self.name(name)
            add_account(Desk(self.archive, "root"), NewAccount(person, "person", person, roles=roles))
        self.archive.refresh()

    def name(self, name: str) -> str:
        """Of the account of who does this now."""
        return f"{name}-{self._staffed}"

    def who(self, name: str) -> Requester:
        return Requester(self.name(name), current_accounts(self.archive).get(self.name(name)).id)

    def plan(self) -> MadePlan:
        """What could go now; both sites were verified just before."""
        self.verify()
        return plan_disposal(self.archive, PlanWish(), self.who("lan"))

    def approve(self, id: str, *names: str) -> None:
        for name in names:
            self.archive.refresh()
            request = known_disposals(self.archive).get(id).approval.request
            approve_request(self.archive, request, approver(self.archive, self.name(name)))
        self.archive.refresh()

    def cool(self) -> None:
        """Fourteen days, and both sites are verified once more."""
        self.pass_time(14.1)
        self.keep()
        self.verify()

    def dispose(self, id: str) -> RanDisposal:
        """Run by somebody who did not plan it."""
        done = run_disposal(self.archive, id, self.who("minh"), self.place.disposers(self.archive))
        self.archive.refresh()
        return done

    def hold(self, over: Callable[[Paper], bool], scope: HoldScope) -> HoldKnown:
        """In force at once; confirmed by another person."""
        placed = place_hold(self.archive, LAN, HoldReason("case 12", "a court asks for it"), scope)
        confirm_hold(self.archive, MINH, placed.id)
        known = HoldKnown(placed.id, over)
        self.ledger.holds.append(known)
        return known

    def release(self, hold: HoldKnown) -> None:
        """Two others say so; the first alone ends nothing."""
        for who in (MINH, HOA):
            release_hold(self.archive, who, hold.id, "the court has decided")
        hold.in_force = False

    # What goes wrong, and is mended.

    def lose_and_restore(self, site: str) -> None:
        """A site burns down, and is rebuilt from the other."""
        other = {"primary": "standby", "standby": "primary"}[site]
        self.archive.close()
        self.place.lose(site)
        self.archive = self.place.open()
        self.restored = restore(self.archive, RestoreRequest(other, who=WHO)).whole
        self.reopen()

    def fail_over_and_back(self) -> None:
        promote(self.archive, current_plan(self.archive, action="promote"), reason="a storm", who=WHO)
        self.reopen()
        back = FailbackRequest("the storm is over", WHO, Subset())
        failback(self.archive, current_plan(self.archive, action="failback"), back)
        self.reopen()

    def level_and_repair(self) -> None:
        """All that brings copies from one site to the other."""
        assert reconcile(self.archive, ReconcileRequest(who=WHO)).exit_code == 0
        assert repair(self.archive, RepairRequest(who=WHO)).exit_code == 0
        self.archive.refresh()

    def keep_copy(self, site: str) -> None:
        self.place.keep_copy(site)

    def drawer_comes_back(self, site: str) -> None:
        """An old copy of a whole site is put beside what lies there, and everything that copies runs."""
        self.place.bring_back(site)
        self.reopen()
        self.level_and_repair()

    def new_node(self) -> None:
        self.archive.close()
        self.place.forget_node()
        self.reopen()

    def rebuild_index(self) -> None:
        rebuild_index(self.archive, RebuildRequest(discard=True, workers=1))

    def reopen(self) -> None:
        """Another process opens the home."""
        self.archive.close()
        self.archive = self.place.open()
        self.archive.catch_up()
