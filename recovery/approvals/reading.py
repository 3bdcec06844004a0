"""What is known of approvals at one moment: requests, table, and the accounts that they are held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import EventType, recorded_history
from vanvault.archiver.people.approvals import (
    APPROVAL_EVENTS,
    LONGEST_KEPT,
    AccountHistory,
    ApprovalBook,
    ApprovalRequest,
    ApprovalStanding,
    ApprovalTable,
    fold_approvals,
    judge_request,
)
from vanvault.recovery.accounts import AccountRecord, read_account_record


@dataclass(frozen=True, slots=True)
class KnownApprovals:
    """One reading of the record."""

    book: ApprovalBook
    people: AccountHistory
    at: datetime  # by the node's guarded clock
    is_passing: bool = False  # something is lacking that will be there by itself

    @property
    def table(self) -> ApprovalTable:
        """The table in force. Raises Damaged: this version cannot read it."""
        if self.book.table_unclear:
            raise Damaged(
                "the table of acts that ask for approval is in a form that this version cannot read",
                hint="Use the version of VanVault that wrote it.",
            )
        return self.book.table

    @property
    def lacking(self) -> tuple[str, ...]:
        """What of the record could not be read, for people."""
        return tuple(dict.fromkeys((*self.book.lacking, *self.people.lacking)))

    def standing(self, request: ApprovalRequest) -> ApprovalStanding:
        """How a request stands now. Raises Damaged (``table``)."""
        return judge_request(request, self.people, self.table, self.at)


def known_table(archive: ArchiveReader) -> KnownApprovals:
    """The table alone, without requests and accounts. Raises as ``known_approvals``."""
    history = recorded_history(archive.search, (EventType.APPROVAL_TABLE_SET,))
    book = fold_approvals(history.events, lacking=history.lacking)
    is_passing = AccountRecord(lacking=history.unread).is_passing
    return KnownApprovals(book, AccountHistory(), archive.clock.now(), is_passing)


def known_approvals(archive: ArchiveReader, *, everything: bool = False) -> KnownApprovals:
    """As far as the archive is folded here; requests that may still be good, or ``everything`` that ever was.

    Raises Damaged, SiteUnavailable (the index cannot be read), SettingsError (the list of gateways).
    """
    now = archive.clock.now()
    since = 0 if everything else to_us(now - LONGEST_KEPT)
    table = recorded_history(archive.search, (EventType.APPROVAL_TABLE_SET,))
    said = [type for type in APPROVAL_EVENTS if type != EventType.APPROVAL_TABLE_SET]
    history = recorded_history(archive.search, said, from_us=since)
    unread = tuple({one.object: one for one in (*table.unread, *history.unread)}.values())
    record = read_account_record(archive)
    book = fold_approvals((*table.events, *history.events), lacking=_told(unread))
    people = AccountHistory(tuple(record.events.values()), record.seen, _told(record.lacking))
    is_passing = record.is_passing or AccountRecord(lacking=unread).is_passing
    return KnownApprovals(book, people, now, is_passing)


def _told(lacking: Iterable[Unread]) -> tuple[str, ...]:
    return tuple(f"{one.object}: {one.reason}" for one in lacking)
