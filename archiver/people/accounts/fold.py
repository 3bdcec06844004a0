"""Accounts out of events: the same events, in whatever order and however often, are the same accounts. Pure.

::

    account.added             id, account (its name), kind, full_name, unit, owner, valid_from, valid_until,
                              roles: a list of role, from, until
    account.withdrawn         id: another home claimed the name at the same moment
    account.changed           id, and those of full_name, unit, owner, valid_from, valid_until that change
    account.role-granted      id, role, from, until
    account.role-revoked      id, role, from: the first day without it
    account.suspended         id, reason, from: the first day of it
    account.resumed           id, reason
    account.reviewed          id
    account.identity-added    id, issuer, subject
    account.identity-removed  id, issuer, subject
    gateway.added, gateway.brought-back, gateway.removed     id, gateway (its name)

``who`` did it is in each. Days are ``2026-11-22``, null is none. Types are written without ``vanvault.``.

Events are applied by the time at which the archive received them, and at the same time by their ids; an
account's ``added`` always first, because clocks of two nodes may differ by seconds, and no suspension may be
lost for that. What this version cannot read makes its account ``unclear``: it is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_day
from vanvault.archiver.people.accounts.model import (
    Account,
    AccountAbout,
    AccountMarks,
    Accounts,
    DaySpan,
    LateEntry,
    ProviderIdentity,
    RoleGrant,
    Suspension,
    lag_of,
)
from vanvault.archiver.people.accounts.roles import ACCOUNT_KINDS, GATEWAY_ROLE

_A_DAY = timedelta(days=1)


def fold(
    events: Iterable[RecordedEvent],
    *,
    seen: Mapping[str, datetime] | None = None,
    lacking: Iterable[str] = (),
) -> Accounts:
    """All accounts that these events tell of.

    Args:
        events: in any order; duplicates count once.
        seen: the last use of accounts, by id, which other events tell: sign-ons, for one.
        lacking: what of the record could not be read.
    """
    ordered = sorted({event.id: event for event in events}.values(), key=lambda one: (one.at, one.id))
    accounts: dict[str, Account] = {}
    strange: list[str] = []
    for event in ordered:
        if event.type in _CLAIMS:
            made = _CLAIMS[event.type](event)
            if made is None:
                strange.append(event.id)
            elif made.id not in accounts:
                accounts[made.id] = made
            elif accounts[made.id].name != made.name:
                strange.append(event.id)  # an id is one account's for ever: the first claim stands
    for event in ordered:
        step = _STEPS.get(event.type)
        if step is None:
            continue
        found = accounts.get(str(event.detail.get("id")))
        if found is None:
            strange.append(event.id)
            continue
        try:
            accounts[found.id] = step(found, event)
        except (KeyError, TypeError, ValueError, VanVaultError):
            accounts[found.id] = replace(found, standing="unclear")
    for id, at in (seen or {}).items():
        if id in accounts:
            accounts[id] = replace(accounts[id], marks=accounts[id].marks.with_seen(at))
    holders = _holders(accounts.values())
    for id, account in accounts.items():
        if account.standing in ("held", "unclear") and holders[account.name] != id:
            accounts[id] = replace(account, standing="contested")
    return Accounts(accounts, holders, _identities(ordered, accounts), tuple(strange), tuple(lacking))


def _claimed(event: RecordedEvent) -> Account | None:
    """The account that is added; ``unclear`` where only id and name can be read, None where not even they."""
    id, name = event.detail.get("id"), event.detail.get("account")
    if not (isinstance(id, str) and isinstance(name, str)):
        return None
    try:
        return _added(event, id, name)
    except (KeyError, TypeError, ValueError, VanVaultError):
        marks = AccountMarks(event.at)
        return Account(id, name, "person", AccountAbout(), DaySpan(), marks, standing="unclear")


def _added(event: RecordedEvent, id: str, name: str) -> Account:
    detail = event.detail
    kind = next((one for one in ACCOUNT_KINDS if one == detail["kind"]), None)
    roles = detail.get("roles", [])
    if kind is None or not isinstance(roles, list):
        raise ValueError("another version's form")
    return Account(
        id=id,
        name=name,
        kind=kind,
        about=_about(AccountAbout(), detail),
        days=DaySpan(_day(detail, "valid_from"), _day(detail, "valid_until")),
        marks=AccountMarks(event.at),
        grants=tuple(_grant(role, event) for role in roles),
    )


def _gateway(event: RecordedEvent) -> Account | None:
    id, name = event.detail.get("id"), event.detail.get("gateway")
    if not (isinstance(id, str) and isinstance(name, str)):
        return None
    grant = RoleGrant(GATEWAY_ROLE, DaySpan(), event.at, _text(event.detail, "who"))
    return Account(id, name, "service", AccountAbout(), DaySpan(), AccountMarks(event.at), grants=(grant,))


def _withdrawn(account: Account, event: RecordedEvent) -> Account:
    return account if account.is_gateway else replace(account, standing="withdrawn")


def _changed(account: Account, event: RecordedEvent) -> Account:
    detail, days, late = event.detail, account.days, account.late
    if "valid_from" in detail:
        days = replace(days, first=_day(detail, "valid_from"))
    if "valid_until" in detail:
        days = replace(days, last=_day(detail, "valid_until"))
        if days.last is not None and (account.days.last is None or days.last < account.days.last):
            late = _with_late(late, LateEntry("ended", days.last + _A_DAY, event.at))
    return replace(account, about=_about(account.about, detail), days=days, late=late)


def _granted(account: Account, event: RecordedEvent) -> Account:
    return replace(account, grants=(*account.grants, _grant(event.detail, event)))


def _revoked(account: Account, event: RecordedEvent) -> Account:
    role, first = event.detail["role"], _needed_day(event.detail, "from")
    ended = tuple(
        replace(one, days=_before(one.days, first)) if one.role == role else one for one in account.grants
    )
    late = account.late
    if ended != account.grants:
        late = _with_late(late, LateEntry("role-revoked", first, event.at))
    return replace(account, grants=ended, late=late)


def _suspended(account: Account, event: RecordedEvent) -> Account:
    first, detail = _needed_day(event.detail, "from"), event.detail
    made = Suspension(first, _text(detail, "reason"), event.at, _text(detail, "who"))
    late = _with_late(account.late, LateEntry("suspended", first, event.at))
    return replace(account, suspensions=(*account.suspensions, made), late=late)


def _resumed(account: Account, event: RecordedEvent) -> Account:
    lifted = tuple(
        one if one.lifted_at is not None else replace(one, lifted_at=event.at) for one in account.suspensions
    )
    return replace(account, suspensions=lifted, marks=replace(account.marks, resumed_at=event.at))


def _reviewed(account: Account, event: RecordedEvent) -> Account:
    return replace(account, marks=replace(account.marks, reviewed_at=event.at))


def _identity_added(account: Account, event: RecordedEvent) -> Account:
    identity = _identity(event)
    if identity in account.identities:
        return account
    return replace(account, identities=(*account.identities, identity))


def _identity_removed(account: Account, event: RecordedEvent) -> Account:
    identity = _identity(event)
    return replace(account, identities=tuple(one for one in account.identities if one != identity))


def _gateway_removed(account: Account, event: RecordedEvent) -> Account:
    return replace(account, standing="removed")


def _gateway_back(account: Account, event: RecordedEvent) -> Account:
    return replace(account, standing="held")


#: What makes an account.
_CLAIMS: dict[str, Callable[[RecordedEvent], Account | None]] = {
    "account.added": _claimed,
    "gateway.added": _gateway,
    "gateway.brought-back": _gateway,
}
#: What changes one.
_STEPS: dict[str, Callable[[Account, RecordedEvent], Account]] = {
    "account.withdrawn": _withdrawn,
    "account.changed": _changed,
    "account.role-granted": _granted,
    "account.role-revoked": _revoked,
    "account.suspended": _suspended,
    "account.resumed": _resumed,
    "account.reviewed": _reviewed,
    "account.identity-added": _identity_added,
    "account.identity-removed": _identity_removed,
    "gateway.removed": _gateway_removed,
    "gateway.brought-back": _gateway_back,
}

#: Every type that ``fold`` looks at, without ``vanvault.``.
ACCOUNT_EVENTS = tuple(dict.fromkeys((*_CLAIMS, *_STEPS)))


def _holders(accounts: Iterable[Account]) -> dict[str, str]:
    """Whose each name is: a gateway's, whose rows name it so; else the first claim that was not withdrawn."""
    found: dict[str, str] = {}
    claims = [one for one in accounts if one.standing != "withdrawn"]
    for account in sorted(claims, key=lambda one: not one.is_gateway):  # stable: by the time of the claim
        found.setdefault(account.name, account.id)
    return found


def _identities(
    ordered: Iterable[RecordedEvent], accounts: Mapping[str, Account]
) -> dict[ProviderIdentity, str]:
    """Whose each identity is: of the account that was given it first and has it still."""
    found: dict[ProviderIdentity, str] = {}
    for event in ordered:
        account = accounts.get(str(event.detail.get("id")))
        if event.type == "account.identity-added" and account is not None and account.standing == "held":
            try:
                identity = _identity(event)
            except (KeyError, ValueError):
                continue
            if identity in account.identities:
                found.setdefault(identity, account.id)
    return found


def _about(before: AccountAbout, detail: Mapping[str, object]) -> AccountAbout:
    return AccountAbout(
        _text(detail, "full_name", before.full_name),
        _text(detail, "unit", before.unit),
        _text(detail, "owner", before.owner),
    )


def _grant(told: Mapping[str, object], event: RecordedEvent) -> RoleGrant:
    role = told["role"]
    if not isinstance(role, str):
        raise ValueError("another version's form")
    return RoleGrant(
        role, DaySpan(_day(told, "from"), _day(told, "until")), event.at, _text(event.detail, "who")
    )


def _identity(event: RecordedEvent) -> ProviderIdentity:
    issuer, subject = event.detail["issuer"], event.detail["subject"]
    if not (isinstance(issuer, str) and isinstance(subject, str)):
        raise ValueError("another version's form")
    return ProviderIdentity(issuer, subject)


def _text(detail: Mapping[str, object], name: str, default: str = "") -> str:
    value = detail.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _day(detail: Mapping[str, object], name: str) -> date | None:
    value = detail.get(name)
    return None if value is None else _parsed(value)


def _needed_day(detail: Mapping[str, object], name: str) -> date:
    return _parsed(detail[name])


def _parsed(value: object) -> date:
    if not isinstance(value, str):
        raise ValueError("a day is a text")
    return parse_day(value)


def _before(days: DaySpan, first: date) -> DaySpan:
    """The days before ``first``."""
    last = first - _A_DAY
    return days if days.last is not None and days.last <= last else replace(days, last=last)


def _with_late(late: tuple[LateEntry, ...], entry: LateEntry) -> tuple[LateEntry, ...]:
    return (*late, entry) if lag_of(entry.effective, entry.entered_at) else late
