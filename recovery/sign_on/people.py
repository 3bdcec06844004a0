"""Who is signed on, and what that person may do at this moment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people import Address
from vanvault.archiver.people.accounts import (
    Account,
    Allowed,
    Permission,
    Refused,
    judge,
    standing_of,
)
from vanvault.archiver.people.sign_on import Session


@dataclass(frozen=True, slots=True)
class CallerPlace:
    """Where a request comes from; None and 0 where nobody who is believed tells it."""

    address: Address | None = None
    port: int = 0

    def detail(self) -> dict[str, object]:
        """For the record."""
        told = {"address": "" if self.address is None else str(self.address), "port": self.port}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class SignedOn:
    """A person with a session that is good; ``roles``: those on record that the session may use."""

    account: Account
    session: Session
    roles: frozenset[str]

    def authority(self, permission: Permission, now: datetime) -> tuple[str, ...]:
        """The roles by which the person may do this now, for the record.

        Raises AccessDenied, saying why: the person is known.
        """
        judged = judge(self.account, permission, now)
        if isinstance(judged, Refused):
            raise judged.error()
        usable = tuple(role for role in judged.roles if role in self.roles)
        if not usable:
            raise AccessDenied(
                f"your groups at the identity provider let you use no role that permits: {permission}",
                authenticated=True,
                hint="Ask who manages groups there; the mapping is sign_on.provider.groups.",
            )
        return usable

    def permissions(self, permissions: tuple[Permission, ...], now: datetime) -> list[Permission]:
        """Those of these that the person has now."""
        found = ((one, judge(self.account, one, now, within=self.roles)) for one in permissions)
        return [one for one, judged in found if isinstance(judged, Allowed)]


@dataclass(slots=True)
class SessionUseHere:
    """What this node knows of one session's use; ``lock``: of who asks the provider."""

    seen: datetime
    checked: datetime | None = None  # None: the provider was not asked by this node
    told: datetime | None = None  # when its use was last put on record
    refresh: str = field(default="", repr=False)
    renewed: datetime | None = None  # when refresh was got, where the session did not begin with it
    refused: tuple[str, datetime] | None = field(default=None, repr=False)  # a refresh token, and since when
    groups: tuple[str, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def may_sign_on(account: Account, now: datetime) -> bool:
    """Is this a person's account that is good at this moment?"""
    return account.kind == "person" and standing_of(account, now).state == "active"


def may_go_on(account: Account, session: Session, now: datetime) -> bool:
    """May a session of this account still be used, as far as the account goes?

    One that was idle is not any more by its break-glass session, once that is folded.
    """
    if may_sign_on(account, now):
        return True
    return session.method == "break-glass" and standing_of(account, now).state == "idle"
