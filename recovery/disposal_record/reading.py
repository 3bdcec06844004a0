"""What is known of disposals now: the record folded, each held against its approval as that stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.disposal import (
    COOLING,
    DISPOSAL_EVENTS,
    RUNNABLE,
    BackupsGone,
    DisposalApproval,
    DisposalBook,
    DisposalRecord,
    DisposalState,
    fold_disposals,
    state_of,
    why_no_run,
)
from vanvault.archiver.journal import recorded_history
from vanvault.archiver.people.approvals import ApprovalRequest, ApprovalWish, Requester
from vanvault.recovery.approvals import KnownApprovals, known_approvals

#: The act of the table that a disposal is.
ACT = "disposal"


@dataclass(frozen=True, slots=True)
class KnownDisposal:
    """One disposal as it stands at a moment."""

    record: DisposalRecord
    approval: DisposalApproval
    now: datetime

    @property
    def state(self) -> DisposalState:
        """How it stands."""
        return state_of(self.record, self.approval, self.now)

    @property
    def is_over(self) -> bool:
        """Will nothing more become of it?"""
        return self.state not in ("planned", "cooling", *RUNNABLE)

    @property
    def cools_until(self) -> datetime | None:
        """The first moment at which it may run; None: it is not approved, or has begun."""
        at = self.approval.approved_at
        return None if at is None or self.record.begin is not None else at + COOLING

    def why_no_run(self, runner: Requester) -> str:
        """Why this person may not run it now; "": they may."""
        return why_no_run(self.record, self.approval, runner.key, self.now, runner.name)

    def as_json(self) -> dict[str, Any]:
        """As JSON values; every field is there."""
        record, approval, begin = self.record, self.approval, self.record.begin
        approved_by = list(begin.approval.get("approved_by", ())) if begin else list(approval.approved_by)
        return {
            "disposal": record.id,
            "state": self.state,
            "plan": record.plan,
            "plan_sha256": record.digest,
            "planned_at": rfc3339_seconds(record.at),
            "who": record.who,
            "entries": record.entries,
            "originals": record.originals,
            "bytes": record.bytes,
            "segments": record.segments,
            "approval": {
                "request": approval.request or None,
                "state": approval.state,
                "why": approval.why or None,
                "approved_by": approved_by,
                "approved_at": _time(approval.approved_at),
                "until": _time(approval.until),
            },
            "cools_until": _time(self.cools_until),
            "withdrawn": _withdrawn(record),
            "begun": {"at": rfc3339_seconds(begin.at), "who": begin.who} if begin else None,
            "rechecked": [
                {
                    "segment": one.segment,
                    "at": rfc3339_seconds(one.at),
                    "entries": one.entries,
                    "originals": one.originals,
                    "dropped": dict(one.dropped),
                }
                for one in record.rechecked.values()
            ],
            "replaced": [
                {"residue": two.residue, "segments": list(two.segments), "at": rfc3339_seconds(two.at)}
                for two in record.replaced.values()
            ],
            "removed": [
                {"site": site, "residue": residue, "at": rfc3339_seconds(at)}
                for (site, residue), at in sorted(record.removed.items())
            ],
            "halted": list(record.halted[1]) if record.halted and self.state == "half-done" else [],
            "dropped": dict(record.emptied) if record.emptied else {},
            "backups_gone": backups_told(record.backups_gone),
            "certificates": [
                {
                    "number": one.number,
                    "at": rfc3339_seconds(one.at),
                    "message_id": one.message,
                    "sha256": one.sha256,
                    "remaining": one.remaining,
                    "who": one.who,
                }
                for one in record.certificates
            ],
        }


@dataclass(frozen=True, slots=True)
class KnownDisposals:
    """One reading of the record."""

    book: DisposalBook
    approvals: Mapping[str, DisposalApproval]  # by the id of the disposal
    now: datetime
    lacking: tuple[str, ...] = ()  # what of the record could not be read, for people

    def get(self, id: str) -> KnownDisposal:
        """Raises NotFound."""
        return self._known(self.book.get(id))

    def __iter__(self) -> Iterator[KnownDisposal]:
        """The newest first."""
        return map(self._known, self.book)

    def _known(self, record: DisposalRecord) -> KnownDisposal:
        return KnownDisposal(record, self.approvals[record.id], self.now)


def known_disposals(archive: ArchiveReader) -> KnownDisposals:
    """All of them, as far as the archive is folded here; ``lacking`` names what could not be read.

    Raises Damaged, SiteUnavailable (the index cannot be read), SettingsError.
    """
    history = recorded_history(archive.search, DISPOSAL_EVENTS, keeps_damaged=True)
    book = fold_disposals(history.events, lacking=history.lacking)
    now = archive.clock.now()
    if not book.by_id:
        return KnownDisposals(book, {}, now, book.lacking)
    known = known_approvals(archive, everything=True)
    approvals = {record.id: _approval(known, record) for record in book}
    return KnownDisposals(book, approvals, now, (*book.lacking, *known.lacking))


def disposal_wish(record: DisposalRecord) -> ApprovalWish:
    """What others approve: exactly this plan, as the one who planned it asks for it."""
    return ApprovalWish(ACT, record.subject, record.requester)


def _approval(known: KnownApprovals, record: DisposalRecord) -> DisposalApproval:
    """Of several requests of the same plan the one that has come farthest; of equal ones the newest."""
    found = [_of_request(known, request) for request in known.book.of_digest(disposal_wish(record).digest)]
    order = ("used", "refused", "approved", "open", "over")
    return min(found, key=lambda one: order.index(one.state), default=DisposalApproval("none"))


def _of_request(known: KnownApprovals, request: ApprovalRequest) -> DisposalApproval:
    standing = known.standing(request)
    names = tuple(vote.name for vote in standing.approvers)
    enough = standing.approvers[standing.needed - 1 : standing.needed]
    at = enough[0].at if enough else None
    if standing.state == "approved":
        return DisposalApproval("approved", request.id, at, names, standing.why, standing.until)
    if standing.state == "open":
        return DisposalApproval("open", request.id, None, names, standing.why, standing.until)
    if standing.state == "used":
        return DisposalApproval("used", request.id, at, names, standing.why)
    state = "refused" if standing.state == "refused" else "over"
    return DisposalApproval(state, request.id, None, names, standing.why)  # type: ignore[arg-type]


def backups_told(gone: BackupsGone | None) -> dict[str, Any] | None:
    """What was said of backups, as JSON values; ``looked``: the program looked into the repository first."""
    if gone is None:
        return None
    return {
        "at": rfc3339_seconds(gone.at),
        "who": gone.who,
        "reason": gone.reason,
        "looked": bool(gone.repository),
        "repository": gone.repository or None,
        "snapshots": gone.snapshots,
    }


def _withdrawn(record: DisposalRecord) -> dict[str, str] | None:
    if record.withdrawn is None:
        return None
    at, who, why = record.withdrawn
    return {"at": rfc3339_seconds(at), "who": who, "reason": why}


def _time(at: datetime | None) -> str | None:
    return None if at is None else rfc3339_seconds(at)
