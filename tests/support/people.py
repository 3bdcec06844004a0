"""Accounts on record, one event after the other, as verbs would write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.people.accounts import (
    Account,
    AccountChange,
    AccountChanges,
    Accounts,
    DaySpan,
    NewAccount,
    fold,
)

#: A Tuesday, 10 o'clock in Vietnam.
NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)


@dataclass
class Record:
    """What one archive knows about accounts. ``now`` stands still until a test moves it."""

    now: datetime = NOW
    events: list[RecordedEvent] = field(default_factory=list)
    seen: dict[str, datetime] = field(default_factory=dict)

    @property
    def accounts(self) -> Accounts:
        return fold(self.events, seen=self.seen)

    @property
    def changes(self) -> AccountChanges:
        return AccountChanges(self.accounts, self.now)

    def get(self, name: str) -> Account:
        return self.accounts.get(name)

    def put(self, change: AccountChange | None) -> RecordedEvent:
        """Record a change that must be one."""
        assert change is not None, "the record says so already"
        return self.event(change.type, change.detail)

    def event(self, type: str, detail: Mapping[str, object]) -> RecordedEvent:
        made = RecordedEvent(f"e-{len(self.events):04}", type, self.now, {**detail, "who": "root"})
        self.events.append(made)
        return made

    def add(
        self,
        name: str = "lan",
        *roles: str,
        kind: str = "person",
        owner: str = "",
        first: str | None = None,
        last: str | None = None,
    ) -> Account:
        """An account with an id that follows from how many events there are."""
        days = DaySpan(day(first) if first else None, day(last) if last else None)
        new = NewAccount(name, kind, "Nguyễn Thị Lan", "BHXH Hà Nội", owner, roles, days)  # type: ignore[arg-type]
        self.put(self.changes.add(new, f"a-{len(self.events):016x}"))
        return self.get(name)

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)
