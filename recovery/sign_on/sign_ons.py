"""Signing on, being signed on, and signing off at one node; every step that counts is on record first."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import AccessDenied, Busy, Conflict, NotFound, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.accounts import Account, roles_in_force, standing_of
from vanvault.archiver.people.sign_on import (
    LocalAttempt,
    LocalJudge,
    LocalVerdict,
    ProviderLink,
    Session,
    SessionEnd,
    SessionMethod,
    SessionRules,
    SessionUse,
    Throttle,
    granted_roles,
    new_session_secret,
    session_digest,
    session_id,
    sign_on_refused,
    standing_of_session,
)
from vanvault.archiver.people.sign_on.local import LocalCredentials, Passwords
from vanvault.archiver.people.sign_on.oidc import IdentityProvider, ProviderTokens, moment_of
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.sign_on.credentials import credential_event, opened_credentials
from vanvault.recovery.sign_on.people import CallerPlace, SessionUseHere, SignedOn, may_sign_on
from vanvault.recovery.sign_on.sealing import (
    opened_pending,
    opened_refresh,
    sealed_pending,
    sealed_refresh,
    sealed_session,
)
from vanvault.recovery.sign_on.view import ENDED, OPENED, REFUSED, USED, SignOnState, SignOnView

_log = Logger("vanvault.sign_on")

#: The use of a session goes on record so many times within its idle time: other nodes know of it by that.
_TOLD_WITHIN_IDLE = 3


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
class _Proof:
    """What somebody proved, whichever way."""

    account: Account
    method: SessionMethod
    authenticated: datetime
    step: int = 0
    tokens: ProviderTokens | None = None


class SignOns:
    """Many threads may call; ``local`` takes 64 MiB each time, so its caller bounds how many do."""

    def __init__(
        self,
        archive: Archive,
        accounts: AccountsView,
        record: SignOnRecord,
        provider: IdentityProvider | None = None,
        passwords: Callable[[], Passwords] = Passwords,
    ) -> None:
        self._archive = archive
        self._accounts = accounts
        self._record = record
        self._provider = provider
        self._settings = archive.settings.sign_on
        self._view = SignOnView(archive)
        self._throttle = Throttle()
        self._make_passwords = passwords
        self._passwords: Passwords | None = None
        self._uses: dict[str, SessionUseHere] = {}
        self._codes: dict[str, int] = {}  # id of an account -> step of the last code that was used here
        self._lock = threading.Lock()  # of uses, codes and passwords
        provider_settings = self._settings.provider
        self._rules = SessionRules(
            idle=self._settings.idle,
            longest=self._settings.longest,
            recheck=timedelta(seconds=provider_settings.recheck_s),
        )

    @property
    def rules(self) -> SessionRules:
        return self._rules

    def local(self, name: str, attempt: LocalAttempt, place: CallerPlace) -> SessionOpened:
        """Sign on with a password, and a code where the account has codes.

        Raises AccessDenied, in the same words for every reason; Busy: too many attempts, or not known yet;
        and what the record came to.
        """
        if not self._settings.local:
            raise AccessDenied(
                "accounts of this archive sign on at the identity provider", hint="GET /v1/oidc/start"
            )
        wait = self._throttle.admit(name, place.address, self._archive.stopwatch.seconds())
        if wait > 0:
            raise Busy("there were too many attempts to sign on", retry_after=math.ceil(wait))
        account, held, verdict = self._judged(name, attempt)
        kept = verdict.credentials
        if account is None or verdict.method is None or kept is None:
            self._tell_refused(account, verdict.outcome, place)
            raise sign_on_refused()
        now = self._archive.clock.now()
        step = kept.last_step if verdict.method == "password+code" else 0
        try:
            opened = self._opened(_Proof(account, verdict.method, now, step), place)
        except Conflict as error:  # another request used the same code at the same moment
            self._tell_refused(account, "wrong-code", place)
            raise sign_on_refused() from error
        self._throttle.passed(name, place.address)
        self._keep_renewed(account, held, kept)
        return opened

    def begin(self, return_to: str) -> tuple[str, str]:
        """Where the browser goes to sign on, and the cookie that it keeps until then.

        Raises NotFound: there is no provider; Busy, SettingsError, KeyUnavailable.
        """
        address, pending = self._asked().begin(return_to)
        return address, sealed_pending(self._archive, pending)

    def finish(
        self, cookie: str, query: Sequence[tuple[str, str]], place: CallerPlace
    ) -> tuple[SessionOpened, str]:
        """The session of a person who came back from the provider, and where they wanted to go.

        Raises AccessDenied: as ``local``, or the provider's answer is not good; Busy, SettingsError.
        """
        provider, pending = self._asked(), opened_pending(self._archive, cookie)
        self._view.current()  # Busy before the code is used up
        tokens = provider.finish(pending, query)
        now = self._archive.clock.now()
        account = self._of_identity(tokens)
        if account is None or not may_sign_on(account, now):
            self._tell_refused(account, "unknown" if account is None else "not-allowed", place)
            raise sign_on_refused()
        proof = _Proof(account, "provider", moment_of(tokens.proof, now), tokens=tokens)
        return self._opened(proof, place), pending.return_to

    def caller(self, secret: str) -> SignedOn:
        """Who this is. Each call counts as a use of the session.

        Raises AccessDenied: no such session, or it or the account is not good any more; Busy: the record is
        not known yet, or the provider must be asked and is away.
        """
        state, session = self._found(secret)
        now = self._archive.clock.now()
        use = self._use_of(session, state)
        self._check_standing(session, use, state, now)
        account = self._accounts.current().of_id(session.account)
        if account is None:
            raise AccessDenied("the account of this session is not known", hint="Sign on again.")
        if not may_sign_on(account, now):
            raise AccessDenied(standing_of(account, now).why or "this account is no person's", hint=_ASK)
        resumed = account.marks.resumed_at
        if resumed is not None and session.opened <= resumed:
            raise _not_good("the account was resumed since it was opened")
        use.seen = max(use.seen, now)
        self._tell_use(session, use, now)
        return SignedOn(account, session, self._roles(account, session, use, now))

    def end(self, signed_on: SignedOn, reason: str = "signed-off") -> None:
        """End a session, on record. Raises what the record came to."""
        self._end(SessionEnd(reason, self._archive.clock.now(), session=signed_on.session.id))

    def logged_out(self, token: str) -> None:
        """The provider signs somebody off. Raises AccessDenied (the token), Busy, what the record came to."""
        order = self._asked().logout_of(token)
        self._end(SessionEnd.of_order(order, self._archive.clock.now()))

    def _asked(self) -> IdentityProvider:
        if self._provider is None:
            raise NotFound(
                "this archive has no identity provider", hint="Sign on with a password: POST /v1/session"
            )
        return self._provider

    def _judged(
        self, name: str, attempt: LocalAttempt
    ) -> tuple[Account | None, LocalCredentials | None, LocalVerdict]:
        """The account of this name, what it was judged by, and how it went."""
        account = self._accounts.current().find(name) or self._accounts.again().find(name)
        state, now = self._view.current(), self._archive.clock.now()
        known: LocalCredentials | None = None
        if account is not None and account.id in state.credentials:
            held = opened_credentials(self._archive, state.credentials[account.id])
            known = replace(held, last_step=max(held.last_step, state.steps.get(account.id, 0)))
        judge = LocalJudge(
            self._known_passwords(), self._archive.entropy, two_factors=self._settings.two_factors
        )
        allowed = account is not None and may_sign_on(account, now)
        return account, known, judge.judge(known, attempt, now, allowed=allowed)

    def _known_passwords(self) -> Passwords:
        with self._lock:
            if self._passwords is None:
                self._passwords = self._make_passwords()
            return self._passwords

    def _of_identity(self, tokens: ProviderTokens) -> Account | None:
        identity = tokens.proof.identity
        return self._accounts.current().of_identity(identity) or self._accounts.again().of_identity(identity)

    def _opened(self, proof: _Proof, place: CallerPlace) -> SessionOpened:
        """A new session, on record under a new secret."""
        from vanvault.archiver.intake import system_event

        archive, now = self._archive, self._archive.clock.now()
        secret = new_session_secret(archive.entropy)
        digest = session_digest(secret)
        session = Session(
            id=session_id(digest),
            digest=digest,
            account=proof.account.id,
            method=proof.method,
            opened=now,
            authenticated=proof.authenticated,
            until=now + self._rules.longest,
            link=self._link(proof),
        )
        detail = {**sealed_session(archive, session, proof.account.name), **place.detail()}
        nonce = session.id
        if proof.step:
            self._take_code(proof)
            # Who comes second with one code at another node makes another event of this id, which is refused.
            detail["step"], nonce = proof.step, f"{proof.account.id}-{proof.step}"
        self._record.wait(system_event(OPENED, detail, now=now, nonce=nonce))
        self._view.opened(session, proof.step)
        if proof.tokens is not None:
            with self._lock:
                self._uses[session.id] = SessionUseHere(
                    now,
                    checked=now,
                    told=now,
                    refresh=proof.tokens.refresh,
                    groups=proof.tokens.proof.groups,
                )
        return SessionOpened(proof.account, session, secret)

    def _take_code(self, proof: _Proof) -> None:
        """Raises Conflict: another request of this node has used the code."""
        with self._lock:
            if self._codes.get(proof.account.id, 0) >= proof.step:
                raise Conflict("this code was used", hint="Wait for the next one.")
            self._codes[proof.account.id] = proof.step

    def _link(self, proof: _Proof) -> ProviderLink | None:
        if proof.tokens is None:
            return None
        found = proof.tokens.proof
        sealed = sealed_refresh(self._archive, proof.account.id, proof.tokens.refresh)
        return ProviderLink(found.identity, found.session, sealed)

    def _found(self, secret: str) -> tuple[SignOnState, Session]:
        for state in (self._view.current, self._view.again):
            found = state()
            session = found.book.find(secret)
            if session is not None:
                return found, session
        raise _not_good("there is no such session, or it was ended")

    def _use_of(self, session: Session, state: SignOnState) -> SessionUseHere:
        with self._lock:
            if len(self._uses) > 1000 + 2 * len(state.book.sessions):
                good = {one.id for one in state.book.sessions.values()}
                self._uses = {id: use for id, use in self._uses.items() if id in good}
            told = state.used.get(session.id)
            return self._uses.setdefault(session.id, SessionUseHere(session.opened, told=told))

    def _check_standing(
        self, session: Session, use: SessionUseHere, state: SignOnState, now: datetime
    ) -> None:
        use.seen = max(use.seen, state.used.get(session.id, use.seen))
        standing = self._standing(session, use, now)
        if standing == "recheck":
            with use.lock:  # others wait, and find it done
                if self._standing(session, use, now) == "recheck":
                    self._recheck(session, use, now)
            return
        if standing != "good":
            raise _not_good(_WHY[standing])

    def _standing(self, session: Session, use: SessionUseHere, now: datetime) -> str:
        never = session.opened - self._rules.recheck
        return standing_of_session(session, SessionUse(use.seen, use.checked or never), self._rules, now)

    def _recheck(self, session: Session, use: SessionUseHere, now: datetime) -> None:
        """Ask the provider whether the person may still come in; who may not is signed off, on record."""
        link = session.link
        assert link is not None  # noqa: S101 - only a session with a provider is checked again
        refresh = use.refresh or opened_refresh(self._archive, session.account, link.sealed)
        try:
            if not refresh:
                raise _not_good("the identity provider gave no way to ask again")
            tokens = self._asked().recheck(refresh, link.identity)
        except AccessDenied:
            self._end(SessionEnd("provider", now, session=session.id))
            raise
        use.checked, use.refresh, use.groups = now, tokens.refresh, tokens.proof.groups

    def _roles(
        self, account: Account, session: Session, use: SessionUseHere, now: datetime
    ) -> frozenset[str]:
        on_record = roles_in_force(account, now)
        if session.link is None:
            return frozenset(on_record)
        return granted_roles(on_record, use.groups, self._settings.provider.groups)

    def _end(self, end: SessionEnd) -> None:
        self._record.wait(self._archive.system_event(ENDED, end.detail()))
        self._view.ended(end)

    def _tell_use(self, session: Session, use: SessionUseHere, now: datetime) -> None:
        """Now and then, so that other nodes do not take the session for idle; nobody waits for it."""
        if now - (use.told or session.opened) < self._rules.idle / _TOLD_WITHIN_IDLE:
            return
        use.told = now
        detail: dict[str, object] = {"session": session.id, "id": session.account}
        self._tell(USED, detail)

    def _tell_refused(self, account: Account | None, outcome: str, place: CallerPlace) -> None:
        """On record; a name that no account has is not, because people type passwords there."""
        known = {"id": account.id, "account": account.name} if account is not None else {}
        self._tell(REFUSED, {**known, "outcome": outcome, **place.detail()})

    def _tell(self, type: str, detail: dict[str, object]) -> None:
        try:
            self._record.tell(self._archive.system_event(type, detail))
        except VanVaultError as error:
            _log.warning("this could not be put on record", type=type, reason=error.message)

    def _keep_renewed(
        self, account: Account, judged: LocalCredentials | None, kept: LocalCredentials
    ) -> None:
        """A password that was hashed at the present cost is kept so; not where another was set meanwhile."""
        sealed = self._view.current().credentials.get(account.id)
        if sealed is None or judged is None or judged.password == kept.password:
            return
        before = opened_credentials(self._archive, sealed)
        if before.password == judged.password:
            renewed = replace(before, password=kept.password)
            try:
                self._record.tell(credential_event(self._archive, account, renewed, "vanvault"))
            except VanVaultError as error:
                _log.warning("a password could not be kept at its new cost", reason=error.message)


_ASK = "An account manager can change that: vanvault account list."
_WHY = {
    "idle": "it was not used for too long",
    "over": "it was open for as long as a session may be",
    "early": "it was opened in the future; see the clocks of the nodes",
}


def _not_good(why: str) -> AccessDenied:
    return AccessDenied(f"this session is not good any more: {why}", hint="Sign on again.")
