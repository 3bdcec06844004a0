"""Signing on at a demonstration with a link that is good once: made at the command line, used in a browser.

::

    vanvault.session.link-made   id and account (whose), link, kind, nonce, sealed: its digest and end; who

Its use is the ``vanvault.session.opened`` that it leads to, with the method ``demo-link``. Only an archive
that was made as a demonstration has links, and only a node that listens on the loopback takes them.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from vanvault.archiver.appliance import credentials_master
from vanvault.archiver.core.errors import AccessDenied, Conflict, Damaged, InvalidInput, SettingsError
from vanvault.archiver.core.times import from_us, to_us
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.people.accounts import Account
from vanvault.archiver.people.credentials import (
    CredentialPlace,
    open_credential,
    seal_credential,
    sealed_in,
)
from vanvault.archiver.people.sign_on import (
    DEMO_LINK_GOOD_FOR,
    demo_link_digest,
    demo_link_id,
    new_demo_secret,
    sign_on_refused,
)
from vanvault.recovery.accounts import Desk, current_accounts
from vanvault.recovery.sign_on.opening import SessionOpened, SessionOpening, SignOnProof
from vanvault.recovery.sign_on.people import CallerPlace, may_sign_on

_KIND = "demo-link"
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class DemoLinkMade:
    """A link that was just made; its secret is shown this once."""

    account: Account
    id: str
    until: datetime
    secret: str = field(repr=False)


def make_demo_link(desk: Desk, name: str) -> DemoLinkMade:
    """Make a link that signs a person on, once, within a quarter of an hour.

    Raises SettingsError: the home was not made as a demonstration; NotFound, InvalidInput (a service),
    KeyUnavailable, SiteUnavailable.
    """
    archive = desk.archive
    if not archive.settings.is_demo:
        raise SettingsError(
            "this home was not made as a demonstration, and has no links that sign on",
            hint="vanvault init --demo makes another home that is one.",
        )
    archive.refresh()
    account = current_accounts(archive).get(name)
    if account.kind != "person":
        raise InvalidInput(f"{name} is a service", field="account", hint="Name the account of a person.")
    credentials_master(archive, desk.who)
    secret, until = new_demo_secret(archive.entropy), archive.clock.now() + DEMO_LINK_GOOD_FOR
    digest = demo_link_digest(secret)
    place = CredentialPlace(account.id, _KIND, archive.entropy.token(_NONCE_BYTES).hex())
    kept = orjson.dumps({"digest": digest, "until_us": to_us(until)})
    sealed = seal_credential(archive.keys, place, kept, archive.entropy)
    id = demo_link_id(digest)
    told = {**sealed.as_detail(), "account": account.name, "link": id, "who": desk.who}
    archive.record(EventType.SESSION_LINK_MADE, told)
    return DemoLinkMade(account, id, until, secret)


class DemoLinkSignOns:
    """Signing on with a link at one node. Many threads may call."""

    def __init__(self, opening: SessionOpening) -> None:
        self._opening = opening
        self._archive = opening.archive

    def sign_on(self, secret: str, place: CallerPlace, *, on_loopback: bool) -> SessionOpened:
        """The session of whose link this is; it is used up.

        Args:
            on_loopback: this node can be reached from its own host only, and the request came from there.

        Raises AccessDenied: no demonstration, or not on the loopback; and in the same words for every other
        reason, be the link unknown, used or too old; Busy, and what the record came to.
        """
        opening = self._opening
        if not self._archive.settings.is_demo or not on_loopback:
            raise AccessDenied(
                "links sign on at demonstrations only, on the host itself", hint="Sign on as others do."
            )
        opening.admit_beginning(place)
        opening.view.again()  # Busy while the record is not known
        digest, now = demo_link_digest(secret), self._archive.clock.now()
        account = self._whose(digest, now) if digest else None
        if account is None or not may_sign_on(account, now):
            opening.refused(account, "wrong-demo-link", place)
            raise sign_on_refused()
        try:
            opened = opening.open(SignOnProof(account, "demo-link", now, once=demo_link_id(digest)), place)
        except Conflict as error:
            opening.refused(account, "wrong-demo-link", place)
            raise sign_on_refused() from error
        return opened

    def _whose(self, digest: str, now: datetime) -> Account | None:
        """Whose good link has this digest. Raises KeyUnavailable, Busy."""
        since = to_us(now - 2 * DEMO_LINK_GOOD_FOR)
        for event in own_events(self._archive.search, EventType.SESSION_LINK_MADE, from_us=since):
            try:
                sealed = sealed_in(event.detail)
                kept: dict[str, Any] = orjson.loads(open_credential(self._archive.keys, sealed))
                same = hmac.compare_digest(str(kept["digest"]), digest)
                good = now < from_us(int(kept["until_us"]))
            except (Damaged, ValueError, KeyError):
                continue  # nobody here wrote it: it lets nobody in
            if same and sealed.place.kind == _KIND:
                accounts = self._opening.accounts
                found = accounts.current().of_id(sealed.place.account)
                return (found or accounts.again().of_id(sealed.place.account)) if good else None
        return None
