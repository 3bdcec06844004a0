"""Two homes that do not always see each other, and a plain reading of the same events beside the fold.

What the fold allows must be what that reading allows, however the events come in; and of the accounts of one
name never more than one is allowed anything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.people import NOW
from tests.support.plain_accounts import allowed_by
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.people.accounts import (
    PERMISSIONS,
    Account,
    AccountChange,
    AccountChanges,
    Accounts,
    Allowed,
    DaySpan,
    NewAccount,
    fold,
    judge,
)

NAMES = st.sampled_from(["lan", "binh"])
HOMES = st.sampled_from([0, 1])
ROLE_NAMES = st.sampled_from(["auditor-log", "auditor-original", "account-manager", "approver"])
OFFSETS = st.integers(-4, 60) | st.none()
Change = Callable[[AccountChanges, Account], AccountChange | None]


class TwoHomes(RuleBasedStateMachine):
    """Each home changes what it knows of; ``meet`` lets both know everything."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.known: list[list[RecordedEvent]] = [[], []]
        self.ids = 0

    def moment_of(self, home: int) -> datetime:
        return self.now + timedelta(seconds=3 * home)  # their clocks differ, as they may

    def day(self, offset: int | None) -> date | None:
        return None if offset is None else vietnam_day(self.now) + timedelta(days=offset)

    def put(self, home: int, type: str, detail: dict[str, Any]) -> None:
        self.ids += 1
        self.known[home].append(RecordedEvent(f"e-{self.ids:04}", type, self.moment_of(home), detail))

    def change(self, home: int, name: str, change: Change) -> None:
        accounts = fold(self.known[home])
        try:
            made = change(AccountChanges(accounts, self.moment_of(home)), accounts.get(name))
        except (InvalidInput, NotFound):
            return
        if made is not None:
            self.put(home, made.type, dict(made.detail))

    @rule(home=HOMES, name=NAMES, roles=st.sets(ROLE_NAMES, max_size=2), last=OFFSETS)
    def add(self, home: int, name: str, roles: set[str], last: int | None) -> None:
        new = NewAccount(
            name, "person", "Lan", roles=tuple(sorted(roles)), days=DaySpan(None, self.day(last))
        )
        changes = AccountChanges(fold(self.known[home]), self.moment_of(home))
        try:
            made = changes.add(new, f"a-{self.ids:016x}")
        except (InvalidInput, Conflict):
            return
        self.put(home, made.type, dict(made.detail))

    @rule(home=HOMES, name=NAMES)
    def add_gateway(self, home: int, name: str) -> None:
        if not fold(self.known[home]).claimants(name):
            self.put(home, "gateway.added", {"id": f"g-{self.ids:016x}", "gateway": name})

    @rule(home=HOMES, name=NAMES)
    def withdraw(self, home: int, name: str) -> None:
        self.change(home, name, lambda changes, one: changes.withdraw(one.id, name))

    @rule(home=HOMES, name=NAMES, role=ROLE_NAMES, first=OFFSETS, last=OFFSETS)
    def grant(self, home: int, name: str, role: str, first: int | None, last: int | None) -> None:
        days = DaySpan(self.day(first), self.day(last))
        self.change(home, name, lambda changes, one: changes.grant(one, role, days))

    @rule(home=HOMES, name=NAMES, role=ROLE_NAMES, first=OFFSETS)
    def revoke(self, home: int, name: str, role: str, first: int | None) -> None:
        self.change(home, name, lambda changes, one: changes.revoke(one, role, self.day(first)))

    @rule(home=HOMES, name=NAMES, first=OFFSETS)
    def suspend(self, home: int, name: str, first: int | None) -> None:
        self.change(home, name, lambda changes, one: changes.suspend(one, "moved", self.day(first)))

    @rule(home=HOMES, name=NAMES)
    def resume(self, home: int, name: str) -> None:
        self.change(home, name, lambda changes, one: changes.resume(one, ""))

    @rule(home=HOMES, name=NAMES)
    def confirm(self, home: int, name: str) -> None:
        self.change(home, name, lambda changes, one: changes.confirm(one))

    @rule(hours=st.integers(1, 24 * 20))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def meet(self) -> None:
        both = list({event.id: event for home in self.known for event in home}.values())
        self.known = [list(both), list(both)]

    @invariant()
    def any_order_and_twice_is_the_same(self) -> None:
        for events in self.known:
            mixed = events * 2
            Random(self.ids).shuffle(mixed)
            assert fold(mixed) == fold(events)

    @invariant()
    def nobody_may_what_the_record_does_not_allow(self) -> None:
        later = self.now + timedelta(seconds=4)
        for events in self.known:
            accounts = fold(events)
            for account in accounts:
                allowed = {one for one in PERMISSIONS if isinstance(judge(account, one, later), Allowed)}
                assert allowed == allowed_by(events, account.id, later)

    @invariant()
    def one_name_is_one_account(self) -> None:
        for events in self.known:
            accounts = fold(events)
            held = [one.name for one in accounts if one.standing == "held"]
            assert len(held) == len(set(held))
            assert all(found(accounts, name).standing == "held" for name in held)


def found(accounts: Accounts, name: str) -> Account:
    return accounts.get(name)


TestTwoHomes = TwoHomes.TestCase
TestTwoHomes.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
