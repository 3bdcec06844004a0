"""All tokens of people for many requests at once, a few seconds old at most."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import AccessDenied, Busy, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.people import Address
from vanvault.archiver.people.accounts import Account, Allowed, Permission
from vanvault.archiver.people.tokens import (
    PersonToken,
    PersonTokens,
    is_person_secret,
    judge_token,
    token_of_secret,
)
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.person_tokens.record import person_tokens
from vanvault.recovery.person_tokens.uses import TokenUses

_EVERY_S = 2.0
_AGAIN_S = 0.2  # where somebody waits who would be refused
#: Looks take at most this share of one core; those for somebody who would be refused, at most that one.
_SHARE, _SHARE_AGAIN = 0.05, 0.2

_HINT = "Look at the sites and the index of this node: vanvault status."


@dataclass(frozen=True, slots=True)
class TokenBearer:
    """Who asks, and with which token."""

    account: Account
    token: PersonToken


class PersonTokensView:
    """A few seconds old at most. Safe to use from many threads; somebody else folds, as a node does."""

    def __init__(
        self,
        archive: ArchiveReader,
        accounts: AccountsView,
        *,
        tell: Callable[[EventDraft], None] = lambda event: None,
        every_s: float = _EVERY_S,
    ) -> None:
        """``tell``: hands the first use of a day to the record, and does not wait for it.

        ``every_s``: seconds between two looks at the record, where nobody waits for one.
        """
        self._uses = TokenUses(archive, tell)
        self._archive = archive
        self._accounts = accounts
        self._every_s = every_s
        self._looking = threading.Lock()
        self._tokens = PersonTokens()
        self._why_not: VanVaultError | None = None
        self._mark = (-1, -1)  # catalogue and newest batch at the last look
        self._next_at = self._again_at = archive.stopwatch.seconds()  # not before that the next look

    def bearer(self, secret: str, address: Address | None) -> TokenBearer:
        """Who holds this secret now, asking from there. What may be done is judged by ``allow``.

        Raises AccessDenied (no token that is good now; not from this address), Busy (this node does not know
        the record: nobody is let in), KeyUnavailable (the master of credentials is missing), and what reading
        the record raises.
        """
        archive = self._archive
        try:
            held = self._looked(lambda: self._next_at)
            token = token_of_secret(secret, held, archive.keys, archive.clock.now())
        except AccessDenied:
            if not is_person_secret(secret):
                raise
            newer = self._looked(lambda: self._again_at)
            token = token_of_secret(secret, newer, archive.keys, archive.clock.now())
        token.check_address(address)
        account = self._accounts.current().of_id(token.account) or self._accounts.again().of_id(token.account)
        if account is None:
            raise AccessDenied("no such token", hint="Ask for a new one: vanvault account token add")
        self._uses.used(account, token)
        return TokenBearer(account, token)

    @staticmethod
    def allow(bearer: TokenBearer, permission: Permission, now: datetime) -> Allowed:
        """By which roles the bearer may do this now. Raises AccessDenied, with the reason."""
        judged = judge_token(bearer.token, bearer.account, permission, now)
        if isinstance(judged, Allowed):
            return judged
        raise judged.error()

    def _looked(self, due_at: Callable[[], float]) -> PersonTokens:
        """The tokens after a look, if one is due; who comes meanwhile waits for it, and takes its result."""
        seconds = self._archive.stopwatch.seconds
        if seconds() >= due_at():
            with self._looking:
                if seconds() >= due_at():
                    self._look()
        if self._why_not is not None:
            raise Busy(
                f"the record of tokens cannot be read: {self._why_not.message}", retry_after=2, hint=_HINT
            )
        return self._tokens

    def _look(self) -> None:
        seconds = self._archive.stopwatch.seconds
        begun = seconds()
        try:
            self._take()
            self._why_not = None
        except VanVaultError as error:
            self._why_not = error
        ended = seconds()
        self._again_at = ended + max(_AGAIN_S, (ended - begun) / _SHARE_AGAIN)
        self._next_at = ended + max(self._every_s, (ended - begun) / _SHARE)
        if self._why_not is not None:
            self._next_at = self._again_at

    def _take(self) -> None:
        """Raises Busy: not all of the record is here, or it cannot be read; else as the reading does."""
        archive = self._archive
        if archive.behind:
            raise Busy(archive.behind)
        mark = (archive.catalogue.current().version, archive.tail.newest_batch())
        if mark == self._mark:
            return
        found = person_tokens(archive)
        if found.lacking:  # a removal may lie there, and a removed token is never good again
            raise Busy(f"a part of it is lacking: {found.lacking[0]}")
        self._tokens, self._mark = found, mark
