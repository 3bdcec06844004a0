"""All accounts for many requests at once: what was folded since the last look is read every few seconds.

Everything is read again as often as that costs little: in a small archive each time. So what came in some way
that does not show in new batches, or is no longer believed after a change of trust, is seen soon, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import Busy, NotFound, VanVaultError
from vanvault.archiver.core.times import from_us
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.accounts import Accounts
from vanvault.recovery.accounts.reading import AccountRecord, read_account_record

_log = Logger("vanvault.accounts")

_EVERY_S = 2.0
_AGAIN_S = 0.2
#: Reading everything takes at most this share of one core. Between, what was folded since is read.
_SHARE = 0.02
#: The same of looks for somebody who is not known.
_SHARE_AGAIN = 0.2
#: The entries of one batch were received within that time before it was written.
_BATCH_SPAN = timedelta(minutes=10)
#: After more batches than that, everything is read at once.
_MOST_BATCHES = 1000
#: Without a new look, what is known is obeyed so long.
_STALE_S = 300.0


@dataclass(frozen=True, slots=True)
class _Folded:
    """How far the archive is folded here."""

    catalogue: int = -1  # its version
    batch: int = -1  # number of the newest one in the hot tail


class AccountsView:
    """A few seconds old at most. Safe to use from many threads; somebody else folds, as a node does."""

    def __init__(self, archive: ArchiveReader, *, every_s: float = _EVERY_S) -> None:
        """``every_s``: seconds between two looks at the record."""
        self._archive = archive
        self._every_s = every_s
        self._looking = threading.Lock()
        self._record: AccountRecord | None = None
        self._accounts = Accounts()
        self._why_not = Busy("accounts are not known yet")
        self._folded = self._whole = _Folded()  # at the last look, and at the last one at everything
        self._whole_at = 0.0  # seconds: not before that everything is looked at again
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
        self._next_at = self._again_at if self._record is None else ended + self._every_s

    def _take(self) -> None:
        """Raises Busy: not all of the record is here yet, or not at this moment; else as the reading does."""
        archive = self._archive
        if archive.behind:
            raise Busy(archive.behind)
        folded = _Folded(archive.catalogue.current().version, archive.tail.newest_batch())
        if self._record is None or self._is_whole_due(folded):
            self._record = self._read_whole(folded)
        elif folded != self._folded:
            since = _received_since(archive, self._folded.batch, folded.batch)
            if since is not None:
                read = read_account_record(archive, self._record, since=since)
                self._record = replace(read.after(self._record), lacking=self._record.lacking)
        else:
            return
        self._folded = folded
        self._accounts = self._record.accounts()

    def _is_whole_due(self, folded: _Folded) -> bool:
        many = not 0 <= folded.batch - self._folded.batch <= _MOST_BATCHES
        return many or (folded != self._whole and self._archive.stopwatch.seconds() >= self._whole_at)

    def _read_whole(self, folded: _Folded) -> AccountRecord:
        seconds, before = self._archive.stopwatch.seconds, self._record
        begun = seconds()
        record = read_account_record(self._archive, before)
        if before is None and record.is_passing:
            raise Busy("parts of it are not indexed yet")
        if before is not None and record.lacking:
            record = record.after(before)
        if record.lacking and (before is None or before.lacking != record.lacking):
            parts = [f"{one.object}: {one.reason}" for one in record.lacking]
            _log.warning("parts of the record of accounts cannot be read", parts=parts)
        if not record.is_passing:
            self._whole = folded
        ended = seconds()
        self._whole_at = ended + max(self._every_s, (ended - begun) / _SHARE)
        return record


def _received_since(archive: ArchiveReader, after: int, to: int) -> datetime | None:
    """From when on events may have been received that were folded lately; None: none was folded.

    ``after``, ``to``: numbers of batches. One that left the hot tail since then is read with everything.
    """
    found: list[int] = []
    for number in range(after + 1, to + 1):
        with suppress(NotFound):
            header = archive.tail.batch(number).header
            if header.kind == "events":
                found.append(header.created_us)
    return from_us(min(found)) - _BATCH_SPAN if found else None
