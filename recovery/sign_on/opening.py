"""How a session begins, whichever way somebody proved who they are: slowed down, on record, known here."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, Conflict, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.accounts import Account
from vanvault.archiver.people.credentials import sealed_in
from vanvault.archiver.people.sign_on import (
    ProviderLink,
    Session,
    SessionEnd,
    SessionMethod,
    SessionRules,
    Throttle,
    ThrottleRules,
    new_session_secret,
    session_digest,
    session_id,
)
from vanvault.archiver.people.sign_on.oidc import ProviderTokens
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.sign_on.people import CallerPlace, SessionUseHere
from vanvault.recovery.sign_on.sealing import sealed_refresh, sealed_session
from vanvault.recovery.sign_on.view import ENDED, OPENED, REFUSED, SignOnState, SignOnView

_log = Logger("vanvault.sign_on")

#: What anybody may ask for without a proof, such as where the provider is: so many at once from one network,
#: then one a second. No guess is made by it, so nobody waits longer.
_BEGINNINGS = ThrottleRules(free_of_account=60, free_of_network=60, longest_s=1.0, forget_s=60.0)

#: So long this node remembers what it has used once; longer than any of it is good.
_ONCE_S = 600.0


@dataclass(frozen=True, slots=True)
class SignOnRecord:
    """Where events go: ``wait`` returns once one is acknowledged, or raises; ``tell`` does not wait."""

    wait: Callable[[EventDraft], None]
    tell: Callable[[EventDraft], None]


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A session that just began; its secret is shown this once."""

    account: Account
    session: Session
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignOnProof:
    """What somebody proved, whichever way. ``once``: no second session begins with the same, at no node."""

    account: Account
    method: SessionMethod
    authenticated: datetime
    step: int = 0  # of the code
    once: str = ""
    tokens: ProviderTokens | None = None

    @property
    def shown(self) -> str:
        """By what the record tells that two sessions were opened with the same; "": it may be shown again."""
        told = str(self.step) if self.step else self.once
        return f"{self.account.id}-{told}" if told else ""


class SessionOpening:
    """What all ways to sign on at one node share. Many threads may call."""

    def __init__(self, archive: Archive, accounts: AccountsView, record: SignOnRecord) -> None:
        settings = archive.settings.sign_on
        self.archive = archive
        self.accounts = accounts
        self.view = SignOnView(archive)
        self.rules = SessionRules(
            idle=settings.idle,
            longest=settings.longest,
            recheck=timedelta(seconds=settings.provider.recheck_s),
        )
        self._record = record
        self._throttle, self._beginnings = Throttle(), Throttle(_BEGINNINGS)
        self._uses: dict[str, SessionUseHere] = {}
        self._codes: dict[str, int] = {}  # id of an account -> step of the last code that was used here
        self._once: dict[str, float] = {}  # what was used once here -> when, by the stopwatch
        self._lock = threading.Lock()  # of uses, codes and once

    def admit(self, name: str, place: CallerPlace) -> None:
        """An attempt to sign on, which counts as failed until ``passed``. Raises Busy: it must wait."""
        wait = self._throttle.admit(name, place.address, self.archive.stopwatch.seconds())
        if wait > 0:
            account = self.accounts.current().find(name)  # any other name may be a password
            told = "" if account is None else account.name
            _log.warning("signing on must wait", account=told, wait_s=math.ceil(wait), **place.detail())
            raise Busy("there were too many attempts to sign on", retry_after=math.ceil(wait))

    def passed(self, name: str, place: CallerPlace) -> None:
        """The attempt was good."""
        self._throttle.passed(name, place.address)

    def admit_beginning(self, place: CallerPlace) -> None:
        """A step that proves nothing yet. Raises Busy: there were too many from this network."""
        wait = self._beginnings.admit("", place.address, self.archive.stopwatch.seconds())
        if wait > 0:
            _log.warning("signing on must wait", wait_s=math.ceil(wait), **place.detail())
            raise Busy("too many begin to sign on from this network", retry_after=math.ceil(wait))

    def open(self, proof: SignOnProof, place: CallerPlace, *, taken: bool = False) -> SessionOpened:
        """A new session, on record under a new secret. Raises Conflict: the proof was used; as the record.

        ``taken``: the caller took it already. Where another node takes the same proof at the same moment,
        both sessions are on record, and the one that was received first stays: see ``view.py``.
        """
        archive, now = self.archive, self.archive.clock.now()
        secret = new_session_secret(archive.entropy)
        digest = session_digest(secret)
        session = Session(
            id=session_id(digest),
            digest=digest,
            account=proof.account.id,
            method=proof.method,
            opened=now,
            authenticated=proof.authenticated,
            until=now + self.rules.longest,
            link=self._link(proof),
        )
        detail = {**sealed_session(archive, session, proof.account.name), **place.detail()}
        if not taken:
            self.take(proof)
        if proof.step:
            detail["step"] = proof.step
        if proof.shown:
            detail["shown"] = proof.shown
        self._record.wait(archive.system_event(OPENED, detail))
        self.view.opened(session, proof.step, str(place.detail().get("address", "")), proof.shown)
        if proof.tokens is not None:
            told, groups = proof.tokens.refresh, proof.tokens.proof.groups
            with self._lock:
                self._uses[session.id] = SessionUseHere(now, now, now, refresh=told, groups=groups)
        return SessionOpened(proof.account, session, secret)

    def use_of(self, session: Session, state: SignOnState) -> SessionUseHere:
        """What this node knows of the session's use."""
        with self._lock:
            if len(self._uses) > 1000 + 2 * len(state.book.sessions):
                good = {one.id for one in state.book.sessions.values()}
                self._uses = {id: use for id, use in self._uses.items() if id in good}
            told = state.used.get(session.id)
            return self._uses.setdefault(session.id, SessionUseHere(session.opened, told=told))

    def used_here(self, session: str) -> datetime | None:
        """When this node last saw a session used, by its id."""
        use = self._uses.get(session)
        return None if use is None else use.seen

    def end(self, end: SessionEnd, **more: object) -> None:
        """End sessions, on record, with more for the record. Raises what that came to."""
        self._record.wait(self.archive.system_event(ENDED, {**end.detail(), **more}))
        self.view.ended(end)

    def take(self, proof: SignOnProof) -> None:
        """Nobody else opens a session here by this proof. Raises Conflict: somebody did, at any node."""
        if proof.shown and proof.shown in self.view.again().shown:
            raise Conflict("this was used", hint="Begin again.")
        if proof.once:
            self._take_once(proof)
        if proof.step:
            self._take_code(proof)

    def put_before(self, proof: SignOnProof, type: str, detail: dict[str, object]) -> None:
        """Take a proof, and put an event on record before its session is. Raises as ``take``; the record.

        Where it does not come on record, the proof may be shown again.
        """
        self.take(proof)
        try:
            self._record.wait(self.archive.system_event(type, detail))
        except VanVaultError:
            with self._lock:
                self._once.pop(proof.once, None)
            raise

    def keep_credentials(self, event: EventDraft) -> None:
        """Put credentials of an account on record, which count here at once. Raises what that came to."""
        self._record.wait(event)
        self.view.credentials_set(sealed_in(orjson.loads(event.detail)))

    def refused(self, account: Account | None, outcome: str, place: CallerPlace) -> None:
        """On record; a name that no account has is not, because people type passwords there."""
        known = {"id": account.id, "account": account.name} if account is not None else {}
        self.tell(REFUSED, {**known, "outcome": outcome, **place.detail()})

    def tell(self, type: str, detail: dict[str, object]) -> None:
        """Put something on record for which nobody waits; where that fails, the log says so."""
        self.tell_event(lambda: self.archive.system_event(type, detail), type)

    def tell_event(self, made: Callable[[], EventDraft], type: str) -> None:
        """The same for an event that is made here."""
        try:
            self._record.tell(made())
        except VanVaultError as error:
            _log.warning("this could not be put on record", type=type, reason=error.message)

    def _take_code(self, proof: SignOnProof) -> None:
        """Raises Conflict: another request of this node has used the code."""
        with self._lock:
            if self._codes.get(proof.account.id, 0) >= proof.step:
                raise Conflict("this code was used", hint="Wait for the next one.")
            self._codes[proof.account.id] = proof.step

    def _take_once(self, proof: SignOnProof) -> None:
        """Raises Conflict: another request of this node has used the same."""
        seconds = self.archive.stopwatch.seconds()
        with self._lock:
            self._once = {one: at for one, at in self._once.items() if seconds - at < _ONCE_S}
            if proof.once in self._once:
                raise Conflict("this was used", hint="Begin again.")
            self._once[proof.once] = seconds

    def _link(self, proof: SignOnProof) -> ProviderLink | None:
        if proof.tokens is None:
            return None
        found = proof.tokens.proof
        sealed = sealed_refresh(self.archive, proof.account.id, proof.tokens.refresh)
        return ProviderLink(found.identity, found.session, sealed)
