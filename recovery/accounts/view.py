"""All accounts for many requests at once: read again when something was folded, every few seconds at most."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import Busy, VanVaultError
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.accounts import Accounts
from vanvault.recovery.accounts.reading import AccountRecord, read_account_record

_log = Logger("vanvault.accounts")

_EVERY_S = 2.0
_AGAIN_S = 0.2
#: Reading takes at most this share of one core; and where somebody waits for it, at most that one.
_SHARE, _SHARE_AGAIN = 0.02, 0.2
#: Without a new look, what is known is obeyed so long.
_STALE_S = 300.0


class AccountsView:
    """A few seconds old at most. Safe to use from many threads; somebody else folds, as a node does."""

    def __init__(self, archive: ArchiveReader, *, every_s: float = _EVERY_S) -> None:
        """``every_s``: seconds between two looks at the record; more where a look takes long."""
        self._archive = archive
        self._every_s = every_s
        self._looking = threading.Lock()
        self._record: AccountRecord | None = None
        self._accounts = Accounts()
        self._why_not = Busy("accounts are not known yet")
        self._mark = (-1, -1)  # catalogue and newest batch at the last look
        self._good_at = 0.0  # seconds of the stopwatch at the end of the last look that succeeded
        self._next_at = self._again_at = archive.stopwatch.seconds()

    @classmethod
    def of(cls, archive: ArchiveReader) -> Self:
        """The view of an open archive."""
        return cls(archive)

    def current(self) -> Accounts:
        """The accounts as of the last few seconds.

        Raises Busy: this node does not know the whole record yet, or has not been able to read it for
        minutes. Nobody may be let in then.
        """
        return self._looked(lambda: self._next_at)

    def again(self) -> Accounts:
        """The same, for somebody who is not known and would be refused: looks at once, but not too often."""
        return self._looked(lambda: self._again_at)

    def _looked(self, due_at: Callable[[], float]) -> Accounts:
        seconds = self._archive.stopwatch.seconds
        # One thread looks. The others take what is known; where nothing is, they wait for it.
        if seconds() >= due_at() and self._looking.acquire(blocking=self._record is None):
            try:
                if seconds() >= due_at():
                    self._look()
            finally:
                self._looking.release()
        if self._record is None:
            raise self._why_not
        if seconds() - self._good_at > _STALE_S:
            raise Busy(
                "the record of accounts could not be read for minutes, so nobody is let in",
                retry_after=5,
                hint="Look at the sites and the index of this node: vanvault status.",
            )
        return self._accounts

    def _look(self) -> None:
        seconds = self._archive.stopwatch.seconds
        begun = seconds()
        try:
            self._take()
            self._good_at = seconds()
        except VanVaultError as error:
            message = f"the record of accounts cannot be read: {error.message}"
            self._why_not = Busy(message, retry_after=2, hint=error.hint)
            if self._record is not None:
                _log.warning("accounts could not be read again", reason=error.message)
        ended = seconds()
        self._again_at = ended + max(_AGAIN_S, (ended - begun) / _SHARE_AGAIN)
        every_s = max(self._every_s, (ended - begun) / _SHARE)
        self._next_at = self._again_at if self._record is None else ended + every_s

    def _take(self) -> None:
        """Raises Busy: not all of the record is here yet, or not at this moment; or as the reading does."""
        archive = self._archive
        mark = (archive.catalogue.current().version, archive.tail.newest_batch())
        if archive.behind:
            raise Busy(archive.behind)
        if mark == self._mark:
            return
        before = self._record
        record = read_account_record(archive, before)
        if before is None and record.is_passing:
            raise Busy("parts of it are not indexed yet")
        self._record = record = record.after(before) if before else record
        self._accounts = record.accounts()
        if record.lacking and (before is None or before.lacking != record.lacking):
            _log.warning("parts of the record of accounts cannot be read", parts=self._accounts.lacking)
        if not record.is_passing:
            self._mark = mark
