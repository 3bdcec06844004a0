"""The door that an act goes through: nothing asked, a good approval used up, or a request on record.

Requests, votes and uses are written aside, where one site takes them: a promotion is asked for while the
other site is lost. A use is written first and then read again beside those of others. Whoever sees another's
goes on by no means before that one is given up, on record, so of two nodes at once one goes on at the most;
of several that all see each other the first by the record waits for the rest to give up. That holds where
each site was read that may know of a use, or the one that leads alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import ApprovalNeeded, Busy, Conflict, SiteUnavailable, VanVaultError
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.approvals import ApprovalRequest, ApprovalTable, ApprovalWish, Requester
from vanvault.recovery.approvals.reading import KnownApprovals, known_approvals, known_table
from vanvault.recovery.work import let_puts_arrive, record_aside

_log = Logger("vanvault.approvals")

#: Acts for which a site is lost: they go on by what the sites know that answer.
_WITHOUT_A_SITE = frozenset({"promote"})
_ID_BYTES = 8
#: Of a use beside those of others, until it is given up.
_READINGS = 6
_INDEXING = "Wait until this node has indexed the archive: vanvault index status."


@dataclass(frozen=True, slots=True)
class GoodApproval:
    """An approval that was used up for the act that begins now: for its own record."""

    request: str  # id
    digest: str
    approved_by: tuple[str, ...]  # names

    def as_json(self) -> dict[str, Any]:
        """For the detail of the act's own event."""
        return {"request": self.request, "digest": self.digest, "approved_by": list(self.approved_by)}


def need(
    archive: Archive,
    act: str,
    subject: Mapping[str, Any],
    who: Requester,
    *,
    beneficiaries: Collection[str] = (),
    use: bool = True,
    used_by: str = "",
    pause: Callable[[], None] = let_puts_arrive,
) -> GoodApproval | None:
    """Ask before an act: the approval of exactly this, which is used up by that; None: none is asked for.

    Call it last before the act, after all that may still refuse it, and when the subject is known whole, the
    count of its result included.

    Args:
        subject: what the act is about, JSON without fractions; another one is another request.
        beneficiaries: names or ids of accounts to whom it gives something; none of them may approve it.
        use: False: look alone, where long work comes before the act. It is asked again right before that.
        used_by: name of who does the act, where that is another person than ``who``, who asked for it.
        pause: before it is looked again whether others at the same moment gave up.

    Raises:
        ApprovalNeeded: others must approve it first; the request is on record and named.
        SiteUnavailable: a site is away that may know of a refusal or a use; no site takes the record.
        Busy: parts of the record are not indexed at this node yet.
        Conflict: somebody else used the same approval at the same moment.
        InvalidInput (no such act, or no canonical form), Damaged, KeyUnavailable.
    """
    if not asks(archive, act):
        return None
    away = archive.refresh().away
    known = known_approvals(archive)
    wish = ApprovalWish(act, dict(subject), who.key, tuple(beneficiaries))
    digest = wish.digest
    _check_whole(archive, act, away, known)
    waiting: ApprovalRequest | None = None
    for request in known.book.of_digest(digest):
        standing = known.standing(request)
        if standing.state == "approved":
            by = tuple(vote.name for vote in standing.approvers)
            user = replace(who, name=used_by or who.name)
            return _used(archive, request, user, by, pause) if use else GoodApproval(request.id, digest, by)
        if standing.state == "open":
            waiting = waiting or request
    if waiting is None:
        id = _request(archive, wish, who, known.table)
        raise _needed(id, act, known.table, new=True)
    raise _needed(waiting.id, act, known.table, new=False)


def asks(archive: Archive, act: str) -> bool:
    """Does the table in force ask for this act? Looks at the sites first, as far as any answers.

    Raises InvalidInput (no such act), Busy (not all of the record is indexed here yet), Damaged.
    """
    away: SiteUnavailable | None = None
    try:
        archive.refresh()
    except SiteUnavailable as error:
        away = error  # what is known here decides: where nothing can be read, nothing asks
    known = known_table(archive)
    for part in known.lacking:
        _log.warning("a part of the record of the table of acts cannot be read", part=part)
    on = known.table.rule(act).on
    if away is not None and on:
        raise away
    if known.is_passing and not on and act not in _WITHOUT_A_SITE:
        raise Busy("whether this asks for approval is not known yet", retry_after=5, hint=_INDEXING)
    return on


def _request(archive: Archive, wish: ApprovalWish, who: Requester, table: ApprovalTable) -> str:
    rule = table.rule(wish.act)
    id = f"q-{archive.entropy.token(_ID_BYTES).hex()}"
    detail: dict[str, object] = {
        "request": id,
        "digest": wish.digest,
        "asked": wish.as_json(),
        "approvals": rule.approvals,
        "until": rfc3339_seconds(archive.clock.now() + rule.request),
        "good_for_s": round(rule.approval.total_seconds()),
        "who": who.name,
    }
    record_aside(archive, EventType.APPROVAL_REQUESTED, detail)
    return id


def _used(
    archive: Archive,
    request: ApprovalRequest,
    who: Requester,
    approvers: tuple[str, ...],
    pause: Callable[[], None],
) -> GoodApproval:
    """Use it up; at most one of those who do so at once comes back from here."""
    use = archive.entropy.token(_ID_BYTES).hex()
    detail: dict[str, object] = {
        "request": request.id,
        "digest": request.digest,
        "requester": who.key,
        "use": use,
        "who": who.name,
    }
    try:
        record_aside(archive, EventType.APPROVAL_USED, detail)
        _check_alone(archive, request, use, pause)
    except VanVaultError:
        _give_up(archive, detail)  # a record that failed may stand at one site
        raise
    return GoodApproval(request.id, request.digest, approvers)


def _check_alone(archive: Archive, request: ApprovalRequest, use: str, pause: Callable[[], None]) -> None:
    """Raises Conflict: somebody else used it, or refused it, at the same moment; and as ``need``."""
    for again in reversed(range(_READINGS)):
        away = archive.refresh().away
        known = known_approvals(archive)
        _check_whole(archive, request.wish.act, away, known)
        after = known.book.get(request.id)
        uses = [one.nonce for one in after.uses]
        if uses == [use]:
            break
        if not again or uses[:1] != [use]:
            raise Conflict(
                f"the approval {request.id} was used by somebody else at the same moment",
                hint="Nothing was done here. Ask again: run the same command.",
            )
        pause()
    if after.withdrawn_at is not None or after.unclear or len(after.refused) > len(request.refused):
        raise Conflict(
            f"the request {request.id} was refused or taken back at the same moment",
            hint="Nothing was done. Ask again: run the same command.",
        )


def _give_up(archive: Archive, detail: dict[str, object]) -> None:
    """Say that nothing is done by a use, ever: else it would keep others from theirs."""
    try:
        record_aside(archive, EventType.APPROVAL_GIVEN_UP, detail)
    except VanVaultError as error:
        _log.warning("a use of an approval stands that nothing was done by", reason=error.message)


def _check_whole(archive: Archive, act: str, away: Collection[str], known: KnownApprovals) -> None:
    """Raises SiteUnavailable: a site is not read that may know what is not known here."""
    for part in known.lacking:
        _log.warning("a part of the record of approvals cannot be read", part=part)
    leadership = archive.lead.leadership
    unread = [site for site in away if not (leadership.alone and site != leadership.leader)]
    if unread and act not in _WITHOUT_A_SITE:
        raise SiteUnavailable(
            f"the site {unread[0]} is away, and may know that this approval was used or refused",
            site=unread[0],
            may_be_stored=False,
            hint="Bring it back, and run the same again; nothing was done.",
        )


def _needed(id: str, act: str, table: ApprovalTable, *, new: bool) -> ApprovalNeeded:
    count = table.rule(act).approvals
    people = "another person" if count == 1 else f"{count} other people"
    state = "is on record" if new else "waits already"
    return ApprovalNeeded(
        f"{act} needs the approval of {people}; the request {id} {state}",
        request=id,
        hint=f"They see it with: vanvault approval show {id}. Once it is approved, run the same again.",
    )
