"""Accounts as rows of a table."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.people.accounts import Account, review_due, roles_in_force, standing_of
from vanvault.cli.output import print_table

_COLUMNS = (
    "account", "kind", "full name", "unit", "owner", "state", "roles", "from", "until", "last use",
    "review", "late",
)  # fmt: skip


def print_accounts(accounts: Iterable[Account], now: datetime, owner_off: Collection[str] = ()) -> None:
    """A table for people. ``owner_off``: names of accounts whose owner is off."""
    print_table(_COLUMNS, (_row(one, now, owner_is_off=one.name in owner_off) for one in accounts))


def _row(account: Account, now: datetime, *, owner_is_off: bool) -> tuple[str, ...]:
    about, days, marks = account.about, account.days, account.marks
    standing = standing_of(account, now)
    coming = [
        one.first for one in account.suspensions if one.lifted_at is None and not one.holds(vietnam_day(now))
    ]
    state = f"{standing.state}, suspended from {min(coming)}" if coming else standing.state
    return (
        account.name,
        account.kind,
        about.full_name,
        about.unit,
        f"{about.owner} (OFF)" if owner_is_off else about.owner,
        state,
        ", ".join([*roles_in_force(account, now), *_coming_roles(account, now)]),
        _day(days.first) or "",
        _day(days.last) or "",
        str(vietnam_day(marks.seen_at)) if marks.seen_at else "",
        str(review_due(account)),
        "; ".join(f"{one.what} {one.effective}, {one.lag_days} days late" for one in account.late),
    )


def _coming_roles(account: Account, now: datetime) -> list[str]:
    """Roles that begin later, each with its day."""
    today = vietnam_day(now)
    grants = sorted(account.grants, key=lambda one: (one.role, one.days.first or today))
    return [
        f"{one.role} from {one.days.first}"
        for one in grants
        if one.days.first and one.days.first > today and not one.days.is_empty
    ]


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
