"""Pages about people: all accounts, and one of them with roles, sessions and reviews. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account in a table; days are ``2026-11-22``."""

    name: str
    kind: str  # person, service, gateway
    full_name: str
    unit: str
    owner: str
    state: str
    roles: tuple[str, ...]
    coming: tuple[tuple[str, str], ...]  # roles that begin later, each with its day
    factors: tuple[str, ...]
    provider: bool  # may it sign on at a provider?
    last_seen: str | None
    review_due: str
    review_is_due: bool
    look_at: tuple[str, ...]  # what a review has to look at, in the program's words

    @classmethod
    def of(cls, told: Mapping[str, Any], today: str) -> AccountLine:
        """From an account as the API tells it."""
        coming = [(one["role"], one["from"]) for one in told["grants"] if (one["from"] or "") > today]
        return cls(
            name=told["account"],
            kind="gateway" if told["id"].startswith("g-") else told["kind"],
            full_name=told["full_name"],
            unit=told["unit"],
            owner=told["owner"],
            state=told["state"],
            roles=tuple(told["roles"]),
            coming=tuple(sorted(coming)),
            factors=tuple(told["factors"]),
            provider=bool(told["identities"]),
            last_seen=told["last_seen"],
            review_due=told["review_due"],
            review_is_due=told["review_is_due"],
            look_at=tuple(told["look_at"]),
        )


@dataclass(frozen=True, slots=True)
class PeopleView:
    """The page of all accounts."""

    accounts: tuple[AccountLine, ...]
    everything: bool  # those too that can do nothing any more
    lacking: int  # parts of the record that could not be read

    @property
    def due(self) -> Sequence[AccountLine]:
        """Whose review is due, the longest due first."""
        return sorted((one for one in self.accounts if one.review_is_due), key=lambda one: one.review_due)


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One open session; moments are RFC 3339."""

    id: str
    method: str
    address: str
    opened_at: str
    used_at: str
    until: str
    here: bool  # is it the one in which the page is shown?


@dataclass(frozen=True, slots=True)
class AuthenticatorLine:
    """One authenticator of the person who opens the page."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """The page of one account. ``told``: the account as the API tells it."""

    line: AccountLine
    told: Mapping[str, Any]
    sessions: tuple[SessionLine, ...]
    own: bool
    authenticators: tuple[AuthenticatorLine, ...]
    registers: bool  # is it one's own, and are authenticators used at this archive?
    fresh: bool  # were two factors shown so lately that one may be registered?
    looks: str  # address of what they looked at; "": not for who opens the page
    looks_roles: tuple[str, ...]  # which see that

    @property
    def suspensions(self) -> Sequence[Mapping[str, Any]]:
        """Those that were not lifted."""
        return [one for one in self.told["suspensions"] if one["lifted_at"] is None]


def session_lines(told: Sequence[Mapping[str, Any]], here: str) -> tuple[SessionLine, ...]:
    """Sessions as the API tells them; ``here``: id of the one in which the page is shown."""
    return tuple(
        SessionLine(
            one["id"],
            one["method"],
            one["address"],
            one["opened_at"],
            one["used_at"],
            one["until"],
            one["id"] == here,
        )
        for one in told
    )
