"""Requests for approval and what people say to them, on record beside accounts, as verbs would write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.people import Record
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import rfc3339_seconds, rfc3339_us, to_us
from vanvault.archiver.people.approvals import (
    AccountHistory,
    ApprovalBook,
    ApprovalRequest,
    ApprovalStanding,
    ApprovalTable,
    ApprovalWish,
    fold_approvals,
    judge_request,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass
class FourEyes:
    """One archive's record of accounts and approvals; its clock is the accounts'."""

    people: Record = field(default_factory=Record)
    events: list[RecordedEvent] = field(default_factory=list)
    table: ApprovalTable = field(default_factory=lambda: ApprovalTable(on=True))

    def wish(self, by: str = "lan", act: str = "key-unwrap", **subject: Any) -> ApprovalWish:
        return ApprovalWish(act, subject or {"object": "batch-1"}, self.people.get(by).id)

    def request(self, wish: ApprovalWish, id: str = "q-1", *, approvals: int = 1) -> ApprovalRequest:
        """Ask for it: for an hour, and once approved it is good for two."""
        self.event(
            "requested",
            {
                "request": id,
                "digest": wish.digest,
                "asked": wish.as_json(),
                "approvals": approvals,
                "until": rfc3339_seconds(self.people.now + HOUR),
                "good_for_s": 7200,
                "who": wish.requester,
            },
        )
        return self.book.get(id)

    def say(
        self, kind: str, request: ApprovalRequest, by: str, *, proof_age: timedelta = MINUTE, **other: Any
    ) -> None:
        """What one person says to it, who signed on so long ago."""
        told = {
            "request": request.id,
            "digest": request.digest,
            "id": self.people.get(by).id,
            "account": by,
            "roles": ["approver"],
            "method": "password+code",
            "session": "s-1",
            "authenticated": rfc3339_us(to_us(self.people.now - proof_age)),
            "who": by,
        }
        if kind == "refused":
            told["reason"] = "not needed"
        self.event(kind, told | other)

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        id = f"x-{len(self.events):04}"
        self.events.append(RecordedEvent(id, f"approval.{kind}", self.people.now, detail))

    @property
    def book(self) -> ApprovalBook:
        return fold_approvals(self.events)

    def standing(self, id: str = "q-1") -> ApprovalStanding:
        history = AccountHistory(tuple(self.people.events), self.people.seen)
        return judge_request(self.book.get(id), history, self.table, self.people.now)
