"""What people say to a request: each is an event, judged anew when the request is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.accounts import Account
from vanvault.archiver.people.approvals import FRESH, TWO_FACTORS, ApprovalRequest, Requester, may_vote
from vanvault.archiver.people.sign_on import Session
from vanvault.recovery.approvals.reading import KnownApprovals, known_approvals
from vanvault.recovery.sign_on import SignedOn, provider_proves_two
from vanvault.recovery.work import record_aside

_MOST_REASON = 500  # characters


class SignOnTooWeak(AccessDenied):
    """A person who may approve signed on too long ago, or with one factor: no permission lacks."""


def check_fresh(session: Session, settings: Settings, now: datetime, who: str) -> None:
    """Did this person sign on with two factors within the last five minutes? ``who``: does what.

    Raises SignOnTooWeak.
    """
    if not _has_two_factors(session, settings):
        raise SignOnTooWeak(
            f"who {who} must have signed on with two factors",
            authenticated=True,
            hint="Sign on with a password and a code, or at a provider that asks for two.",
        )
    if not session.is_fresh(now, FRESH):
        raise SignOnTooWeak(
            f"who {who} must have signed on within the last five minutes",
            authenticated=True,
            hint="Sign on again, then say it again.",
        )


@dataclass(frozen=True, slots=True)
class Approver:
    """A person who is signed on; what the approval rests on goes on record with it."""

    account: Account
    session: Session
    roles: tuple[str, ...]  # by which they may approve now

    @classmethod
    def of(cls, person: SignedOn, settings: Settings, now: datetime) -> Approver:
        """Whoever signed on with two factors within the last five minutes, and may approve.

        Raises AccessDenied: may not approve; SignOnTooWeak: signed on too long ago, or with one factor.
        """
        roles = person.authority("approve", now)
        session = person.session
        check_fresh(session, settings, now, "approves or refuses")
        return cls(person.account, session, roles)

    def said(self) -> dict[str, object]:
        """For the event: who, by what authority, and how they proved who they are."""
        return {
            "id": self.account.id,
            "account": self.account.name,
            "roles": list(self.roles),
            "method": self.session.method,
            "session": self.session.id,
            "authenticated": rfc3339_us(to_us(self.session.authenticated)),
            "who": self.account.name,
        }


def approve_request(archive: Archive, id: str, who: Approver) -> ApprovalRequest:
    """Approve a request; the request as it was before.

    Raises NotFound, AccessDenied (it is one's own, or for one's own benefit), Conflict (it is not open any
    more, or this person approved it already), SiteUnavailable (no site takes it), KeyUnavailable, Damaged.
    """
    known = known_approvals(archive)
    request = _open_one(known, id, who)
    if any(vote.account == who.account.id for vote in known.standing(request).approvers):
        raise Conflict(f"{who.account.name} approved {id} already", hint=f"See: vanvault approval show {id}")
    _tell(archive, EventType.APPROVAL_APPROVED, request, who.said())
    return request


def refuse_request(archive: Archive, id: str, who: Approver, reason: str) -> ApprovalRequest:
    """Refuse a request: it is good for nothing from then on.

    Raises as ``approve_request``, and InvalidInput: no reason, or too long a one.
    """
    reason = reason.strip()
    if not reason or len(reason) > _MOST_REASON:
        raise InvalidInput(f"a reason has 1 to {_MOST_REASON} characters", field="reason", hint="Say why.")
    request = _open_one(known_approvals(archive), id, who)
    _tell(archive, EventType.APPROVAL_REFUSED, request, {**who.said(), "reason": reason})
    return request


def withdraw_request(archive: Archive, id: str, who: Requester) -> ApprovalRequest:
    """Take one's own request back. Raises NotFound, AccessDenied (another's), Conflict, SiteUnavailable."""
    known = known_approvals(archive)
    request = known.book.get(id)
    if request.wish.requester != who.key:
        raise AccessDenied(
            f"{id} was asked by {request.who}, who alone can take it back",
            authenticated=True,
            hint="Who may approve can refuse it: vanvault approval refuse.",
        )
    _check_lives(known, request)
    _tell(archive, EventType.APPROVAL_WITHDRAWN, request, {"requester": who.key, "who": who.name})
    return request


def _open_one(known: KnownApprovals, id: str, who: Approver) -> ApprovalRequest:
    request = known.book.get(id)
    why_not = may_vote(request, who.account.id, who.account.name)
    if why_not:
        raise AccessDenied(why_not, authenticated=True, hint="Another person who may approve must do that.")
    _check_lives(known, request)
    return request


def _check_lives(known: KnownApprovals, request: ApprovalRequest) -> None:
    standing = known.standing(request)
    if standing.state not in ("open", "approved"):
        raise Conflict(
            f"{request.id} is {standing.state}: {standing.why}", hint="It is good for nothing more."
        )


def _tell(archive: Archive, type: str, request: ApprovalRequest, said: dict[str, object]) -> None:
    record_aside(archive, type, {"request": request.id, "digest": request.digest, **said})


def _has_two_factors(session: Session, settings: Settings) -> bool:
    """A provider counts where its tokens must say so: which levels or methods, stands in the settings."""
    if session.method == "provider":
        return provider_proves_two(settings)
    return session.method in TWO_FACTORS
