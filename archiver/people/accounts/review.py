"""The review of accounts: every six months somebody confirms that each is needed as it is. Pure.

TCVN 14423:2026, 5.6, asks for such a list with kind, state, owner, unit and dates.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from vanvault.archiver.core.law import figure
from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.people.accounts.judging import standing_of
from vanvault.archiver.people.accounts.model import Account, Accounts

#: As often as the standard asks for it (how that is known: ``vanvault law``).
REVIEW_MONTHS = int(figure("accounts-reviewed", text="TCVN14423-2026") or 0)

#: An account that is over, or whose name is another's, can do nothing, and nothing brings it back by itself.
_DONE = ("over", "contested", "withdrawn", "removed")


@dataclass(frozen=True, slots=True)
class DueReview:
    """An account that somebody must look at; ``why``: what he may stumble over, for people."""

    account: Account
    due: date
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnerOff:
    """Nobody answers for an account: its owner is off, ``since`` a day. ``why``: one line for people."""

    since: date
    why: str


def due_reviews(accounts: Accounts, now: datetime, *, ahead: bool = False) -> tuple[DueReview, ...]:
    """Accounts whose review is due at a moment, the longest due first; ``ahead``: those of later days too.

    One that is good while its owner is off is due at once, and stays so until it has another owner or is
    off itself: a confirmation of the day before does not make somebody answer for it.
    """
    today = vietnam_day(now)
    found = [
        DueReview(account, due, tuple(_concerns(accounts, account, now)))
        for account in accounts
        if standing_of(account, now).state not in _DONE
        if (due := _due(accounts, account, now)) <= today or ahead
    ]
    return tuple(sorted(found, key=lambda one: (one.due, one.account.name)))


def owner_off(accounts: Accounts, account: Account, now: datetime) -> OwnerOff | None:
    """Is this account, a service or gateway, good while its owner is not? None: no, or it names no owner."""
    name = account.about.owner
    if not name or standing_of(account, now).state != "active":
        return None
    today, owner = vietnam_day(now), accounts.find(name)
    if owner is None:
        return OwnerOff(today, f"its owner {name} is not known")
    standing = standing_of(owner, now)
    if standing.state == "active":
        return None
    since = today
    if standing.state == "suspended":
        since = min(one.first for one in owner.suspensions if one.holds(today))
    elif standing.state == "over" and owner.days.last is not None:
        since = owner.days.last + timedelta(days=1)
    return OwnerOff(since, f"its owner {name} is off: {standing.why}")


def _due(accounts: Accounts, account: Account, now: datetime) -> date:
    off = owner_off(accounts, account, now)
    return review_due(account) if off is None else min(off.since, review_due(account))


def review_due(account: Account) -> date:
    """The day on which an account is to be confirmed next."""
    last = vietnam_day(account.marks.reviewed_at or account.marks.added_at)
    month = last.month - 1 + REVIEW_MONTHS
    year, month = last.year + month // 12, month % 12 + 1
    return date(year, month, min(last.day, monthrange(year, month)[1]))


def _concerns(accounts: Accounts, account: Account, now: datetime) -> Iterator[str]:
    standing = standing_of(account, now)
    if standing.state != "active":
        yield standing.why
    if not account.is_gateway and not account.roles_on(vietnam_day(now)):
        yield "it holds no role"
    off = owner_off(accounts, account, now)
    if off is not None:
        yield off.why
