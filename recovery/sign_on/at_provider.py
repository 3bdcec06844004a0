"""Signing on at the identity provider: in a browser, or with a device; and asking it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import AccessDenied, Busy, Damaged, NotFound
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.accounts import Account
from vanvault.archiver.people.sign_on import Session, SessionEnd, sign_on_refused
from vanvault.archiver.people.sign_on.oidc import (
    DeviceGrant,
    DeviceWait,
    IdentityProvider,
    LogoutOrder,
    ProviderTokens,
    moment_of,
)
from vanvault.recovery.sign_on.opening import SessionOpened, SessionOpening, SignOnProof
from vanvault.recovery.sign_on.people import CallerPlace, SessionUseHere, may_sign_on
from vanvault.recovery.sign_on.sealing import (
    opened_device,
    opened_pending,
    opened_refresh,
    sealed_device,
    sealed_pending,
    sealed_refresh,
)
from vanvault.recovery.sign_on.view import RENEWED

_log = Logger("vanvault.sign_on")

#: So long another node may take to tell, by the record, that it asked and got a new refresh token.
_OTHERS_TELL = timedelta(seconds=3)


class ProviderSignOns:
    """The provider of one node; without one, whatever is asked raises NotFound."""

    def __init__(self, opening: SessionOpening, provider: IdentityProvider | None) -> None:
        self._opening = opening
        self._archive = opening.archive
        self._provider = provider

    def begin(self, return_to: str, place: CallerPlace) -> tuple[str, str]:
        """Where the browser goes to sign on, and the cookie that it keeps until then.

        Raises NotFound: there is no provider; Busy, SettingsError, KeyUnavailable.
        """
        self._opening.admit_beginning(place)
        address, pending = self._asked().begin(return_to)
        return address, sealed_pending(self._archive, pending)

    def finish(
        self, cookie: str, query: Sequence[tuple[str, str]], place: CallerPlace
    ) -> tuple[SessionOpened, str]:
        """The session of a person who came back from the provider, and where they wanted to go.

        Raises AccessDenied: nobody who may sign on, or a bad answer of the provider; Busy, SettingsError.
        """
        self._opening.admit_beginning(place)
        provider, pending = self._asked(), opened_pending(self._archive, cookie)
        self._opening.view.current()  # Busy before the code is used up
        return self._opened(provider.finish(pending, query), place), pending.return_to

    def begin_device(self, place: CallerPlace) -> tuple[DeviceGrant, str]:
        """What a person confirms in a browser elsewhere, and what the device brings back meanwhile, sealed.

        Raises NotFound: there is no provider; Busy, SettingsError (it has no device flow), KeyUnavailable.
        """
        self._opening.admit_beginning(place)
        grant = self._asked().begin_device()
        return grant, sealed_device(self._archive, grant)

    def finish_device(self, sealed: str, place: CallerPlace) -> SessionOpened | DeviceWait:
        """The session once the person has confirmed, at whichever node.

        Raises AccessDenied: refused, or it took too long; Busy, SettingsError.
        """
        self._opening.admit_beginning(place)
        provider, grant = self._asked(), opened_device(self._archive, sealed)
        self._opening.view.current()  # as in finish
        found = provider.poll_device(grant)
        return self._opened(found, place) if isinstance(found, ProviderTokens) else found

    def logout_of(self, token: str) -> LogoutOrder:
        """Whom the provider signs off. Raises AccessDenied (the token), NotFound, Busy."""
        return self._asked().logout_of(token)

    def recheck(self, session: Session, use: SessionUseHere, now: datetime) -> None:
        """Ask whether the person may still come in; who may not is signed off, on record.

        Raises AccessDenied: not any more; Busy: the provider is away, or another node asks at this moment.
        """
        link = session.link
        assert link is not None  # noqa: S101 - only a session with a provider is checked again
        refresh = self._newest(session, use) or opened_refresh(self._archive, session.account, link.sealed)
        try:
            if not refresh:
                raise AccessDenied(
                    "this session is not good any more: the identity provider gave no way to ask again",
                    hint="Sign on again.",
                )
            tokens = self._asked().recheck(refresh, link.identity)
        except AccessDenied:
            if refresh and self._may_be_renewed(session, use, refresh, now):
                raise Busy("another node asks the identity provider at this moment", retry_after=2) from None
            self._opening.end(SessionEnd("provider", now, session=session.id))
            raise
        use.checked, use.groups, use.refused = now, tokens.proof.groups, None
        if tokens.refresh != refresh:
            # A provider that gives a new one each time takes the old one no more, from whichever node.
            use.refresh, use.renewed = tokens.refresh, now
            sealed = sealed_refresh(self._archive, session.account, tokens.refresh)
            told: dict[str, object] = {"session": session.id, "id": session.account, "sealed": sealed}
            self._opening.tell(RENEWED, told)

    def _newest(self, session: Session, use: SessionUseHere) -> str:
        """The refresh token that this node or another one got last; "" where it is that of the session."""
        renewed = self._opening.view.again().renewed.get(session.id)
        if renewed is not None and (use.renewed is None or renewed.at > use.renewed):
            try:
                use.refresh = opened_refresh(self._archive, session.account, renewed.sealed)
            except Damaged as error:  # nobody here wrote it
                _log.warning("a renewal cannot be read", session=session.id, reason=error.message)
            use.renewed = renewed.at
        return use.refresh

    def _may_be_renewed(self, session: Session, use: SessionUseHere, refresh: str, now: datetime) -> bool:
        """Was this refused because another node got a new one? Only a refusal that lasts is believed."""
        if self._newest(session, use) not in ("", refresh):
            return True
        first = use.refused[1] if use.refused is not None and use.refused[0] == refresh else now
        use.refused = (refresh, first)
        return now - first < _OTHERS_TELL

    def _opened(self, tokens: ProviderTokens, place: CallerPlace) -> SessionOpened:
        now, account = self._archive.clock.now(), self._of_identity(tokens)
        if account is None or not may_sign_on(account, now):
            self._opening.refused(account, "unknown" if account is None else "not-allowed", place)
            raise sign_on_refused()
        proof = SignOnProof(account, "provider", moment_of(tokens.proof, now), tokens=tokens)
        return self._opening.open(proof, place)

    def _asked(self) -> IdentityProvider:
        if self._provider is None:
            raise NotFound(
                "this archive has no identity provider", hint="Sign on with a password: POST /v1/session"
            )
        return self._provider

    def _of_identity(self, tokens: ProviderTokens) -> Account | None:
        identity, accounts = tokens.proof.identity, self._opening.accounts
        return accounts.current().of_identity(identity) or accounts.again().of_identity(identity)
