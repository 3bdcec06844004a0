"""The inbox: requests for approval with their deadlines, and conditions to be seen to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vanvault.api.console.views.subjects import SubjectLine, subject_lines
from vanvault.api.console.views.waiting import WaitingShown
from vanvault.archiver.core.canonical import canonical
from vanvault.recovery.conditions import Condition

#: Characters of one value of a request's subject; the whole is told by the command line.
MOST_VALUE = 2000


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """One request for approval."""

    id: str
    act: str
    about: str  # the act in the program's words
    told: tuple[SubjectLine, ...]  # what it is about, in words; empty where it is cut
    subject: tuple[tuple[str, str], ...]  # the same as it is on record: names and values
    cut: bool  # a value is longer than is shown, so nobody can approve by this page
    digest: str  # what an approval is bound to
    requested_by: str
    requested_at: str
    state: str  # open, approved
    needed: int  # approvals that it takes
    approved_by: tuple[str, ...]
    until: str | None  # its deadline
    can_approve: bool
    can_refuse: bool


@dataclass(frozen=True, slots=True)
class InboxView:
    """The page. ``conditions``: None where this person may not see them, or nobody knows them yet."""

    now: datetime
    approvals: tuple[ApprovalLine, ...]
    own_only: bool  # only what this person asked for is shown
    complete: bool  # nothing of the record is missing
    approve_roles: tuple[str, ...]
    fresh: bool  # did they sign in lately enough, with two factors, to approve?
    sees: bool  # may they see conditions?
    sees_roles: tuple[str, ...]
    conditions: tuple[Condition, ...] | None = None
    waiting: WaitingShown = field(default_factory=WaitingShown)


def approval_line(told: Mapping[str, Any], *, person: str, name: str, approves: bool) -> ApprovalLine:
    """A request as the API tells it, for who opens the page; the act itself is judged when it is sent.

    Args:
        person: id of their account.
        name: of their account.
        approves: may they approve at all?
    """
    own = told["requester"] in (person, f"os:{name}") or bool({person, name} & set(told["beneficiaries"]))
    voters = tuple(vote["account"] for vote in told["approved_by"])
    values = [(field, _told(value)) for field, value in told["subject"].items()]
    cut = any(len(value) > MOST_VALUE for _, value in values)
    answers = approves and not own
    return ApprovalLine(
        id=told["id"],
        act=told["act"],
        about=told["about"],
        told=() if cut else subject_lines(told["subject"]),
        subject=tuple((field, value[:MOST_VALUE]) for field, value in values),
        cut=cut,
        digest=told["digest"],
        requested_by=told["requested_by"],
        requested_at=told["requested_at"],
        state=told["state"],
        needed=told["needed"],
        approved_by=voters,
        until=told["until"],
        can_approve=answers and not cut and told["state"] == "open" and name not in voters,
        can_refuse=answers,
    )


def _told(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value).decode()
