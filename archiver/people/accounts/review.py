"""The review of accounts: every six months somebody confirms that each is needed as it is. Pure.

TCVN 14423:2026, 5.6, asks for such a list with kind, state, owner, unit and dates.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

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


def due_reviews(accounts: Accounts, now: datetime, *, ahead: bool = False) -> tuple[DueReview, ...]:
    """Accounts whose review is due at a moment, the longest due first; ``ahead``: those of later days too."""
    today = vietnam_day(now)
    found = [
        DueReview(account, due, tuple(_concerns(accounts, account, now)))
        for account in accounts
        if standing_of(account, now).state not in _DONE
        if (due := review_due(account)) <= today or ahead
    ]
    return tuple(sorted(found, key=lambda one: (one.due, one.account.name)))


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
    if account.is_gateway:
        return
    if not account.roles_on(vietnam_day(now)):
        yield "it holds no role"
    owner = accounts.find(account.about.owner) if account.about.owner else None
    if account.about.owner and (owner is None or standing_of(owner, now).state != "active"):
        yield f"its owner {account.about.owner} is off"
