"""What may be changed about accounts: each method checks, and gives the event that would say so. Pure.

A method gives None where the record says the same already, so that a verb may be given twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from vanvault.archiver.core.errors import Conflict, InvalidInput
from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.people.accounts.judging import standing_of
from vanvault.archiver.people.accounts.model import Account, Accounts, DaySpan, ProviderIdentity
from vanvault.archiver.people.accounts.names import check_account_name, looks_of, plain_text
from vanvault.archiver.people.accounts.roles import ROLES, AccountKind, check_role

_MOST_IDENTITY = 255  # characters: OpenID Connect Core, 2, for the subject


@dataclass(frozen=True, slots=True)
class AccountChange:
    """The event ``vanvault.account.<kind>`` that is to be recorded; ``detail`` lacks who does it."""

    kind: str
    detail: Mapping[str, object]

    @property
    def type(self) -> str:
        return f"account.{self.kind}"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to add, as somebody asks for it."""

    name: str
    kind: AccountKind
    full_name: str = ""
    unit: str = ""
    owner: str = ""
    roles: tuple[str, ...] = ()
    days: DaySpan = field(default_factory=DaySpan)  # ``first`` None: from today on


@dataclass(frozen=True, slots=True)
class AboutChange:
    """What is to be changed about an account; None stays as it is."""

    full_name: str | None = None
    unit: str | None = None
    owner: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    no_end: bool = False  # take ``valid_until`` away


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """Every change that may be made to these accounts, at a moment in UTC."""

    accounts: Accounts
    now: datetime

    def add(self, new: NewAccount, id: str) -> AccountChange:
        """A new account with the id ``id``.

        Raises InvalidInput (name, dates, roles, owner, texts), Conflict (the name is or was somebody's).
        """
        check_account_name(new.name)
        _check_name_free(self.accounts, new.name)
        today = vietnam_day(self.now)
        first = new.days.first or today
        _check_days(first, new.days.last, today)
        roles = tuple(dict.fromkeys(new.roles))
        for role in roles:
            check_role(role, new.kind)
        _check_roles_apart((role, DaySpan(first, new.days.last)) for role in roles)
        about = {
            "full_name": plain_text(new.full_name, "full_name", needed=new.kind == "person"),
            "unit": plain_text(new.unit, "unit"),
            "owner": _owner(self.accounts, new.owner, new.kind),
        }
        begin = max(first, today)  # what nobody could do before today was not allowed before today
        return AccountChange(
            "added",
            {
                "id": id,
                "account": new.name,
                "kind": new.kind,
                **about,
                "valid_from": _told(first),
                "valid_until": _told(new.days.last),
                "roles": [{"role": role, "from": _told(begin), "until": None} for role in roles],
            },
        )

    def change(self, account: Account, asked: AboutChange) -> AccountChange | None:
        """Other texts or days. An end in the past is taken: it counts from its day, and its lag is told.

        Raises InvalidInput (dates, owner, texts; dates of a gateway, which its tokens have).
        """
        fields: dict[str, object] = {}
        if asked.full_name is not None:
            fields["full_name"] = plain_text(asked.full_name, "full_name", needed=account.kind == "person")
        if asked.unit is not None:
            fields["unit"] = plain_text(asked.unit, "unit")
        if asked.owner is not None:
            fields["owner"] = _owner(self.accounts, asked.owner, account.kind, of=account.name)
        first = asked.valid_from or account.days.first
        last = None if asked.no_end else asked.valid_until or account.days.last
        if (first, last) != (account.days.first, account.days.last):
            _check_no_gateway(account, "dates", "vanvault gateway token add --not-after")
            _check_order(first, last, "valid_until")
            fields |= {"valid_from": _told(first), "valid_until": _told(last)}
        about = account.about
        said = {"full_name": about.full_name, "unit": about.unit, "owner": about.owner}
        left = {name: value for name, value in fields.items() if said.get(name, "") != value}
        return AccountChange("changed", {"id": account.id, "account": account.name, **left}) if left else None

    def grant(self, account: Account, role: str, days: DaySpan) -> AccountChange | None:
        """A role for these days; ``first`` None: from today on.

        Raises InvalidInput: no such role, not for this kind of account, days in the past, or another role of
        these days excludes it.
        """
        _check_no_gateway(account, "roles", "vanvault gateway token add --scope")
        check_role(role, account.kind)
        today = vietnam_day(self.now)
        wanted = DaySpan(days.first or today, days.last)
        if wanted.first is not None and wanted.first < today:
            raise InvalidInput("a role begins today at the earliest", field="from", hint="Leave out --from.")
        _check_order(wanted.first, wanted.last, "until")
        if any(one.role == role and _covers(one.days, wanted) for one in account.grants):
            return None
        held = ((one.role, one.days) for one in account.grants if one.role != role)
        _check_roles_apart([*held, (role, wanted)], about=role)
        return AccountChange(
            "role-granted",
            {
                "id": account.id,
                "account": account.name,
                "role": role,
                "from": _told(wanted.first),
                "until": _told(wanted.last),
            },
        )

    def revoke(self, account: Account, role: str, first: date | None) -> AccountChange | None:
        """A role ends: ``first`` is the first day without it; None: today. Raises InvalidInput."""
        _check_no_gateway(account, "roles", "vanvault gateway remove")
        if role not in ROLES and not any(one.role == role for one in account.grants):
            raise InvalidInput(
                f"there is no role {role[:40]!r}", field="role", hint=f"One of: {', '.join(ROLES)}."
            )
        begin = first or vietnam_day(self.now)
        if not any(one.role == role and one.days.meets(DaySpan(first=begin)) for one in account.grants):
            return None
        return AccountChange(
            "role-revoked", {"id": account.id, "account": account.name, "role": role, "from": _told(begin)}
        )

    def suspend(self, account: Account, reason: str, first: date | None) -> AccountChange | None:
        """Off from the first moment of a day on; None: today. A day in the past counts, and its lag is told.

        Raises InvalidInput (no reason; a gateway).
        """
        _check_no_gateway(account, "suspensions", "vanvault gateway remove")
        text = plain_text(reason, "reason", needed=True)
        begin = first or vietnam_day(self.now)
        if any(one.lifted_at is None and one.first <= begin for one in account.suspensions):
            return None
        return AccountChange(
            "suspended", {"id": account.id, "account": account.name, "reason": text, "from": _told(begin)}
        )

    def resume(self, account: Account, reason: str) -> AccountChange | None:
        """Suspensions end, those of days to come too; an idle account is good again. Raises InvalidInput."""
        _check_no_gateway(account, "suspensions", "vanvault gateway add --bring-back")
        text = plain_text(reason, "reason")
        open_ones = [one for one in account.suspensions if one.lifted_at is None]
        if not open_ones and standing_of(account, self.now).state != "idle":
            return None
        return AccountChange("resumed", {"id": account.id, "account": account.name, "reason": text})

    def confirm(self, account: Account) -> AccountChange:
        """Somebody looked whether an account is still needed as it is; that brings an idle one back."""
        return AccountChange("reviewed", {"id": account.id, "account": account.name})

    def add_identity(self, account: Account, identity: ProviderIdentity) -> AccountChange | None:
        """Somebody's identity at a provider. Raises InvalidInput, Conflict (it is another account's)."""
        _check_no_gateway(account, "identities", "vanvault gateway token add")
        if not identity.issuer.startswith(("https://", "http://")):
            raise InvalidInput(
                "an issuer is an URL", field="issuer", hint="Write it as the provider's tokens do."
            )
        for text, name in ((identity.issuer, "issuer"), (identity.subject, "subject")):
            if not text or len(text) > _MOST_IDENTITY or plain_text(text, name) != text:
                raise InvalidInput(f"this is no {name}", field=name, hint="Copy it from the provider.")
        if identity in account.identities:
            return None
        holder = self.accounts.of_identity(identity)
        if holder is not None:
            raise Conflict(
                f"this identity belongs to the account {holder.name}",
                hint=f"Take it away there first: vanvault account identity remove {holder.name}",
            )
        return AccountChange("identity-added", _identity_detail(account, identity))

    def remove_identity(self, account: Account, identity: ProviderIdentity) -> AccountChange | None:
        """Without this identity."""
        if identity not in account.identities:
            return None
        return AccountChange("identity-removed", _identity_detail(account, identity))

    def withdraw(self, id: str, name: str) -> AccountChange:
        """An account is taken back whose name another home gave at the same moment."""
        return AccountChange("withdrawn", {"id": id, "account": name})


def _check_name_free(accounts: Accounts, name: str) -> None:
    """Raises Conflict where an account or a gateway ever had this name, or one that looks like it.

    Names are not given again, and none is given that is taken for another.
    """
    claims = accounts.claimants(name)
    if not claims:
        like = next((one for one in accounts if looks_of(one.name) == looks_of(name)), None)
        if like is None:
            return
        raise Conflict(
            f"the name {name} looks like {like.name}, which is another account's", hint="Choose another name."
        )
    found = min(claims, key=lambda one: one.standing != "held")
    what = "gateway" if found.is_gateway else "account"
    raise Conflict(
        f"the name {name} belongs to the {what} {found.id}; a name is never given again",
        hint="Choose another name." if what == "gateway" else f"See it: vanvault account list --all; {_OR}",
    )


_OR = "or choose another name."


def _identity_detail(account: Account, identity: ProviderIdentity) -> dict[str, object]:
    return {
        "id": account.id,
        "account": account.name,
        "issuer": identity.issuer,
        "subject": identity.subject,
    }


def _owner(accounts: Accounts, owner: str, kind: AccountKind, of: str = "") -> str:
    """The name of the person who answers for an account; a service must have one."""
    if not owner:
        if kind == "service" and not _is_gateway(accounts, of):
            raise InvalidInput(
                "a service needs an owner", field="owner", hint="Name a person's account: --owner NAME."
            )
        return ""
    found = accounts.find(owner)
    if found is None or found.kind != "person" or owner == of:
        raise InvalidInput(
            f"{owner[:64]!r} is no other person's account", field="owner", hint="Add that account first."
        )
    return owner


def _is_gateway(accounts: Accounts, name: str) -> bool:
    found = accounts.find(name)
    return found is not None and found.is_gateway


def _check_no_gateway(account: Account, what: str, verb: str) -> None:
    if account.is_gateway:
        raise InvalidInput(
            f"{account.name} is a gateway: it has no {what} here", field="account", hint=f"See: {verb}"
        )


def _check_days(first: date, last: date | None, today: date) -> None:
    _check_order(first, last, "valid_until")
    if last is not None and last < today:
        raise InvalidInput("the account would be over already", field="valid_until")


def _check_order(first: date | None, last: date | None, what: str) -> None:
    if first is not None and last is not None and last < first:
        raise InvalidInput(f"the end {last} lies before the beginning {first}", field=what)


def _check_roles_apart(held: Iterable[tuple[str, DaySpan]], about: str = "") -> None:
    """Raises InvalidInput where two roles that exclude each other meet on a day."""
    known = [(ROLES[role], days) for role, days in held if role in ROLES and not days.is_empty]
    for one, days in known:
        for other, others in known:
            if other.name in one.excludes and days.meets(others) and about in ("", one.name, other.name):
                raise InvalidInput(
                    f"no account may hold {one.name} and {other.name} on the same day",
                    field="role",
                    hint="Give one of them to another person, or revoke the other first.",
                )


def _covers(days: DaySpan, wanted: DaySpan) -> bool:
    begins = days.first is None or (wanted.first is not None and days.first <= wanted.first)
    return begins and (days.last is None or (wanted.last is not None and wanted.last <= days.last))


def _told(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
