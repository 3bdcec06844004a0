"""Authenticators (WebAuthn) of accounts of this archive: enrolled, used to sign on, listed, removed.

Between begin and end no node remembers anything: the challenge travels with the browser, sealed, so any node
takes the answer. A challenge signs on once at all nodes: the session's event has an id made of it.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput, NotFound
from vanvault.archiver.core.times import from_us, to_us
from vanvault.archiver.people.accounts import Account
from vanvault.archiver.people.credentials import CredentialPlace, seal_credential
from vanvault.archiver.people.sign_on import SessionEnd, sign_on_refused
from vanvault.archiver.people.sign_on.local import (
    Authenticator,
    LocalCredentials,
    RelyingParty,
    asserted,
    assertion_options,
    new_challenge,
    registered,
    registration_options,
)
from vanvault.recovery.sign_on.credentials import credential_event, opened_credentials
from vanvault.recovery.sign_on.opening import SessionOpened, SessionOpening, SignOnProof
from vanvault.recovery.sign_on.people import CallerPlace, SignedOn, may_sign_on
from vanvault.recovery.sign_on.sealing import opened_counters, opened_ticket, sealed_ticket
from vanvault.recovery.sign_on.view import AUTHENTICATOR_USED, COUNTERS_KIND, SignOnState

#: A browser is given two minutes; the rest is for the way.
_LONGEST = timedelta(minutes=3)
#: Whoever enrols or removes one has shown two factors so lately.
_RECENT = timedelta(minutes=5)
_MOST = 20  # of one account
_LONGEST_LABEL = 64
_NOT_AN_ID = b"vanvault-no-authenticator-v1\0"
_AGAIN = "Begin again: this one is too old, was used, or is another's."


@dataclass(frozen=True, slots=True)
class AuthenticatorBegun:
    """What a page gives to ``navigator.credentials``, and what it brings back with the answer."""

    options: dict[str, Any]
    ticket: str = field(repr=False)


class AuthenticatorSignOns:
    """Authenticators at one node. Many threads may call."""

    def __init__(self, opening: SessionOpening) -> None:
        self._opening = opening
        self._archive = opening.archive
        self._settings = opening.archive.settings.sign_on
        self._changing = threading.Lock()  # of whoever enrols or removes one

    def begin(self, name: str, place: CallerPlace) -> AuthenticatorBegun:
        """A challenge for the authenticators of an account. A name that has none gets one that looks alike.

        Raises NotFound: authenticators are off; Busy, KeyUnavailable.
        """
        party = self._party()
        self._opening.admit_beginning(place)
        accounts = self._opening.accounts
        account = accounts.current().find(name) or accounts.again().find(name)
        held = None if account is None else self._held(account, self._opening.view.current())
        known = held.authenticators if held is not None and held.authenticators else self._nobodys(name)
        challenge = new_challenge(self._archive.entropy)
        ticket = self._ticket("sign-on", "" if account is None else account.id, challenge)
        return AuthenticatorBegun(assertion_options(party, challenge, known), ticket)

    def finish(self, ticket: str, answer: str, place: CallerPlace) -> SessionOpened:
        """The session of whose authenticator answered.

        Raises AccessDenied, in the same words for every reason but a challenge that is too old; Busy, and
        what the record came to.
        """
        party = self._party()
        self._opening.admit_beginning(place)
        id, challenge = self._of_ticket(ticket, "sign-on")
        account = self._opening.accounts.current().of_id(id)
        if account is None:
            self._opening.refused(None, "unknown", place)
            raise sign_on_refused()
        held = self._held(account, self._opening.view.again())
        try:
            used = asserted(party, challenge, answer, held.authenticators)
        except AccessDenied as error:
            self._opening.refused(account, "wrong-authenticator", place)
            raise sign_on_refused() from error
        now = self._archive.clock.now()
        if not may_sign_on(account, now):
            self._opening.refused(account, "not-allowed", place)
            raise sign_on_refused()
        once = hashlib.sha256(challenge).hexdigest()[:32]
        try:
            opened = self._opening.open(SignOnProof(account, "authenticator", now, once=once), place)
        except Conflict as error:
            self._opening.refused(account, "wrong-authenticator", place)
            raise sign_on_refused() from error
        self._keep_counter(account, used)
        return opened

    def begin_enrolment(self, person: SignedOn) -> AuthenticatorBegun:
        """A challenge for a new authenticator of who is signed on.

        Raises AccessDenied: two factors were not shown lately; NotFound: authenticators are off; Busy.
        """
        party = self._party()
        self._check_recent(person)
        account = person.account
        held = self._held(account, self._opening.view.again())
        if len(held.authenticators) >= _MOST:
            raise InvalidInput(
                f"an account has {_MOST} authenticators at most",
                field="authenticator",
                hint="Remove one first.",
            )
        challenge = new_challenge(self._archive.entropy)
        options = registration_options(party, (account.id, account.name), challenge, held.authenticators)
        return AuthenticatorBegun(options, self._ticket("enrolment", account.id, challenge))

    def finish_enrolment(self, person: SignedOn, ticket: str, answer: str, label: str) -> Authenticator:
        """The new authenticator, on record.

        Raises AccessDenied: the challenge is too old, or another's; else as ``registered``.
        """
        party = self._party()
        self._check_recent(person)
        if len(label) > _LONGEST_LABEL or not label.isprintable():
            raise InvalidInput(f"a label has {_LONGEST_LABEL} characters at most", field="label")
        id, challenge = self._of_ticket(ticket, "enrolment")
        if id != person.account.id:
            raise AccessDenied("this was begun by somebody else", authenticated=True, hint=_AGAIN)
        with self._changing:
            state = self._opening.view.again()
            made = registered(party, challenge, answer, taken=self._taken(state), label=label)
            self._keep(person, self._held(person.account, state).with_authenticator(made), made, "enrolled")
        return made

    def of(self, account: Account) -> tuple[Authenticator, ...]:
        """The authenticators of an account. Raises Busy, Damaged, KeyUnavailable."""
        return self._held(account, self._opening.view.again()).authenticators

    def remove(self, person: SignedOn, id: str) -> None:
        """Remove one of one's own, by its id in base64url.

        Raises NotFound; AccessDenied: two factors were not shown lately; Conflict: it is the only second
        factor, and one is needed.
        """
        self._check_recent(person)
        with self._changing:
            held = self._held(person.account, self._opening.view.again())
            gone = next((one for one in held.authenticators if authenticator_id(one) == id), None)
            if gone is None:
                raise NotFound("you have no authenticator of this id", hint="GET /v1/authenticators")
            left = replace(held, authenticators=tuple(one for one in held.authenticators if one is not gone))
            if self._settings.two_factors and not left.has_second_factor:
                raise Conflict(
                    "this is the only second factor of your account",
                    hint="Enrol another authenticator before.",
                )
            self._keep(person, left, gone, "removed")
        self._end_others(person)

    @property
    def offered(self) -> bool:
        """Are authenticators used here?"""
        return bool(self._settings.origins) and self._settings.local

    def is_recent(self, person: SignedOn) -> bool:
        """Were two factors shown here so lately that authenticators may be changed?"""
        session = person.session
        return session.has_two_factors and session.is_fresh(self._archive.clock.now(), _RECENT)

    def _end_others(self, person: SignedOn) -> None:
        """Sessions that some authenticator of the account began end, but for the one that asks."""
        now = self._archive.clock.now()
        for session in self._opening.view.current().book.of_account(person.account.id):
            if session.method == "authenticator" and session.id != person.session.id:
                self._opening.end(SessionEnd("authenticator-removed", now, session=session.id))

    def _party(self) -> RelyingParty:
        origins = self._settings.origins
        if not self.offered:
            raise NotFound(
                "authenticators are not used here", hint="They need sign_on.origins, and sign_on.local on."
            )
        return RelyingParty(str(urlsplit(origins[0]).hostname), "VanVault", tuple(origins))

    def _check_recent(self, person: SignedOn) -> None:
        if not self.is_recent(person):
            raise AccessDenied(
                "two factors were not shown here in the last five minutes",
                authenticated=True,
                hint="Sign on again, with a code or an authenticator.",
            )

    def _held(self, account: Account, state: SignOnState) -> LocalCredentials:
        """The credentials of an account, the counters as far as they are on record."""
        sealed = state.credentials.get(account.id)
        held = LocalCredentials() if sealed is None else opened_credentials(self._archive, sealed)
        counters = self._counters(account, state)
        known = (
            replace(one, counter=max(one.counter, counters.get(authenticator_id(one), 0)))
            for one in held.authenticators
        )
        return replace(held, authenticators=tuple(known))

    def _counters(self, account: Account, state: SignOnState) -> dict[str, int]:
        sealed = state.counters.get(account.id)
        return {} if sealed is None else opened_counters(self._archive, sealed)

    def _taken(self, state: SignOnState) -> set[bytes]:
        held = (opened_credentials(self._archive, sealed) for sealed in state.credentials.values())
        return {one.id for credentials in held for one in credentials.authenticators}

    def _keep(self, person: SignedOn, held: LocalCredentials, one: Authenticator, what: str) -> None:
        account = person.account
        more = {what: authenticator_id(one), "by": person.session.id}
        self._opening.keep_credentials(credential_event(self._archive, account, held, account.name, more))

    def _keep_counter(self, account: Account, used: Authenticator) -> None:
        """On record, apart from the credentials: so it never puts back what was set meanwhile."""
        if not used.counter:
            return  # it counts nothing
        counters = self._counters(account, self._opening.view.current())
        counters[authenticator_id(used)] = max(used.counter, counters.get(authenticator_id(used), 0))
        archive = self._archive
        place = CredentialPlace(account.id, COUNTERS_KIND, archive.entropy.token(16).hex())
        sealed = seal_credential(archive.keys, place, orjson.dumps(counters), archive.entropy)
        self._opening.tell(AUTHENTICATOR_USED, {**sealed.as_detail(), "account": account.name})

    def _nobodys(self, name: str) -> tuple[Authenticator, ...]:
        """What is shown of a name that has no authenticator: the same each time, and nobody's."""
        keys = self._archive.keys
        id = keys.derive(keys.active("credentials"), _NOT_AN_ID + name[:128].encode("utf-8", "replace"))
        return (Authenticator(id, b""),)

    def _ticket(self, purpose: str, account: str, challenge: bytes) -> str:
        told = {"for": purpose, "account": account, "challenge": challenge.hex()}
        return sealed_ticket(self._archive, told | {"begun_us": to_us(self._archive.clock.now())})

    def _of_ticket(self, ticket: str, purpose: str) -> tuple[str, bytes]:
        """Id of the account ("": of nobody) and challenge. Raises AccessDenied."""
        told = opened_ticket(self._archive, ticket)
        age = self._archive.clock.now() - from_us(int(told["begun_us"]))
        if told["for"] != purpose or not -timedelta(minutes=1) <= age <= _LONGEST:
            raise AccessDenied("this challenge is not good any more", hint=_AGAIN)
        return str(told["account"]), bytes.fromhex(told["challenge"])


def authenticator_id(one: Authenticator) -> str:
    """The id of a credential in base64url, as browsers write it."""
    return base64.urlsafe_b64encode(one.id).rstrip(b"=").decode("ascii")
