"""The first use of a token on each day goes on record: an account that is used so alone is not idle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.people.accounts import Account, standing_of, use_counts
from vanvault.archiver.people.tokens import PersonToken

_SEEN = "account.seen"
#: Seconds until one that is not folded yet, or was not taken, is told again.
_AGAIN_S = 60.0


class TokenUses:
    """Tells a use once a day; two nodes may both tell the first one. Safe to use from many threads."""

    def __init__(self, archive: ArchiveReader, tell: Callable[[EventDraft], None]) -> None:
        """``tell`` hands an event to the record, and does not wait for it."""
        self._archive = archive
        self._tell = tell
        self._lock = threading.Lock()
        self._again_at: dict[str, float] = {}  # id of an account -> seconds: not told again before that

    def used(self, account: Account, token: PersonToken) -> None:
        """This token was used. Of an account that is off nothing is told: a token never brings one back."""
        now, seconds = self._archive.clock.now(), self._archive.stopwatch.seconds()
        if not use_counts(account, now) or standing_of(account, now).state != "active":
            return
        with self._lock:
            if seconds < self._again_at.get(account.id, seconds):
                return
            self._again_at[account.id] = seconds + _AGAIN_S
        from vanvault.archiver.intake import system_event

        detail = {"account": account.name, "id": account.id, "token": token.id}
        nonce = self._archive.entropy.token(8).hex()  # two nodes may tell of one day
        with suppress(VanVaultError):  # the next request tries again
            self._tell(system_event(_SEEN, detail, now=now, nonce=nonce))
