"""Two nodes that do not always see each other, people who say anything at any time, and a plain reading.

Whatever is on record in whatever order, a request stands as the plain reading says; and of all who use one
approval, also at two nodes at once, one goes on at the most.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.four_eyes import HOUR, MINUTE, FourEyes
from tests.support.plain_accounts import allowed_by
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_day, parse_rfc3339, vietnam_day
from vanvault.archiver.people.accounts import AccountChanges, DaySpan
from vanvault.archiver.people.approvals import (
    AccountHistory,
    ApprovalTable,
    ApprovalWish,
    fold_approvals,
    judge_request,
)

NODES = st.sampled_from([0, 1])
PEOPLE = st.sampled_from(["lan", "binh", "hoa", "tam"])
APPROVERS = st.sampled_from(["binh", "hoa", "tam"])
ASKING = st.sampled_from(["lan", "lan", "hoa", "os:root", "os:binh"])
FOR = st.sampled_from([(), (), ("tam",)])
#: Mostly right: the second factor, and how long ago.
METHODS = st.sampled_from(["password+code", "authenticator", "provider", "password"])
AGES = st.sampled_from([0, 1, 4, 5, 9, -3])
REFUSES = st.sampled_from([False, False, False, False, True])
PICKS = st.integers(0, 5)
TABLE = ApprovalTable(on=True)


class TwoNodes(RuleBasedStateMachine):
    """What each node knows is a place in one list; while they see each other, it is the whole of it."""

    def __init__(self) -> None:
        super().__init__()
        self.all = FourEyes()
        self.mine: list[set[str]] = [set(), set()]  # ids of events that each node knows
        self.apart = False
        self.went_on: list[str] = []

    @initialize()
    def begin(self) -> None:
        self.all.people.add("lan", "operator")
        for name in ("binh", "hoa", "tam"):
            self.all.people.add(name, "approver")
        self.all.people.now += MINUTE
        self.share()
        self.ask(0, "lan", "key-unwrap", 0, ())

    def share(self) -> None:
        known = {event.id for event in (*self.all.people.events, *self.all.events)}
        self.mine = [set(known), set(known)]

    def accounts(self, node: int) -> list[RecordedEvent]:
        return [event for event in self.all.people.events if event.id in self.mine[node]]

    def events(self, node: int) -> list[RecordedEvent]:
        return [event for event in self.all.events if event.id in self.mine[node]]

    def noted(self, node: int) -> None:
        """The newest events were written at this node."""
        for one in (self.all.people.events[-1:], self.all.events[-1:]):
            known = self.mine[0] | self.mine[1]
            self.mine[node] |= {event.id for event in one if event.id not in known}
        if not self.apart:
            self.share()

    def requests(self, node: int) -> list[str]:
        return [str(one.detail["request"]) for one in self.events(node) if one.type.endswith("requested")]

    def change(self, node: int, name: str, kind: str, offset: int) -> None:
        accounts = AccountHistory(tuple(self.accounts(node))).now
        changes = AccountChanges(accounts, self.all.people.now)
        account, first = accounts.get(name), vietnam_day(self.all.people.now) + timedelta(days=offset)
        try:
            made = {
                "suspend": lambda: changes.suspend(account, "moved", first),
                "resume": lambda: changes.resume(account, ""),
                "grant": lambda: changes.grant(account, "approver", DaySpan(first, None)),
                "revoke": lambda: changes.revoke(account, "approver", first),
            }[kind]()
        except InvalidInput:
            return
        if made is not None:
            self.all.people.put(made)
            self.noted(node)

    @rule(node=NODES, by=ASKING, act=st.sampled_from(["key-unwrap", "roles"]), count=PICKS, to=FOR)
    def ask(self, node: int, by: str, act: str, count: int, to: tuple[str, ...]) -> None:
        key = by if by.startswith("os:") else self.all.people.get(by).id
        wish = ApprovalWish(act, {"count": count}, key, to)
        self.all.request(wish, f"q-{len(self.all.events):04}", approvals=1 + count % 2)
        self.noted(node)

    @rule(node=NODES, pick=PICKS, by=APPROVERS)
    def approve(self, node: int, pick: int, by: str) -> None:
        self.say(node, pick, by, "authenticator", 1, False)

    @rule(node=NODES, pick=PICKS, by=PEOPLE, method=METHODS, age=AGES, refuses=REFUSES)
    def say(self, node: int, pick: int, by: str, method: str, age: int, refuses: bool) -> None:
        """Whoever it is: what is on record may come from a node that knew less."""
        ids = self.requests(node)
        if ids:
            request = fold_approvals(self.events(node)).by_id[ids[-1 - pick % len(ids)]]
            kind = "refused" if refuses else "approved"
            self.all.say(kind, request, by, proof_age=age * MINUTE, method=method)
            self.noted(node)

    @rule(node=NODES, pick=PICKS, by=ASKING)
    def withdraw(self, node: int, pick: int, by: str) -> None:
        ids = self.requests(node)
        if ids and pick == 0:
            request = self.all.book.by_id[ids[-1]]
            key = by if by.startswith("os:") else self.all.people.get(by).id
            told = {"request": request.id, "digest": request.digest, "requester": key, "who": by}
            self.all.event("withdrawn", told)
            self.noted(node)

    @rule(
        node=NODES,
        name=PEOPLE,
        kind=st.sampled_from(["suspend", "resume", "grant", "revoke"]),
        offset=st.integers(-2, 2),
    )
    def change_account(self, node: int, name: str, kind: str, offset: int) -> None:
        self.change(node, name, kind, offset)

    @rule(minutes=st.sampled_from([1, 3, 20, 70, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.all.people.now += minutes * MINUTE

    @rule()
    def part(self) -> None:
        self.apart = True

    @rule()
    def meet(self) -> None:
        self.apart = False
        self.share()

    @precondition(lambda self: not self.apart)
    @rule(
        nodes=st.sampled_from([(0,), (0, 1), (1, 0, 1)]),
        refuses=st.sampled_from(["", "", "tam"]),
        ended=st.sampled_from([0, 0, 1, 2]),
    )
    def use(self, nodes: tuple[int, ...], refuses: str, ended: int) -> None:
        """Whatever is approved is used: by one, or by several at once, which have read before any writes.

        Each then reads again. Whoever sees another's use, or what came between, does nothing; all but the
        first say so on record, but for those that ended before they could, and the first waits for that.
        """
        decided = [
            id for node in nodes for id in self.requests(node) if self.standing(node, id) == "approved"
        ]
        before, written = self.all.book, []
        for id in decided:
            told = {"request": id, "digest": before.get(id).digest, "use": f"u-{len(self.all.events):04}"}
            written.append(told)
            self.all.event("used", told)
            self.noted(0)
            if refuses:
                self.all.say("refused", before.get(id), refuses)
                self.noted(1)
        seen = self.all.book
        for told in written[ended:]:
            if seen.get(told["request"]).uses[0].nonce != told["use"]:
                self.all.event("given-up", told)
                self.noted(1)
        after = self.all.book
        for told in written:
            id = told["request"]
            between = len(after.get(id).refused) > len(before.get(id).refused)
            if [one.nonce for one in after.get(id).uses] == [told["use"]] and not between:
                # Of those that ended, all the same: the act may have been done before.
                self.went_on.append(id)
            elif len(after.get(id).uses) > 1 and seen.get(id).uses[0].nonce == told["use"]:
                self.all.event("given-up", told)
                self.noted(0)

    def standing(self, node: int, id: str) -> str:
        request = fold_approvals(self.events(node)).by_id[id]
        people = AccountHistory(tuple(self.accounts(node)))
        return judge_request(request, people, TABLE, self.all.people.now).state

    @invariant()
    def each_node_judges_as_the_plain_reading_of_what_it_knows(self) -> None:
        for node in (0, 1):
            for id in self.requests(node):
                expected = state_by(self.events(node), self.accounts(node), id, self.all.people.now)
                assert self.standing(node, id) == expected

    @invariant()
    def any_order_and_twice_is_the_same(self) -> None:
        mixed = self.all.events * 2
        Random(len(mixed)).shuffle(mixed)
        assert fold_approvals(mixed) == self.all.book

    @invariant()
    def one_approval_lets_one_act_through(self) -> None:
        assert len(set(self.went_on)) == len(self.went_on)


def state_by(events: list[RecordedEvent], accounts: list[RecordedEvent], id: str, moment: datetime) -> str:
    """How a request stands, read from its events one after the other."""
    own = [event for event in events if event.detail["request"] == id]
    asked = next(event for event in own if event.type == "approval.requested")
    wish: Any = asked.detail["asked"]
    requester, gain = wish["requester"], wish["beneficiaries"]
    uses = {
        kind: {one.detail["use"] for one in own if one.type == f"approval.{kind}"}
        for kind in ("used", "given-up")
    }
    if uses["used"] - uses["given-up"]:
        return "used"
    if any(one.type == "approval.withdrawn" and one.detail["requester"] == requester for one in own):
        return "withdrawn"
    count: list[RecordedEvent] = []
    for event in sorted(own, key=lambda one: (one.at, one.id)):
        if event.type not in ("approval.approved", "approval.refused"):
            continue
        who, name = str(event.detail["id"]), str(event.detail["account"])
        age = event.at - parse_rfc3339(str(event.detail["authenticated"]))
        known_then = [one for one in accounts if one.at <= event.at]
        ok = (
            requester not in (who, f"os:{name}")
            and name not in gain
            and who not in gain
            and event.detail["method"] != "password"
            and -MINUTE <= age <= 6 * MINUTE
            and event.at >= asked.at - MINUTE
            and any(one.detail["id"] == who for one in known_then)
            and "approve" in allowed_by(known_then, who, event.at)
        )
        if ok and event.type == "approval.refused":
            return "refused"
        later = ok and "approve" in allowed_by(accounts, who, event.at)
        if (
            later
            and "approve" in allowed_by(accounts, who, moment)
            and event.at <= parse_rfc3339(str(asked.detail["until"]))
            and who not in {one.detail["id"] for one in count}
        ):
            count.append(event)
    is_known = not str(requester).startswith("os:")
    if is_known and is_suspended(accounts, str(requester), moment):
        return "void"
    takes = max(int(str(asked.detail["approvals"])), 1 if is_known else 2)
    if len(count) >= takes:
        return "approved" if moment < count[takes - 1].at + 2 * HOUR else "expired"
    return "open" if moment < parse_rfc3339(str(asked.detail["until"])) else "expired"


def is_suspended(accounts: list[RecordedEvent], id: str, moment: datetime) -> bool:
    """Suspended from this day or an earlier one on, and not resumed since."""
    own = sorted((one for one in accounts if one.detail["id"] == id), key=lambda one: (one.at, one.id))
    off = False
    for event in own:
        if event.type == "account.suspended":
            off = off or parse_day(str(event.detail["from"])) <= vietnam_day(moment)
        elif event.type == "account.resumed":
            off = False
    return off


TestTwoNodes = TwoNodes.TestCase
TestTwoNodes.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
