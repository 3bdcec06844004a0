"""The accounts of an archive, read from its events as far as it is folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.journal import own_events, recorded_history
from vanvault.archiver.people.accounts import ACCOUNT_EVENTS, IDLE_DAYS, Accounts, fold

#: Events that tell that an account, ``id`` of their detail, was used: a sign-on, or the first use of a day.
SEEN_EVENTS = ("session.opened", "account.seen")

#: A use before that leaves an account idle in any case.
_SEEN_BACK = timedelta(days=IDLE_DAYS + 1)
#: An event may be folded so much later than the newest one; a use that is missed until then harms nobody.
_SEEN_OVERLAP = timedelta(hours=1)

#: Why something is unread that will be read by itself: it is waited for. All else is damage, and is told.
_PASSING = ("not indexed yet", "not folded yet", "unavailable")


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """What one reading of the record found."""

    events: dict[str, RecordedEvent] = field(default_factory=dict)  # by id
    seen: dict[str, datetime] = field(default_factory=dict)  # id of an account -> its last use
    seen_to: datetime | None = None  # the newest use in ``seen``
    lacking: tuple[Unread, ...] = ()

    @property
    def is_passing(self) -> bool:
        """Will what is lacking be there by itself?"""
        return any(one.reason in _PASSING for one in self.lacking)

    def after(self, before: AccountRecord) -> AccountRecord:
        """With what was known before: nothing on record goes away."""
        return replace(self, events=before.events | self.events)

    def accounts(self) -> Accounts:
        lacking = (f"{one.object}: {one.reason}" for one in self.lacking)
        return fold(self.events.values(), seen=self.seen, lacking=lacking)


def current_accounts(archive: ArchiveReader) -> Accounts:
    """All accounts, as far as the archive is folded here; ``lacking`` names what could not be read.

    Raises Damaged, SiteUnavailable (the index cannot be read), SettingsError (the list of gateways).
    """
    record = read_account_record(archive)
    return replace(record, seen=record.seen | _gateway_uses(archive)).accounts()


def accounts_at(archive: ArchiveReader, moment: datetime) -> Accounts:
    """All accounts as they stood at a moment of the past, by what is on record of them. Raises as above."""
    to = to_us(moment)
    history = recorded_history(archive.search, ACCOUNT_EVENTS, to_us=to)
    seen: dict[str, datetime] = {}
    for type in SEEN_EVENTS:
        for own in own_events(archive.search, type, from_us=to_us(moment - _SEEN_BACK), to_us=to):
            id = str(own.detail.get("id"))
            seen[id] = max(own.at, seen.get(id, own.at))
    return fold(history.events, seen=seen, lacking=history.lacking)


def read_account_record(
    archive: ArchiveReader, before: AccountRecord | None = None, *, since: datetime | None = None
) -> AccountRecord:
    """What was received since a moment; None: everything. Raises as ``current_accounts``.

    ``before``: an earlier reading, whose uses are taken over.
    """
    before = before or AccountRecord()
    since_us = to_us(since) if since else 0
    events = {event.id: event for event in _unrecorded(archive)}
    history = recorded_history(archive.search, ACCOUNT_EVENTS, from_us=since_us)
    events |= {event.id: event for event in history.events}
    seen, newest = dict(before.seen), before.seen_to
    uses_since = newest - _SEEN_OVERLAP if newest else archive.clock.now() - _SEEN_BACK
    for type in SEEN_EVENTS:
        for own in own_events(archive.search, type, from_us=to_us(uses_since), order="oldest"):
            id, at = str(own.detail.get("id")), own.at
            seen[id] = max(at, seen.get(id, at))
            newest = max(at, newest or at)
    return AccountRecord(events, seen, newest, history.unread)


def _unrecorded(archive: ArchiveReader) -> Iterator[RecordedEvent]:
    """Changes of this home's gateways that wait for the record: they hold good already."""
    for change in archive.gateways.unrecorded():
        yield RecordedEvent(f"~{change.nonce}", f"gateway.{change.kind}", change.at, change.detail)


def _gateway_uses(archive: ArchiveReader) -> dict[str, datetime]:
    """When nodes of this home last heard of gateways, by their ids: to be shown, nobody is judged by it."""
    try:
        uses = archive.gateways.last_uses()
    except OSError:
        return {}
    last = {
        gateway.id: max((uses[token.id] for token in gateway.tokens if token.id in uses), default="")
        for gateway in archive.gateways.all()
    }
    return {id: parse_rfc3339(at) for id, at in last.items() if at}
