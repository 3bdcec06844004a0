"""All tokens of people for many requests at once, a few seconds old at most."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import AccessDenied, Busy
from vanvault.archiver.people import Address
from vanvault.archiver.people.accounts import Account, Allowed, Permission
from vanvault.archiver.people.tokens import PersonToken, PersonTokens, judge_token, token_of_secret
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.person_tokens.record import person_tokens

_EVERY_S = 2.0
_AGAIN_S = 0.2  # where somebody waits who would be refused


@dataclass(frozen=True, slots=True)
class TokenBearer:
    """Who asks, and with which token."""

    account: Account
    token: PersonToken


class PersonTokensView:
    """A few seconds old at most. Safe to use from many threads; somebody else folds, as a node does."""

    def __init__(self, archive: ArchiveReader, accounts: AccountsView, *, every_s: float = _EVERY_S) -> None:
        """``every_s``: seconds between two looks at the record, where nobody waits for one."""
        self._archive = archive
        self._accounts = accounts
        self._every_s = every_s
        self._looking = threading.Lock()
        self._tokens: PersonTokens | None = None
        self._mark = (-1, -1)  # catalogue and newest batch at the last look
        self._looked_at = 0.0  # seconds of the stopwatch

    def bearer(self, secret: str, address: Address | None) -> TokenBearer:
        """Who holds this secret now, asking from there. What may be done is judged by ``allow``.

        Raises AccessDenied (no token that is good now; not from this address), Busy (this node does not know
        the record: nobody is let in), KeyUnavailable (the master of credentials is missing), and what reading
        the record raises.
        """
        archive = self._archive
        try:
            token = token_of_secret(secret, self._current(self._every_s), archive.keys, archive.clock.now())
        except AccessDenied:
            newer = self._current(_AGAIN_S)
            token = token_of_secret(secret, newer, archive.keys, archive.clock.now())
        token.check_address(address)
        account = self._accounts.current().of_id(token.account) or self._accounts.again().of_id(token.account)
        if account is None:
            raise AccessDenied("no such token", hint="Ask for a new one: vanvault account token add")
        return TokenBearer(account, token)

    def allow(self, bearer: TokenBearer, permission: Permission) -> Allowed:
        """By which roles the bearer may do this now. Raises AccessDenied, with the reason."""
        judged = judge_token(bearer.token, bearer.account, permission, self._archive.clock.now())
        if isinstance(judged, Allowed):
            return judged
        raise judged.error()

    def _current(self, age_s: float) -> PersonTokens:
        """The tokens, looked at no longer than that ago, or as somebody else looks at them just now."""
        seconds = self._archive.stopwatch.seconds
        if self._tokens is None or seconds() - self._looked_at >= age_s:
            with self._looking:
                if self._tokens is None or seconds() - self._looked_at >= age_s:
                    self._look()
                    self._looked_at = seconds()
        assert self._tokens is not None  # noqa: S101 - ``_look`` raises where it finds none
        return self._tokens

    def _look(self) -> None:
        archive = self._archive
        if archive.behind:
            raise Busy(archive.behind)
        mark = (archive.catalogue.current().version, archive.tail.newest_batch())
        if self._tokens is not None and mark == self._mark:
            return
        found = person_tokens(archive)
        if found.lacking:  # a removal may lie there, and a removed token is never good again
            raise Busy(
                f"a part of the record of tokens cannot be read: {found.lacking[0]}",
                retry_after=5,
                hint="Look at the sites and the index of this node: vanvault status.",
            )
        self._tokens, self._mark = found, mark
