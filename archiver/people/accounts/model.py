"""Accounts as the archive's events tell them. Values only: ``fold.py`` makes them, ``judging.py`` reads them.

Days are calendar days of Vietnam, moments are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.people.accounts.roles import AccountKind

#: Whose the name is: ``held``: this account's. ``contested``: another account or gateway has it, so this one
#: is refused. ``withdrawn``: its home took it back for that reason. ``removed``: a gateway without tokens.
#: ``unclear``: an event about it cannot be read by this version, so nobody knows what it may do.
NameStanding = Literal["held", "contested", "withdrawn", "removed", "unclear"]


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Calendar days from ``first`` to ``last``, both included; None: without end. It may hold no day."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def meets(self, other: DaySpan) -> bool:
        """Is there a day that both hold?"""
        firsts = [one.first for one in (self, other) if one.first is not None]
        lasts = [one.last for one in (self, other) if one.last is not None]
        return not firsts or not lasts or max(firsts) <= min(lasts)

    @property
    def is_empty(self) -> bool:
        return not self.meets(self)


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role of an account; a revocation ends ``days``."""

    role: str
    days: DaySpan
    granted_at: datetime
    who: str = ""  # granted it


@dataclass(frozen=True, slots=True)
class Suspension:
    """An account is off from the first moment of a day on, until somebody lifts that."""

    first: date
    reason: str
    entered_at: datetime
    who: str = ""
    lifted_at: datetime | None = None

    @property
    def lag_days(self) -> int:
        """Days by which it was entered too late; 0: in time."""
        return lag_of(self.first, self.entered_at)

    def holds(self, day: date) -> bool:
        """Is the account off on this day for it? On the day on which it is lifted, it holds no more."""
        lifted = self.lifted_at is not None and vietnam_day(self.lifted_at) <= day
        return not lifted and self.first <= day


@dataclass(frozen=True, slots=True)
class LateEntry:
    """What took a right away was entered after the day from which it counts."""

    what: Literal["suspended", "role-revoked", "ended"]
    effective: date  # the first day without the right
    entered_at: datetime

    @property
    def lag_days(self) -> int:
        return lag_of(self.effective, self.entered_at)


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """Who somebody is to a provider of sign-on: never an e-mail address, which changes hands."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class AccountAbout:
    """What people read about an account."""

    full_name: str = ""
    unit: str = ""
    owner: str = ""  # name of the account that answers for it; of a service, always


@dataclass(frozen=True, slots=True)
class AccountMarks:
    """Moments that decide whether an account is idle, and when its review is due."""

    added_at: datetime
    seen_at: datetime | None = None  # the last use that is on record
    reviewed_at: datetime | None = None
    resumed_at: datetime | None = None

    def with_seen(self, at: datetime) -> AccountMarks:
        return self if self.seen_at is not None and self.seen_at >= at else replace(self, seen_at=at)


@dataclass(frozen=True, slots=True)
class Account:
    """One person or service. Its id and its name are its own for ever."""

    id: str  # ``a-`` and 16 hexadecimal digits; of a gateway, the gateway's: ``g-`` ...
    name: str
    kind: AccountKind
    about: AccountAbout
    days: DaySpan  # outside of them it is off
    marks: AccountMarks
    grants: tuple[RoleGrant, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    identities: tuple[ProviderIdentity, ...] = ()
    late: tuple[LateEntry, ...] = ()
    standing: NameStanding = "held"

    @property
    def is_gateway(self) -> bool:
        return self.id.startswith("g-")

    def roles_on(self, day: date) -> tuple[str, ...]:
        """Names of the roles that it holds on a day, sorted."""
        return tuple(sorted({one.role for one in self.grants if one.days.holds(day)}))


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts and gateways that ever were, as far as the events tell that were folded."""

    by_id: Mapping[str, Account] = field(default_factory=dict)
    holders: Mapping[str, str] = field(default_factory=dict)  # name -> id of the account that has it
    by_identity: Mapping[ProviderIdentity, str] = field(default_factory=dict)  # -> id
    strange: tuple[str, ...] = ()  # ids of events that name no account that is known
    lacking: tuple[str, ...] = ()  # what of the record could not be read, for people

    def find(self, name: str) -> Account | None:
        """The account that has this name."""
        id = self.holders.get(name)
        return None if id is None else self.by_id[id]

    def get(self, name: str) -> Account:
        """The account that has this name. Raises NotFound."""
        found = self.find(name)
        if found is None:
            raise NotFound(
                f"there is no account {name[:64]!r}", hint="List them: vanvault account list --all"
            )
        return found

    def of_id(self, id: str) -> Account | None:
        return self.by_id.get(id)

    def of_identity(self, identity: ProviderIdentity) -> Account | None:
        """Whose identity this is; the first account that was given it."""
        id = self.by_identity.get(identity)
        return None if id is None else self.by_id[id]

    def claimants(self, name: str) -> tuple[Account, ...]:
        """All that ever were added under this name; more than one where two homes did so at once."""
        return tuple(one for one in self.by_id.values() if one.name == name)

    def __iter__(self) -> Iterator[Account]:
        """By name; an account whose name is another's stands behind that one."""
        return iter(sorted(self.by_id.values(), key=lambda one: (one.name, one.standing != "held", one.id)))

    def __len__(self) -> int:
        return len(self.by_id)


def lag_of(effective: date, entered_at: datetime) -> int:
    """Days from the day on which something counts to that of its entry; 0: it was in time."""
    return max(0, (vietnam_day(entered_at) - effective).days)
