"""Sealed break-glass credentials: what is on record about them, and signing on with one.

::

    vanvault.break-glass.sealed    id and account (whose), credential, kind, nonce, sealed: its digest; who
    vanvault.break-glass.removed   id, account, credential, who
    vanvault.break-glass.used      id, account, credential, address, port: on record before the session
    vanvault.break-glass.reviewed  credential, by, by_id, note, who
    vanvault.break-glass.tried     id, account, credential: a test one, which opens no session
    vanvault.break-glass.drilled   account, passed, why, who

Each is used once, so a use has the id of its credential.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import Conflict, Damaged
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.accounts import Account, roles_in_force, standing_of
from vanvault.archiver.people.credentials import SealedCredential, open_credential, sealed_in
from vanvault.archiver.people.sign_on import REVIEW_WITHIN, break_glass_digest, sign_on_refused
from vanvault.recovery.sign_on.opening import SessionOpened, SessionOpening, SignOnProof
from vanvault.recovery.sign_on.people import CallerPlace

_log = Logger("vanvault.sign_on")

#: Kind of the sealed credential.
BREAK_GLASS_KIND = "break-glass"


@dataclass(frozen=True, slots=True)
class BreakGlassCredential:
    """One that was sealed, and what became of it."""

    id: str
    account: str  # id of the account
    name: str
    at: datetime
    state: Literal["sealed", "used", "removed", "replaced"]
    test: bool
    sealed: SealedCredential = field(repr=False)

    def as_json(self) -> dict[str, object]:
        return {
            "credential": self.id,
            "account": self.name,
            "sealed_at": rfc3339_seconds(self.at),
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class BreakGlassUse:
    """The use of a credential, and who looked at it afterwards."""

    id: str  # of the credential
    account: str  # id of the account
    name: str
    at: datetime
    address: str = ""
    reviewed_by: str = ""
    reviewed_at: datetime | None = None

    @property
    def review_due(self) -> datetime:
        return self.at + REVIEW_WITHIN

    def as_json(self) -> dict[str, object]:
        return {
            "use": self.id,
            "account": self.name,
            "used_at": rfc3339_seconds(self.at),
            "address": self.address,
            "review_due": rfc3339_seconds(self.review_due),
            "reviewed_by": self.reviewed_by,
            "reviewed_at": rfc3339_seconds(self.reviewed_at) if self.reviewed_at else "",
        }


@dataclass(frozen=True, slots=True)
class BreakGlassRecord:
    """All that was sealed, the oldest first, and all uses."""

    credentials: tuple[BreakGlassCredential, ...] = ()
    uses: tuple[BreakGlassUse, ...] = ()

    @property
    def unreviewed(self) -> tuple[BreakGlassUse, ...]:
        return tuple(one for one in self.uses if one.reviewed_at is None)

    def good_of(self, account: str, *, test: bool) -> BreakGlassCredential | None:
        """The one of an account that is good, None: there is none. There is one at a time."""
        found = (one for one in self.credentials if one.account == account and one.test == test)
        return next((one for one in found if one.state == "sealed"), None)


@dataclass(frozen=True, slots=True)
class BreakGlassTried:
    """A test credential was right, and would have let in: it opens no session."""

    account: Account
    roles: tuple[str, ...]


def read_break_glass(archive: ArchiveReader) -> BreakGlassRecord:
    """What is on record, as far as it is folded here. Raises Damaged, SiteUnavailable (the index)."""
    search = archive.search
    removed = {
        _text(event.detail, "credential") for event in own_events(search, EventType.BREAK_GLASS_REMOVED)
    }
    reviews = {
        _text(event.detail, "credential"): (_text(event.detail, "by"), event.at)
        for event in own_events(search, EventType.BREAK_GLASS_REVIEWED)  # newest first: the first one stands
    }
    uses: dict[str, BreakGlassUse] = {}
    for event in own_events(search, EventType.BREAK_GLASS_USED, order="oldest"):
        id = _text(event.detail, "credential")
        by, at = reviews.get(id, ("", None))
        use = BreakGlassUse(
            id,
            _text(event.detail, "id"),
            _text(event.detail, "account"),
            event.at,
            _text(event.detail, "address"),
            by,
            at,
        )
        uses.setdefault(id, use)
    credentials: list[BreakGlassCredential] = []
    newer: set[tuple[str, bool]] = set()
    for event in own_events(search, EventType.BREAK_GLASS_SEALED):
        try:
            sealed = sealed_in(event.detail)
        except Damaged as error:  # nobody here wrote it, or another version: it lets nobody in
            _log.warning("a break-glass credential cannot be read", event_id=event.id, reason=error.message)
            continue
        id, test = _text(event.detail, "credential"), event.detail.get("test") is True
        whose = (sealed.place.account, test)
        state: Literal["sealed", "used", "removed", "replaced"] = "replaced" if whose in newer else "sealed"
        state = "used" if id in uses else "removed" if id in removed else state
        newer.add(whose)
        name = _text(event.detail, "account")
        credentials.append(
            BreakGlassCredential(id, sealed.place.account, name, event.at, state, test, sealed)
        )
    return BreakGlassRecord(tuple(reversed(credentials)), tuple(uses.values()))


class BreakGlassSignOns:
    """Signing on with a sealed credential at one node: without a provider, a password or a code."""

    def __init__(self, opening: SessionOpening) -> None:
        self._opening = opening
        self._archive = opening.archive

    def sign_on(self, name: str, secret: str, place: CallerPlace) -> SessionOpened | BreakGlassTried:
        """The session of the account whose credential this is; it is used up, and that is loud.

        Whoever was not seen for 45 days is let in by it as well. Raises AccessDenied, in the same words for
        every reason; Busy, and what the record came to.
        """
        opening = self._opening
        opening.admit(name, place)
        opening.view.again()  # Busy while the record is not known
        account = opening.accounts.current().find(name) or opening.accounts.again().find(name)
        found = None if account is None else self._fitting(account, secret)
        if account is None or found is None:
            opening.refused(account, "unknown" if account is None else "wrong-break-glass", place)
            raise sign_on_refused()
        now = self._archive.clock.now()
        if account.kind != "person" or standing_of(account, now).state not in ("active", "idle"):
            opening.refused(account, "not-allowed", place)
            raise sign_on_refused()
        told: dict[str, object] = {"id": account.id, "account": account.name, "credential": found.id}
        if found.test:
            opening.tell(EventType.BREAK_GLASS_TRIED, {**told, **place.detail()})
            opening.passed(name, place)
            return BreakGlassTried(account, tuple(sorted(roles_in_force(account, now))))
        proof = SignOnProof(account, "break-glass", now, once=found.id)
        try:
            # First this, so that nobody is let in quietly; and who comes second is refused.
            opening.put_before(proof, EventType.BREAK_GLASS_USED, {**told, **place.detail()})
        except Conflict as error:
            opening.refused(account, "wrong-break-glass", place)
            raise sign_on_refused() from error
        _log.error("a break-glass credential was used", use=found.id, account=account.name, **place.detail())
        opened = opening.open(proof, place, taken=True)
        opening.passed(name, place)
        return opened

    def _fitting(self, account: Account, secret: str) -> BreakGlassCredential | None:
        """The good credential of the account that this secret is of."""
        digest, record = break_glass_digest(secret), read_break_glass(self._archive)
        for test in (False, True):
            one = record.good_of(account.id, test=test)
            if one is None or not digest:
                continue
            kept = opened_break_glass(self._archive, one)
            if kept["test"] is test and hmac.compare_digest(str(kept["digest"]), digest):
                return one
        return None


def opened_break_glass(archive: ArchiveReader, one: BreakGlassCredential) -> Mapping[str, Any]:
    """Its ``digest``, and whether it is a ``test``, as they were sealed. Raises Damaged, KeyUnavailable."""
    try:
        kept: dict[str, Any] = orjson.loads(open_credential(archive.keys, one.sealed))
    except orjson.JSONDecodeError as error:
        raise Damaged("a break-glass credential is not in the form that it was written in") from error
    return kept


def _text(detail: Mapping[str, Any], name: str) -> str:
    value = detail.get(name, "")
    return value if isinstance(value, str) else ""
