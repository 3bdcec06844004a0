"""Transactions that have been open for too long: nothing of them becomes due, so somebody must ask why."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment, Unread
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.journal import EventType, newest_event
from vanvault.recovery.retention.entry_clock import EntryClock
from vanvault.recovery.retention.entry_clocks import clocks_of_segments
from vanvault.recovery.work import account

#: Objects that could not be read, as an answer names them.
_MOST_UNREAD = 100


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """One that has no end yet. Times in microseconds since 1970 (UTC)."""

    gateway: str
    transaction: str  # its id; "": its only entry leads to none
    entry: str  # the archive's id of its first entry
    first_us: int  # receipt of its first entry
    last_us: int  # and of its last one
    entries: int
    was_closed: bool  # it was closed once, and opened again
    in_doubt: bool  # a line that closes it may be among what could not be read

    @property
    def place(self) -> tuple[int, str]:
        """Its place in the list: the oldest first."""
        return self.first_us, self.entry

    @property
    def why(self) -> str:
        """Why it is open: ``in-doubt``, ``reopened``, ``no-transaction``, or ``never-closed``."""
        if self.in_doubt:
            return "in-doubt"
        if self.was_closed:
            return "reopened"
        return "never-closed" if self.transaction else "no-transaction"

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "gateway": self.gateway,
            "transaction_id": self.transaction,
            "entry": self.entry,
            "first": rfc3339_us(self.first_us),
            "last": rfc3339_us(self.last_us),
            "entries": self.entries,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class OpenTransactions:
    """Those whose first entry came before a time; the oldest after a place in the list are named."""

    older_than_days: int
    count: int  # of transactions
    alone: int  # entries besides that lead to no transaction, so that nothing ends them
    named: tuple[OpenTransaction, ...]  # of both, the oldest first
    unread: tuple[str, ...] = ()
    more: int = 0  # of both that come after those that are named

    @property
    def next(self) -> str | None:
        """What the next list is asked for ``after``; None: no more is there."""
        if not self.more:
            return None
        last = self.named[-1]
        return f"{rfc3339_us(last.first_us)},{last.entry}"

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "older_than_days": self.older_than_days,
            "count": self.count,
            "alone": self.alone,
            "transactions": [one.as_json() for one in self.named],
            "more": self.more,
            "next": self.next,
            "unread": list(self.unread),
        }


def open_transactions(
    archive: Archive, *, older_than: int | None = None, most: int = 100, after: str = ""
) -> OpenTransactions:
    """Everything that is open and began more than ``older_than`` days ago (None: as the settings say).

    All logs are gone through, some segments at a time. How many there are goes on record, where the setting
    was asked; ``known_open`` reads it.

    Args:
        most: so many are named, 1 at least.
        after: ``next`` of the list before: those that follow are named, and nothing goes on record again.

    Raises InvalidInput (``after``), SiteUnavailable (the record), KeyUnavailable, SettingsError.
    """
    settings = archive.settings.retention
    days = settings.open_too_long if older_than is None else older_than
    before_us = to_us(archive.clock.now() - timedelta(days=days))
    beyond = _place(after) if after else (-1, "")
    unread: set[str] = set()

    def note(one: Unread) -> None:
        unread.add(one.object)

    if archive.tail.has_uncompacted(before_us):
        unread.add("batches that are in no segment yet")
    counted = {True: 0, False: 0}
    oldest: list[OpenTransaction] = []
    follow = 0
    old = [one for one in archive.catalogue.segments() if one.manifest.first_us < before_us]
    for one in _open(archive, old, before_us, note, settings.segments_together):
        counted[one.transaction != ""] += 1
        if one.place <= beyond:
            continue
        follow += 1
        bisect.insort(oldest, one, key=lambda named: named.place)
        del oldest[most:]
    missing = tuple(sorted(unread)[:_MOST_UNREAD])
    more = follow - len(oldest)
    found = OpenTransactions(days, counted[True], counted[False], tuple(oldest), missing, more)
    if older_than is None and not after:
        detail = {
            "older_than_days": days,
            "count": found.count,
            "alone": found.alone,
            "unread": len(unread),
            "who": account(),
        }
        archive.record_aside([archive.system_event(EventType.RETENTION_OPEN_COUNTED, detail)])
    return found


def known_open(archive: Archive) -> dict[str, datetime]:
    """What the last count on record found to be open for too long, for people, and when that was.

    Raises SiteUnavailable, Damaged (the record).
    """
    last = newest_event(archive.search, EventType.RETENTION_OPEN_COUNTED)
    if last is None:
        return {}
    count, alone, days = (_number(last.detail.get(name)) for name in ("count", "alone", "older_than_days"))
    text = f"{count} transactions, and {alone} entries of none, have been open for more than {days} days"
    return {text: last.at} if count or alone else {}


def _open(
    archive: Archive,
    segments: list[KnownSegment],
    before_us: int,
    note: Callable[[Unread], None],
    together: int,
) -> Iterator[OpenTransaction]:
    for start in range(0, len(segments), together):
        yield from _begun(clocks_of_segments(archive, segments[start : start + together], note), before_us)


def _begun(entries: Iterable[EntryClock], before_us: int) -> Iterator[OpenTransaction]:
    """The open transactions that begin with one of these entries."""
    for one in entries:
        begins = one.received_us == one.first_us < before_us and not one.repeats
        if one.state == "open" and begins and not one.is_own:
            yield OpenTransaction(
                one.gateway,
                one.transaction,
                one.id,
                one.first_us,
                one.last_us,
                one.entries,
                one.was_closed,
                one.unread,
            )


def _place(after: str) -> tuple[int, str]:
    """Raises InvalidInput."""
    at, _, entry = after.partition(",")
    try:
        return to_us(parse_rfc3339(at, field="after", date_alone=False)), entry
    except InvalidInput as error:
        raise InvalidInput(
            f"{after[:80]!r} is no place in this list", field="after", hint="Give next of the list before."
        ) from error


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
