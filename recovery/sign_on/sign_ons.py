"""Signing on, being signed on, and signing off at one node; every step that counts is on record first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import AccessDenied, Conflict, NotFound
from vanvault.archiver.people.accounts import Account, Accounts, roles_in_force, standing_of
from vanvault.archiver.people.sign_on import (
    LocalAttempt,
    LocalJudge,
    LocalVerdict,
    Session,
    SessionEnd,
    SessionRules,
    SessionUse,
    granted_roles,
    sign_on_refused,
    standing_of_session,
)
from vanvault.archiver.people.sign_on.local import LocalCredentials, Passwords
from vanvault.archiver.people.sign_on.oidc import IdentityProvider
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.sign_on.at_provider import ProviderSignOns
from vanvault.recovery.sign_on.break_glass import BreakGlassSignOns
from vanvault.recovery.sign_on.credentials import credential_event, opened_credentials
from vanvault.recovery.sign_on.demo_links import DemoLinkSignOns
from vanvault.recovery.sign_on.listing import ListedSession, listed_sessions
from vanvault.recovery.sign_on.opening import SessionOpened, SessionOpening, SignOnProof, SignOnRecord
from vanvault.recovery.sign_on.people import CallerPlace, SessionUseHere, SignedOn, may_go_on, may_sign_on
from vanvault.recovery.sign_on.view import CREDENTIAL_SET, USED, SignOnState
from vanvault.recovery.sign_on.with_authenticator import AuthenticatorSignOns

#: The use of a session goes on record so many times within its idle time: other nodes know of it by that.
_TOLD_WITHIN_IDLE = 3


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
        self._settings = archive.settings.sign_on
        self._opening = SessionOpening(archive, accounts, record)
        self._view = self._opening.view
        self.with_authenticator = AuthenticatorSignOns(self._opening)
        self.with_break_glass = BreakGlassSignOns(self._opening)
        self.with_demo_link = DemoLinkSignOns(self._opening)
        self.at_provider = ProviderSignOns(self._opening, provider)
        self._make_passwords = passwords
        self._passwords: Passwords | None = None
        self._lock = threading.Lock()  # of passwords

    @property
    def rules(self) -> SessionRules:
        return self._opening.rules

    def local(self, name: str, attempt: LocalAttempt, place: CallerPlace) -> SessionOpened:
        """Sign on with a password, and a code where the account has codes.

        Raises AccessDenied, in the same words for every reason; Busy: too many attempts, or not known yet;
        and what the record came to.
        """
        if not self._settings.local:
            raise AccessDenied(
                "accounts of this archive sign on at the identity provider", hint="GET /v1/oidc/start"
            )
        self._opening.admit(name, place)
        account, held, verdict = self._judged(name, attempt)
        kept = verdict.credentials
        if account is None or verdict.method is None or kept is None:
            self._opening.refused(account, verdict.outcome, place)
            raise sign_on_refused()
        now = self._archive.clock.now()
        step = kept.last_step if verdict.method == "password+code" else 0
        try:
            opened = self._opening.open(SignOnProof(account, verdict.method, now, step), place)
        except Conflict as error:  # another request used the same code at the same moment
            self._opening.refused(account, "wrong-code", place)
            raise sign_on_refused() from error
        self._opening.passed(name, place)
        self._keep_renewed(account, held, kept)
        return opened

    def caller(self, secret: str) -> SignedOn:
        """Who this is. Each call counts as a use of the session.

        Raises AccessDenied: no such session, or it or the account is not good any more; Busy: the record is
        not known yet, or the provider must be asked and is away.
        """
        state, session = self._found(secret)
        now = self._archive.clock.now()
        use = self._opening.use_of(session, state)
        self._check_standing(session, use, state, now)
        account = self._accounts.current().of_id(session.account)
        if account is None:
            raise AccessDenied("the account of this session is not known", hint="Sign on again.")
        if not may_go_on(account, session, now):
            raise AccessDenied(standing_of(account, now).why or "this account is no person's", hint=_ASK)
        resumed = account.marks.resumed_at
        if resumed is not None and session.opened <= resumed:
            raise _not_good("the account was resumed since it was opened")
        use.seen = max(use.seen, now)
        self._tell_use(session, use, now)
        return SignedOn(account, session, self._roles(account, session, use, now))

    def whose(self, secret: str) -> tuple[Account, str] | None:
        """Whose secret this is, and the session's id, also where it is good no more: for the record only.

        Raises Busy: the record is not known yet.
        """
        session = self._view.current().book.whose(secret)
        account = None if session is None else self._accounts.current().of_id(session.account)
        return None if session is None or account is None else (account, session.id)

    def end(self, signed_on: SignedOn, reason: str = "signed-off") -> None:
        """End a session, on record. Raises what the record came to."""
        self._opening.end(SessionEnd(reason, self._archive.clock.now(), session=signed_on.session.id))

    def account(self, name: str) -> Account:
        """The account of this name. Raises NotFound; Busy: the record is not known yet."""
        found = self._accounts.current().find(name) or self._accounts.again().find(name)
        if found is None:
            raise NotFound("no account has this name", hint="vanvault account list")
        return found

    def accounts(self) -> Accounts:
        """All accounts, a few seconds old at most. Raises Busy: the record is not known yet."""
        return self._accounts.current()

    def sessions(self, account: Account) -> list[ListedSession]:
        """The sessions of an account that may still be used. Raises Busy: the record is not known yet."""
        state, accounts = self._view.again(), self._accounts.current()
        now = self._archive.clock.now()
        listed = listed_sessions(state, accounts, self.rules, now, self._opening.used_here)
        return [one for one in listed if one.session.account == account.id]

    def end_sessions(self, by: SignedOn, account: Account, session: str = "") -> None:
        """End a session of an account by its id, or all of them; on record with who did it.

        Raises NotFound: the account has no such session that is open; what the record came to.
        """
        if session and all(one.session.id != session for one in self.sessions(account)):
            raise NotFound("no open session has this id", hint="GET /v1/sessions")
        named = {"session": session} if session else {"account": account.id}
        end = SessionEnd("ended", self._archive.clock.now(), **named)
        self._opening.end(end, who=by.account.name, by=by.session.id)

    def logged_out(self, token: str) -> None:
        """The provider signs somebody off. Raises AccessDenied (the token), Busy, what the record came to."""
        order = self.at_provider.logout_of(token)
        self._opening.end(SessionEnd.of_order(order, self._archive.clock.now()))

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

    def _found(self, secret: str) -> tuple[SignOnState, Session]:
        for state in (self._view.current, self._view.again):
            found = state()
            session = found.book.find(secret)
            if session is not None:
                return found, session
        raise _not_good("there is no such session, or it was ended")

    def _check_standing(
        self, session: Session, use: SessionUseHere, state: SignOnState, now: datetime
    ) -> None:
        use.seen = max(use.seen, state.used.get(session.id, use.seen))
        standing = self._standing(session, use, now)
        if standing == "recheck":
            with use.lock:  # others wait, and find it done
                if self._standing(session, use, now) == "recheck":
                    self.at_provider.recheck(session, use, now)
            return
        if standing != "good":
            raise _not_good(_WHY[standing])

    def _standing(self, session: Session, use: SessionUseHere, now: datetime) -> str:
        never = session.opened - self._opening.rules.recheck
        return standing_of_session(
            session, SessionUse(use.seen, use.checked or never), self._opening.rules, now
        )

    def _roles(
        self, account: Account, session: Session, use: SessionUseHere, now: datetime
    ) -> frozenset[str]:
        on_record = roles_in_force(account, now)
        if session.link is None:
            return frozenset(on_record)
        return granted_roles(on_record, use.groups, self._settings.provider.groups)

    def _tell_use(self, session: Session, use: SessionUseHere, now: datetime) -> None:
        """Now and then, so that other nodes do not take the session for idle; nobody waits for it."""
        if now - (use.told or session.opened) < self._opening.rules.idle / _TOLD_WITHIN_IDLE:
            return
        use.told = now
        detail: dict[str, object] = {"session": session.id, "id": session.account}
        self._opening.tell(USED, detail)

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
            self._opening.tell_event(
                lambda: credential_event(self._archive, account, renewed, "vanvault"), CREDENTIAL_SET
            )


_ASK = "An account manager can change that: vanvault account list."
_WHY = {
    "idle": "it was not used for too long",
    "over": "it was open for as long as a session may be",
    "early": "it was opened in the future; see the clocks of the nodes",
}


def _not_good(why: str) -> AccessDenied:
    return AccessDenied(f"this session is not good any more: {why}", hint="Sign on again.")
