"""How a disposal stands at a moment, and whether it may be run. Pure.

The approval is no step of the fold: whether it counts is judged anew each time (people/approvals), so an
approver who is suspended while it cools takes the approval away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.disposal.fold import DisposalRecord

#: Between the second approval and the first moment at which something may be removed.
COOLING = timedelta(days=14)
#: Begins the key of who has no account here.
_NO_ACCOUNT = "os:"

DisposalState = Literal[
    "planned",  # waits for its approval
    "cooling",  # approved; nothing may be removed yet
    "ready",  # approved, and cooled: somebody may run it
    "running",  # something may be removed already
    "half-done",  # a run stopped before its end; the next one goes on
    "certified",  # all of it is gone
    "certified-in-part",  # gone from every answer; copies are left that the certificate names
    "empty",  # nothing of it was due any more when it ran
    "withdrawn",
    "refused",
    "expired",  # it was not approved, or not run, in time
    "unclear",  # an event of it cannot be read by this version
]
DISPOSAL_STATES: tuple[DisposalState, ...] = get_args(DisposalState)
#: In these a run goes on, or begins.
RUNNABLE: frozenset[DisposalState] = frozenset(("ready", "running", "half-done", "certified-in-part"))

ApprovalOfDisposal = Literal["none", "open", "approved", "used", "refused", "over"]


@dataclass(frozen=True, slots=True)
class DisposalApproval:
    """How the request for the approval of exactly this plan stands."""

    state: ApprovalOfDisposal
    request: str = ""  # id; "": none is on record
    approved_at: datetime | None = None  # of the vote that made it enough
    approved_by: tuple[str, ...] = ()  # names
    why: str = ""  # for people
    until: datetime | None = None  # open: votes count until then; approved: good until then


def state_of(record: DisposalRecord, approval: DisposalApproval, now: datetime) -> DisposalState:
    """How it stands at a moment in UTC."""
    if record.unclear:
        return "unclear"
    stopped = record.halted is not None and record.halted[0] == record.last_at
    if record.certificate is not None:
        if stopped and record.halted is not None and record.halted[0] > record.certificate.at:
            return "half-done"
        return "certified-in-part" if record.certificate.remaining else "certified"
    if record.emptied is not None:
        return "empty"
    if record.begin is not None or approval.state == "used":
        return "half-done" if stopped else "running"
    if record.withdrawn is not None:
        return "withdrawn"
    if approval.state == "refused":
        return "refused"
    if approval.state == "approved" and approval.approved_at is not None:
        return "ready" if now >= approval.approved_at + COOLING else "cooling"
    return "planned" if approval.state in ("none", "open") else "expired"


def why_no_run(
    record: DisposalRecord, approval: DisposalApproval, runner: str, now: datetime, name: str = ""
) -> str:
    """Why this person may not run it now; "": they may. ``runner``, ``name``: of who asks, key and name."""
    state = state_of(record, approval, now)
    if state not in RUNNABLE:
        return _WHY[state].format(
            until="" if approval.approved_at is None else rfc3339_seconds(approval.approved_at + COOLING),
            why=approval.why or "there is no request for its approval",
        )
    return why_not_by(record, runner, name)


def why_not_by(record: DisposalRecord, runner: str, name: str = "") -> str:
    """Why this person may never run it; "": they may, once it is ready.

    Whoever has no account here may be the one who planned it: one human has several accounts of the operating
    system.
    """
    if record.requester in (runner, f"{_NO_ACCOUNT}{name}"):
        return "who planned a disposal does not run it"
    if runner.startswith(_NO_ACCOUNT):
        return "whoever is not signed on may be the one who planned it, who does not run it"
    return ""


_WHY: dict[DisposalState, str] = {
    "planned": "it is not approved yet: {why}",
    "cooling": "it cools until {until}; nothing is removed before",
    "certified": "all of it is gone already, as its certificate says",
    "empty": "nothing of it was due any more when it ran",
    "withdrawn": "it was withdrawn",
    "refused": "{why}",
    "expired": "its approval is good for nothing any more: {why}",
    "unclear": "an event of it cannot be read by this version",
}
