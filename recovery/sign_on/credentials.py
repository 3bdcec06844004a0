"""Local credentials of an account: set by a verb, sealed, on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from vanvault.archiver.appliance import Archive, ArchiveReader, credentials_master
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.people.accounts import Account
from vanvault.archiver.people.credentials import (
    CredentialPlace,
    SealedCredential,
    open_credential,
    seal_credential,
)
from vanvault.archiver.people.sign_on import SessionEnd
from vanvault.archiver.people.sign_on.local import LocalCredentials, Passwords, new_seed
from vanvault.recovery.accounts import current_accounts
from vanvault.recovery.sign_on.view import CREDENTIAL_SET, ENDED, LOCAL_KIND, read_credentials, read_sign_on
from vanvault.recovery.work import QUIET, Observer

_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """What is to be set; ``password`` None stays as it is. ``new_codes``: a new seed of one-time codes."""

    name: str
    who: str  # goes on record
    password: str | None = field(default=None, repr=False)
    new_codes: bool = False
    no_codes: bool = False  # take the seed away
    no_authenticators: bool = False  # take all of them away: they are lost


@dataclass(frozen=True, slots=True)
class CredentialsSet:
    """What was set; ``seed`` of new codes is shown once and kept sealed only."""

    account: Account
    has_password: bool
    has_codes: bool
    seed: bytes = field(default=b"", repr=False)


def set_credentials(
    archive: Archive,
    request: CredentialRequest,
    passwords: Passwords,
    observer: Observer = QUIET,
    *,
    ask: Callable[[Account], object] = lambda account: None,
) -> CredentialsSet:
    """Set what an account signs on with, on record; sessions that were opened before end with it.

    ``ask`` is called once all is checked and nothing set: it raises where others must approve it first.

    Raises NotFound (no such account), InvalidInput (a service; nothing to set; a weak password),
    KeyUnavailable (no master of credentials), SiteUnavailable, Damaged.
    """
    if request.password is None and not (request.new_codes or request.no_codes or request.no_authenticators):
        raise InvalidInput("there is nothing to set", field="password", hint="Give a password, or --codes.")
    for site in archive.refresh().away:
        observer.warn(f"the site {site} is away; what only it knows of accounts is not seen")
    account = current_accounts(archive).get(request.name)
    if account.kind != "person":
        raise InvalidInput(
            f"{account.name} is a service: it signs on with a token",
            field="account",
            hint="Give it one: vanvault account token add.",
        )
    now = archive.clock.now()
    sealed = read_credentials(archive).get(account.id)
    held = LocalCredentials() if sealed is None else opened_credentials(archive, sealed)
    if request.new_codes:
        held = replace(held, seed=new_seed(archive.entropy), last_step=0)
    elif request.no_codes:
        held = replace(held, seed=b"", last_step=0)
    if request.no_authenticators:
        held = replace(held, authenticators=())
    if request.password is not None:
        held = held.with_password(request.password, account.name, passwords, archive.entropy, now)
    ask(account)
    credentials_master(archive, request.who)
    if held.password and not held.seed and not held.authenticators and archive.settings.sign_on.two_factors:
        observer.warn(f"{account.name} signs on with codes besides (sign_on.two_factors): give --codes, too")

    def events() -> list[EventDraft]:
        made = [credential_event(archive, account, held, request.who)]
        # A link, a provider or break-glass opens sessions of an account that had no credentials yet, too.
        if sealed is not None or read_sign_on(archive, now).book.of_account(account.id):
            end = SessionEnd("credentials-set", archive.clock.now(), account=account.id)
            made.append(archive.system_event(ENDED, end.detail()))
        return made

    archive.record_events(events)
    return CredentialsSet(
        account, bool(held.password), bool(held.seed), held.seed if request.new_codes else b""
    )


def opened_credentials(archive: ArchiveReader, sealed: SealedCredential) -> LocalCredentials:
    """Raises Damaged, KeyUnavailable."""
    try:
        value = orjson.loads(open_credential(archive.keys, sealed))
    except orjson.JSONDecodeError as error:
        raise Damaged("sealed credentials are not in the form that they were written in") from error
    return LocalCredentials.of_json(value)


def credential_event(
    archive: Archive,
    account: Account,
    held: LocalCredentials,
    who: str,
    more: Mapping[str, str] | None = None,
) -> EventDraft:
    """The event that keeps credentials, sealed; ``more``: what was done. Raises KeyUnavailable, TooLarge."""
    from vanvault.archiver.intake import system_event

    nonce = archive.entropy.token(_NONCE_BYTES).hex()
    place = CredentialPlace(account.id, LOCAL_KIND, nonce)
    sealed = seal_credential(archive.keys, place, orjson.dumps(held.as_json()), archive.entropy)
    kinds = {
        "password": held.password,
        "codes": held.seed,
        "authenticators": held.authenticators,
    }
    detail = {
        **sealed.as_detail(),
        "account": account.name,
        "who": who,
        "holds": [name for name, value in kinds.items() if value],
        **(more or {}),
    }
    return system_event(CREDENTIAL_SET, detail, now=archive.clock.now(), nonce=nonce)
