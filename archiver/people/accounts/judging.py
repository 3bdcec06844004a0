"""May this account do this now? Judged at each request from what is on record, and from nothing else. Pure.

So a suspension that was entered for the first of next month begins at midnight in Vietnam without any job,
and one that was entered too late counts from its own day.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.core.law import citation, figure
from vanvault.archiver.core.times import vietnam_day, vietnam_midnight
from vanvault.archiver.people.accounts.model import Account, NameStanding
from vanvault.archiver.people.accounts.roles import ROLES, Permission, conflicting

#: An account that was not used for so many calendar days is off until somebody confirms or resumes it.
IDLE_DAYS = int(figure("idle-account-off", text="TCVN14423-2026") or 0)

AccountState = Literal[
    "active", "early", "over", "suspended", "idle", "contested", "withdrawn", "removed", "unclear"
]
RefusalReason = Literal[
    "early",
    "over",
    "suspended",
    "idle",
    "contested",
    "withdrawn",
    "removed",
    "unclear",
    "roles-conflict",  # only roles that exclude each other would permit it
    "no-role",
    "token",  # the account may, the token with which it asks may not
]


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """How an account stands at a moment; ``why``: one line for people, "" when it is active."""

    state: AccountState
    why: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """By these roles, which are the authority that goes on record."""

    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not. Who did not sign on is not told any of this."""

    reason: RefusalReason
    why: str

    def error(self) -> AccessDenied:
        """The same as an error for a caller who is known."""
        return AccessDenied(self.why, authenticated=True, hint=_HINTS.get(self.reason, _ASK))


def judge(
    account: Account, permission: Permission, now: datetime, *, within: Collection[str] | None = None
) -> Allowed | Refused:
    """May this account do what this permission stands for, at a moment in UTC?

    ``within``: only by these of its roles, as the session has them; None: by all that it holds.
    """
    standing = standing_of(account, now)
    if standing.state != "active":
        return Refused(standing.state, standing.why)
    held = roles_in_force(account, now)
    useful = tuple(name for name in held if name in ROLES and permission in ROLES[name].permissions)
    useful = tuple(name for name in useful if within is None or name in within)
    clear = tuple(name for name in useful if name not in conflicting(held))
    if clear:
        return Allowed(clear)
    if useful:
        clashing = ", ".join(sorted(conflicting(held)))
        return Refused(
            "roles-conflict", f"{account.name} holds roles that exclude each other today: {clashing}"
        )
    why = f"{account.name} holds no role today that permits: {permission}"
    return Refused("no-role", f"{why} ({_BASES[permission]})" if permission in _BASES else why)


def roles_in_force(account: Account, now: datetime) -> tuple[str, ...]:
    """Roles that an account holds at a moment and that its kind may hold, sorted."""
    return tuple(
        name
        for name in account.roles_on(vietnam_day(now))
        if account.kind == "person" or name not in ROLES or ROLES[name].for_services
    )


def standing_of(account: Account, now: datetime) -> AccountStanding:
    """How an account stands at a moment in UTC."""
    if account.standing != "held":
        return AccountStanding(account.standing, _NAME_LOST[account.standing].format(account.name))
    day = vietnam_day(now)
    holding = [one for one in account.suspensions if one.holds(day)]
    if holding:
        earliest = min(holding, key=lambda one: one.first)
        # Not the reason: whoever holds a secret of the account is told this.
        return AccountStanding("suspended", f"{account.name} is suspended since {earliest.first}")
    if account.days.first is not None and day < account.days.first:
        return AccountStanding("early", f"{account.name} is good from {account.days.first} on")
    if account.days.last is not None and day > account.days.last:
        return AccountStanding("over", f"{account.name} was good until {account.days.last}")
    idle = idle_days(account, now)
    if idle >= IDLE_DAYS and not account.is_gateway:
        return AccountStanding(
            "idle", f"{account.name} was not used for {IDLE_DAYS} days or more, so it is off"
        )
    return AccountStanding("active")


def idle_days(account: Account, now: datetime) -> int:
    """Calendar days since an account was last used, or confirmed, resumed, added, or became good."""
    marks = account.marks
    moments = [marks.added_at, marks.seen_at, marks.reviewed_at, marks.resumed_at]
    if account.days.first is not None:
        moments.append(vietnam_midnight(account.days.first))
    last = max(moment for moment in moments if moment is not None)
    return max(0, (vietnam_day(now) - vietnam_day(last)).days)


def use_counts(account: Account, now: datetime) -> bool:
    """Is this the first use of an account on its day? Then, and only then, it is worth a line on record."""
    return account.marks.seen_at is None or vietnam_day(account.marks.seen_at) < vietnam_day(now)


_NAME_LOST: dict[NameStanding, str] = {
    "contested": "the name {} belongs to another account or gateway",
    "withdrawn": "{} was taken back: another home had given the same name at the same moment",
    "removed": "the gateway {} was removed",
    "unclear": "the record of {} has an event that this version cannot read",
}
#: What a refusal rests on: the duty, the text, and how it is known.
_NO_DISPLAY = citation("no-display-without-right", text="QD352-2020")
_BASES: dict[Permission, str] = {
    "search": _NO_DISPLAY,
    "receipts": _NO_DISPLAY,
    "originals": _NO_DISPLAY,
    "export": _NO_DISPLAY,
    "extract": citation("extraction-approved", text="CV907-2019"),
}
_ASK = "An account manager can change that: vanvault account list."
_HINTS: dict[RefusalReason, str] = {
    "suspended": "An account manager can lift it: vanvault account resume.",
    "idle": "An account manager brings it back: vanvault account review --confirm."
    f" Why it is off: {citation('idle-account-off', text='TCVN14423-2026')}.",
    "token": "Ask for one that is good for it: vanvault account token add --permission.",
    "no-role": "An account manager grants roles; which there are: vanvault account roles.",
    "roles-conflict": "An account manager revokes one of them: vanvault account revoke.",
    "unclear": "Use the version of VanVault that wrote it.",
    "removed": "An operator lets it in again: vanvault gateway add --bring-back.",
}
