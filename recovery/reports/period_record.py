"""What the record says of one period: read once, and counted by whoever makes a report of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.times import to_us, vietnam_day, vietnam_midnight
from vanvault.archiver.journal import OwnEvent, every_own_event
from vanvault.archiver.people.accounts import Account, Accounts, AccountStanding, fold, standing_of
from vanvault.archiver.people.looks import LookFilter
from vanvault.recovery.access import LookQuery, SeenLook, seen_looks
from vanvault.recovery.accounts import accounts_at, read_account_record
from vanvault.recovery.reports.period import ReportPeriod

#: Looks of one account between the day on which it should have been off and the entry of that.
_MOST_LOOKS = 100_000


@dataclass(frozen=True, slots=True)
class LateRight:
    """A right that was taken away too late, and what was done with the account until then."""

    account: Account
    what: str  # suspended, role-revoked, ended
    effective: str  # the first day without the right
    entered_at: datetime
    lag_days: int
    roles: tuple[str, ...]  # that it held meanwhile
    looks: tuple[SeenLook, ...]  # oldest first


@dataclass(frozen=True, slots=True)
class PeriodRecord:
    """A period, as far as it is over."""

    period: ReportPeriod
    until: datetime  # what was received before is counted
    events: tuple[OwnEvent, ...] = ()  # the archive's own, oldest first
    accounts: Accounts = field(default_factory=Accounts)  # as they stood at ``until``
    late: tuple[LateRight, ...] = ()
    lacking: tuple[str, ...] = ()  # what of the record could not be read, for people

    def of(self, *types: str) -> list[OwnEvent]:
        """The events of these types, without ``vanvault.``."""
        return [event for event in self.events if event.type in types]

    def under(self, *prefixes: str) -> list[OwnEvent]:
        """The events whose type begins with one of these."""
        return [event for event in self.events if event.type.startswith(prefixes)]

    def counts(self) -> Mapping[str, int]:
        """Events by type, sorted."""
        return dict(sorted(Counter(event.type for event in self.events).items()))

    @property
    def last(self) -> datetime:
        """The last moment that is counted: accounts are told as they stood then."""
        return self.until - timedelta(microseconds=1)

    def standings(self) -> Iterator[tuple[Account, AccountStanding]]:
        """Every account with its state at the end of what is counted."""
        return ((account, standing_of(account, self.last)) for account in self.accounts)


def read_period(archive: Archive, period: ReportPeriod) -> PeriodRecord:
    """What is on record of a period until now. Raises Damaged, SiteUnavailable (the index)."""
    until = min(period.end, archive.clock.now())
    lacking: dict[str, Unread] = {}

    def note(one: Unread) -> None:
        lacking[one.object] = one

    span = {"from_us": to_us(period.start), "to_us": to_us(until)}
    events = tuple(every_own_event(archive.search, **span, unread=note))
    accounts = accounts_at(archive, until)
    late = tuple(_late(archive, accounts, period, until))
    unread = [f"{key}: {one.reason}" for key, one in sorted(lacking.items())]
    too_many = [
        f"looks of {one.account.name}: only the last {_MOST_LOOKS} are listed"
        for one in late
        if len(one.looks) >= _MOST_LOOKS
    ]
    return PeriodRecord(
        period, until, events, accounts, late, tuple(dict.fromkeys((*unread, *accounts.lacking, *too_many)))
    )


def _late(archive: Archive, accounts: Accounts, period: ReportPeriod, until: datetime) -> Iterator[LateRight]:
    found = [
        (account, entry)
        for account in accounts
        for entry in account.late
        if period.start <= entry.entered_at < until
    ]
    if not found:
        return
    changes = read_account_record(archive).events.values()
    for account, entry in found:
        before = fold(one for one in changes if one.at < entry.entered_at).of_id(account.id)
        yield LateRight(
            account,
            entry.what,
            entry.effective.isoformat(),
            entry.entered_at,
            entry.lag_days,
            _held(before, entry.effective, vietnam_day(entry.entered_at)) if before is not None else (),
            tuple(_looks(archive, account, vietnam_midnight(entry.effective), entry.entered_at)),
        )


def _held(account: Account, first: date, last: date) -> tuple[str, ...]:
    """Roles that an account held on any of these days, sorted: some begin after the first of them."""
    return tuple(
        sorted(
            {
                one.role
                for one in account.grants
                if not one.days.is_empty
                and (one.days.first is None or one.days.first <= last)
                and (one.days.last is None or one.days.last >= first)
            }
        )
    )


def _looks(archive: Archive, account: Account, since: datetime, until: datetime) -> list[SeenLook]:
    """What an account looked at, oldest first; it is known by its id, whatever name stands beside it."""
    query = LookQuery(LookFilter(who=account.name), to_us(since), to_us(until), _MOST_LOOKS)
    found = seen_looks(archive.search, query)
    return [
        one
        for one in reversed(found.looks)
        if one.look.viewer.by == "account" and one.look.viewer.id == account.id
    ]
