"""Requests and what people said to them, out of events: in whatever order, the same requests. Pure.

::

    approval.requested  request (its id), digest, asked (the canonical request), approvals, until (RFC 3339),
                        good_for_s, who
    approval.approved   request, digest, id and account (of whom), roles, method, session, authenticated, who
    approval.refused    the same, and reason
    approval.withdrawn  request, digest, requester, who
    approval.used       request, digest, requester, use (a nonce), who
    approval.given-up   the same: whoever wrote this use did nothing by it, and never will
    approval.table-set  table, request (the one by which it was made weaker, or ""), who; and escrow_set
                        where shares of the keys' escrow stood for that request

Types are written without ``vanvault.``. Nothing here asks whether somebody was allowed to say what they said:
``judging.py`` does. What this version cannot read makes its request ``unclear``, and no unclear one is good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import NotFound, VanVaultError
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.people.approvals.request import ApprovalWish
from vanvault.archiver.people.approvals.table import LONGEST_KEPT, MOST_APPROVALS, ApprovalTable

REQUESTED, APPROVED, REFUSED = "approval.requested", "approval.approved", "approval.refused"
WITHDRAWN, USED, GIVEN_UP = "approval.withdrawn", "approval.used", "approval.given-up"
TABLE_SET = "approval.table-set"
#: Every type that ``fold_approvals`` looks at, without ``vanvault.``.
APPROVAL_EVENTS = (REQUESTED, APPROVED, REFUSED, WITHDRAWN, USED, GIVEN_UP, TABLE_SET)


@dataclass(frozen=True, slots=True)
class ApprovalVote:
    """What one person said to a request, and how they had proved who they are."""

    at: datetime
    account: str  # id
    name: str
    roles: tuple[str, ...]  # by which it was said
    method: str  # of the sign-on
    authenticated: datetime
    reason: str = ""  # of a refusal


@dataclass(frozen=True, slots=True)
class ApprovalUse:
    """That an approval was used up, and by whom."""

    nonce: str
    at: datetime
    who: str = ""  # for people


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One request, with all that was said to it."""

    id: str  # ``q-`` and 16 hexadecimal digits
    wish: ApprovalWish
    digest: str
    who: str  # asked, for people
    at: datetime
    approvals: int  # that it needed when it was made
    until: datetime
    good_for: timedelta
    approved: tuple[ApprovalVote, ...] = ()
    refused: tuple[ApprovalVote, ...] = ()
    withdrawn_at: datetime | None = None
    all_uses: tuple[ApprovalUse, ...] = ()  # the first one first
    given_up: frozenset[str] = frozenset()  # nonces
    unclear: bool = False

    @property
    def uses(self) -> tuple[ApprovalUse, ...]:
        """Those that were not given up, the first one first."""
        return tuple(one for one in self.all_uses if one.nonce not in self.given_up)


@dataclass(frozen=True, slots=True)
class ApprovalBook:
    """All requests that the record tells of, and the table in force."""

    by_id: Mapping[str, ApprovalRequest] = field(default_factory=dict)
    table: ApprovalTable = field(default_factory=ApprovalTable)
    table_at: datetime | None = None  # None: none was ever set
    table_unclear: bool = False  # this version cannot read the newest one
    strange: tuple[str, ...] = ()  # ids of events that belong to no request
    lacking: tuple[str, ...] = ()  # what of the record could not be read, for people

    def get(self, id: str) -> ApprovalRequest:
        """Raises NotFound."""
        found = self.by_id.get(id)
        if found is None:
            raise NotFound(f"there is no request {id[:40]!r}", hint="List them: vanvault approval list --all")
        return found

    def of_digest(self, digest: str) -> tuple[ApprovalRequest, ...]:
        """Those of exactly this canonical request, the newest first."""
        return tuple(one for one in self if one.digest == digest)

    def __iter__(self) -> Iterator[ApprovalRequest]:
        """The newest first."""
        return iter(sorted(self.by_id.values(), key=lambda one: (one.at, one.id), reverse=True))


def fold_approvals(events: Iterable[RecordedEvent], *, lacking: Iterable[str] = ()) -> ApprovalBook:
    """All requests that these events tell of; ``lacking``: what of the record could not be read."""
    ordered = sorted({event.id: event for event in events}.values(), key=lambda one: (one.at, one.id))
    found: dict[str, ApprovalRequest] = {}
    strange: list[str] = []
    for event in ordered:
        if event.type != REQUESTED:
            continue
        try:
            request = _requested(event)
        except (KeyError, TypeError, ValueError, OverflowError, VanVaultError):
            strange.append(event.id)
            continue
        known = found.setdefault(request.id, request)
        if known.digest != request.digest:
            strange.append(event.id)  # an id is one request's for ever: the first stands
    book = ApprovalBook()
    for event in ordered:
        if event.type == TABLE_SET:
            book = _with_table(book, event)
        elif event.type != REQUESTED:
            request_of = found.get(str(event.detail.get("request")))
            if request_of is None:
                strange.append(event.id)
                continue
            try:
                found[request_of.id] = _said(request_of, event)
            except (KeyError, TypeError, ValueError, VanVaultError):
                found[request_of.id] = replace(request_of, unclear=True)
    return replace(book, by_id=found, strange=tuple(strange), lacking=tuple(lacking))


def _requested(event: RecordedEvent) -> ApprovalRequest:
    detail = event.detail
    asked = detail["asked"]
    if not isinstance(asked, dict):
        raise ValueError("another version's form")
    wish = ApprovalWish.of_json(asked)
    digest = _text(detail, "digest")
    if wish.digest != digest:
        raise ValueError("the digest is of another request")
    approvals, good_for = _whole(detail, "approvals"), timedelta(seconds=_whole(detail, "good_for_s"))
    until = parse_rfc3339(_text(detail, "until"))
    if not 1 <= approvals <= MOST_APPROVALS or until - event.at + good_for > LONGEST_KEPT + timedelta(days=1):
        raise ValueError("out of bounds")
    return ApprovalRequest(
        _text(detail, "request"), wish, digest, _text(detail, "who"), event.at, approvals, until, good_for
    )


def _said(request: ApprovalRequest, event: RecordedEvent) -> ApprovalRequest:
    detail = event.detail
    if _text(detail, "digest") != request.digest:
        return request  # said to another form of it: that is no approval of this one
    if event.type == APPROVED:
        return replace(request, approved=(*request.approved, _vote(event)))
    if event.type == REFUSED:
        return replace(request, refused=(*request.refused, _vote(event)))
    if event.type == USED:
        use = ApprovalUse(_text(detail, "use"), event.at, str(detail.get("who", "")))
        return replace(request, all_uses=(*request.all_uses, use))
    if event.type == GIVEN_UP:
        return replace(request, given_up=request.given_up | {_text(detail, "use")})
    if event.type == WITHDRAWN and _text(detail, "requester") == request.wish.requester:
        return replace(request, withdrawn_at=request.withdrawn_at or event.at)
    return request


def _vote(event: RecordedEvent) -> ApprovalVote:
    detail = event.detail
    roles = detail["roles"]
    if not isinstance(roles, list):
        raise ValueError("another version's form")
    return ApprovalVote(
        event.at,
        _text(detail, "id"),
        _text(detail, "account"),
        tuple(str(one) for one in roles),
        _text(detail, "method"),
        parse_rfc3339(_text(detail, "authenticated")),
        _text(detail, "reason") if event.type == REFUSED else "",
    )


def _with_table(book: ApprovalBook, event: RecordedEvent) -> ApprovalBook:
    try:
        told = event.detail["table"]
        if not isinstance(told, dict):
            raise ValueError("another version's form")
        return replace(book, table=ApprovalTable.of_json(told), table_at=event.at, table_unclear=False)
    except (KeyError, TypeError, ValueError, OverflowError):
        return replace(book, table_at=event.at, table_unclear=True)


def _text(detail: Mapping[str, object], name: str) -> str:
    value = detail[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _whole(detail: Mapping[str, object], name: str) -> int:
    value = detail[name]
    if type(value) is not int:
        raise ValueError(f"{name} is no whole number")
    return value
