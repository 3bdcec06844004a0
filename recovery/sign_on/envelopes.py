"""Verbs about sealed break-glass credentials: seal, remove, review a use, and the drill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from vanvault.archiver.appliance import credentials_master
from vanvault.archiver.core.errors import (
    AccessDenied,
    Conflict,
    InvalidInput,
    NotFound,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.accounts import Account, roles_in_force, standing_of
from vanvault.archiver.people.credentials import CredentialPlace, seal_credential
from vanvault.archiver.people.sign_on import break_glass_digest, break_glass_id, new_break_glass_secret
from vanvault.recovery.accounts import Desk, current_accounts
from vanvault.recovery.sign_on.break_glass import (
    BREAK_GLASS_KIND,
    BreakGlassCredential,
    BreakGlassUse,
    read_break_glass,
)

_NONCE_BYTES = 16
_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class BreakGlassSealed:
    """A credential that was just sealed; its secret is shown this once."""

    account: Account
    id: str
    secret: str = field(repr=False)


def seal_break_glass(desk: Desk, name: str) -> BreakGlassSealed:
    """Seal a credential of a person's account; the one before is good no more.

    Raises NotFound, InvalidInput (a service), KeyUnavailable, SiteUnavailable.
    """
    return _seal(desk, _person(desk, name), test=False)


def remove_break_glass(desk: Desk, name: str) -> BreakGlassCredential | None:
    """Take the credential of an account away; None: there is none. Raises NotFound, SiteUnavailable."""
    account = _person(desk, name)
    one = read_break_glass(desk.archive).good_of(account.id, test=False)
    if one is not None:
        _remove(desk, one)
    return one


def review_break_glass(desk: Desk, use: str, by: str, note: str = "") -> BreakGlassUse:
    """Put on record that somebody else has looked at a use.

    Raises NotFound (no such use, no such account), AccessDenied (the same person reviews it or asks for that,
    or an account that is not active), Conflict (it was reviewed), InvalidInput (the note), SiteUnavailable.
    """
    if len(note) > _LONGEST_NOTE or not note.isprintable():
        raise InvalidInput(f"a note has {_LONGEST_NOTE} characters at most, on one line", field="note")
    reviewer = _person(desk, by)
    found = next((one for one in read_break_glass(desk.archive).uses if one.id == use), None)
    if found is None:
        raise NotFound(f"there was no use {use}", hint="vanvault account breakglass list")
    if found.account == reviewer.id:
        raise AccessDenied(
            f"{by} used it, and cannot be the one who reviews that", authenticated=True, hint="Ask another."
        )
    here = current_accounts(desk.archive).find(desk.who)
    if here is not None and here.id == found.account:
        raise AccessDenied(
            f"{desk.who} used it, and cannot put its review on record, whoever it is by",
            authenticated=True,
            hint="Who reviews it signs on here: vanvault login NAME.",
        )
    if standing_of(reviewer, desk.archive.clock.now()).state != "active":
        raise AccessDenied(f"the account {by} is not active", authenticated=True, hint="Ask another.")
    if found.reviewed_at is not None:
        raise Conflict(f"{found.reviewed_by} reviewed {use} already", hint="There is nothing to do.")
    told: dict[str, object] = {
        "credential": use,
        "by": by,
        "by_id": reviewer.id,
        "note": note,
        "who": desk.who,
    }
    desk.archive.record(EventType.BREAK_GLASS_REVIEWED, told)
    return found


def drill_break_glass(desk: Desk, name: str, tried: Callable[[str, str], dict[str, Any]]) -> str:
    """Seal a test credential, try it at a node, take it away; why it failed, "" where it passed. On record.

    Args:
        tried: name and secret to the node's answer; it raises what the node refuses.

    Raises NotFound, InvalidInput (a service), KeyUnavailable, SiteUnavailable (the record).
    """
    account = _person(desk, name)
    sealed = _seal(desk, account, test=True)
    try:
        answer = tried(name, sealed.secret)
        roles = sorted(roles_in_force(account, desk.archive.clock.now()))
        right = answer.get("test") is True and answer.get("roles") == roles
        why = "" if right else "the node answered something else than it should"
    except VanVaultError as error:
        why = error.message
    finally:
        known = read_break_glass(desk.archive).good_of(account.id, test=True)
        if known is not None:
            _remove(desk, known)
    if not why and read_break_glass(desk.archive).good_of(account.id, test=False) is None:
        why = "no credential of this account is sealed"
    told = {"id": account.id, "account": name, "passed": not why, "why": why, "who": desk.who}
    desk.archive.record(EventType.BREAK_GLASS_DRILLED, told)
    return why


def _person(desk: Desk, name: str) -> Account:
    for site in desk.archive.refresh().away:
        desk.observer.warn(f"the site {site} is away; what only it knows of accounts is not seen")
    account = current_accounts(desk.archive).get(name)
    if account.kind != "person":
        raise InvalidInput(f"{name} is a service", field="account", hint="Name the account of a person.")
    return account


def _seal(desk: Desk, account: Account, *, test: bool) -> BreakGlassSealed:
    archive = desk.archive
    credentials_master(archive, desk.who)
    secret = new_break_glass_secret(archive.entropy)
    digest = break_glass_digest(secret)
    place = CredentialPlace(account.id, BREAK_GLASS_KIND, archive.entropy.token(_NONCE_BYTES).hex())
    kept = orjson.dumps({"digest": digest, "test": test})
    sealed = seal_credential(archive.keys, place, kept, archive.entropy)
    id = break_glass_id(digest)
    told = {**sealed.as_detail(), "account": account.name, "credential": id, "test": test, "who": desk.who}
    archive.record(EventType.BREAK_GLASS_SEALED, told)
    return BreakGlassSealed(account, id, secret)


def _remove(desk: Desk, one: BreakGlassCredential) -> None:
    told: dict[str, object] = {"id": one.account, "account": one.name, "credential": one.id, "who": desk.who}
    archive, after = desk.archive, desk.archive.tail.last_received_us()
    event = archive.system_event(EventType.BREAK_GLASS_REMOVED, told)
    try:
        archive.record_events(lambda: [event])
    except SiteUnavailable as error:  # what takes a right away does not wait for a site
        archive.record_aside([replace(event, received_us=max(event.received_us, after + 1))])
        desk.observer.warn(
            f"the site {error.site} is away: this is on record at the other, and reconciliation copies it"
        )
