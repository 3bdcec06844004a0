"""May this request be used now? Judged from all that is known at this moment, and from nothing else. Pure.

An approver counts only where the accounts permit it three times: as they were known when the vote was
received, as they are known of that moment now (a suspension that was entered late counts from its day), and
as they are now (who was suspended since approves nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.people.accounts import Accounts, Allowed, fold, judge, standing_of
from vanvault.archiver.people.approvals.fold import ApprovalRequest, ApprovalVote
from vanvault.archiver.people.approvals.table import ApprovalTable

#: Who approves proved who they are, with two factors, at most so long ago.
FRESH = timedelta(minutes=5)
#: Between two clocks of nodes; and between the proof, the vote, and the moment when it is on record.
SKEW = timedelta(minutes=1)
#: Ways to sign on that are two factors. Of a provider's the node judges that, by its settings.
TWO_FACTORS = ("password+code", "authenticator", "provider")

#: So many different people stand behind what is approved, the requester included.
HUMANS = 2

ApprovalState = Literal["open", "approved", "refused", "withdrawn", "used", "expired", "void", "unclear"]


@dataclass(frozen=True, slots=True)
class ApprovalStanding:
    """How a request stands at a moment."""

    state: ApprovalState
    why: str = ""  # one line for people
    #: Whose approval counts now, the first one first; of what is over, who approved it while it was not.
    approvers: tuple[ApprovalVote, ...] = ()
    needed: int = 1  # approvals by others
    until: datetime | None = None  # open or approved: until then


@dataclass(slots=True)
class AccountHistory:
    """All that the record says about accounts, and what of it was known at a moment."""

    events: tuple[RecordedEvent, ...] = ()
    seen: Mapping[str, datetime] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    _then: dict[datetime, Accounts] = field(default_factory=dict)
    _now: Accounts | None = None

    @property
    def now(self) -> Accounts:
        """As all events tell."""
        if self._now is None:
            self._now = fold(self.events, seen=self.seen, lacking=self.lacking)
        return self._now

    def known_at(self, moment: datetime) -> Accounts:
        """As those events tell that were received up to a moment."""
        if moment not in self._then:
            known = (event for event in self.events if event.at <= moment)
            self._then[moment] = fold(known, seen=self.seen)
        return self._then[moment]


def judge_request(
    request: ApprovalRequest, people: AccountHistory, table: ApprovalTable, now: datetime
) -> ApprovalStanding:
    """How a request stands at a moment in UTC, by the table in force where that asks for more."""
    needed = max(request.approvals, table.rule(request.wish.act).approvals)
    asks = people.now.of_id(request.wish.requester)
    # A service, or an account of the operating system alone, is nobody in particular: two others it takes.
    is_person = asks is not None and asks.kind == "person"
    enough = needed if is_person else max(needed, HUMANS)
    if (over := _over(request, people)) is not None:
        return ApprovalStanding(over[0], over[1], _votes_when_given(request, people), enough)
    votes = _votes_that_count(request, people, now)
    if asks is not None and (off := standing_of(asks, now)).state not in ("active", "idle"):
        return ApprovalStanding("void", f"who asked is off: {off.why}", votes, enough)
    if len(votes) >= enough:
        good_until = votes[enough - 1].at + request.good_for
        if now < good_until:
            return ApprovalStanding("approved", "", votes, enough, good_until)
        return ApprovalStanding("expired", "it was approved and not used in time", votes, enough)
    if now >= request.until:
        votes = _votes_when_given(request, people)
        return ApprovalStanding("expired", "it was not approved in time", votes, enough)
    return ApprovalStanding("open", f"{len(votes)} of {enough} approvals", votes, enough, request.until)


def may_vote(request: ApprovalRequest, account: str, name: str) -> str:
    """Why an account may say nothing to a request, whatever it is permitted; "": it may."""
    if request.wish.requester in (account, f"os:{name}"):
        return "nobody approves or refuses what they asked for themselves"
    if {account, name} & set(request.wish.beneficiaries):
        return "nobody approves or refuses what is for their own benefit"
    return ""


def _over(request: ApprovalRequest, people: AccountHistory) -> tuple[ApprovalState, str] | None:
    """What ended it for good, and why: whatever is known of its approvers now."""
    if request.uses:
        by = f" by {request.uses[0].who}" if request.uses[0].who else ""
        return "used", f"it was used{by}, and an approval is good for one use"
    if request.unclear:
        return "unclear", "an event of it cannot be read by this version"
    if request.withdrawn_at is not None:
        return "withdrawn", f"{request.who} took it back"
    for vote in request.refused:
        if _said(request, vote, people):
            return "refused", f"{vote.name} refused it: {vote.reason}"
    return None


def _votes_when_given(request: ApprovalRequest, people: AccountHistory) -> tuple[ApprovalVote, ...]:
    """Of what is over: one of each person who could approve it then, whatever became of them since."""
    found: dict[str, ApprovalVote] = {}
    for vote in request.approved:
        if vote.at <= request.until and _said(request, vote, people):
            found.setdefault(vote.account, vote)
    return tuple(found.values())


def _votes_that_count(
    request: ApprovalRequest, people: AccountHistory, now: datetime
) -> tuple[ApprovalVote, ...]:
    """One of each person: the first that counts."""
    found: dict[str, ApprovalVote] = {}
    for vote in request.approved:
        permits = _permits(people.now, vote, vote.at) and _permits(people.now, vote, now)
        if permits and vote.at <= request.until and _said(request, vote, people):
            found.setdefault(vote.account, vote)
    return tuple(found.values())


def _said(request: ApprovalRequest, vote: ApprovalVote, people: AccountHistory) -> bool:
    """Was this person allowed to say this to this request when they did, by what was known then?

    For a refusal that is enough: whoever is suspended later has refused all the same.
    """
    proof_age = vote.at - vote.authenticated
    return (
        vote.at >= request.at - SKEW
        and -SKEW <= proof_age <= FRESH + SKEW
        and vote.method in TWO_FACTORS
        and not may_vote(request, vote.account, vote.name)
        and _permits(people.known_at(vote.at), vote, vote.at)
    )


def _permits(accounts: Accounts, vote: ApprovalVote, moment: datetime) -> bool:
    account = accounts.of_id(vote.account)
    return (
        account is not None
        and account.name == vote.name
        and account.kind == "person"
        and isinstance(judge(account, "approve", moment, within=vote.roles), Allowed)
    )
