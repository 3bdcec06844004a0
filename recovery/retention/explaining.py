"""What is owed for a transaction, and the locks that stand for it at the sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, Page
from vanvault.archiver.core.errors import InvalidInput, NotFound, VanVaultError
from vanvault.archiver.core.retention import Profile
from vanvault.archiver.core.search_form import search_form
from vanvault.archiver.core.times import from_us, parse_rfc3339, rfc3339_seconds, to_us, vietnam_day
from vanvault.archiver.retention import (
    CaseEntry,
    ClosingTable,
    DisposedPart,
    Due,
    Owed,
    StandingLock,
    Subject,
    TransactionClock,
    clock_of,
    closing_table,
    due_of,
)
from vanvault.archiver.stores import DaemonThreads, Site
from vanvault.recovery.holds import holds_over, known_holds, objects_of
from vanvault.recovery.retention.in_force import all_between, owed_profiles
from vanvault.recovery.timeline import Case, Gathering

#: Questions for locks that one site gets at once.
_AT_ONCE = 8


def retention_of(archive: Archive, case: Case) -> Owed:
    """What is owed for a transaction. Raises SiteUnavailable, Damaged (the index), SettingsError."""
    return _told(archive, case.subject, list(case.items), case.unread)


def _told(archive: Archive, subject: Subject, items: list[Item], unread: tuple[str, ...]) -> Owed:
    table = closing_table(archive.settings.retention.closing)
    clock, log, originals = clock_and_dues(archive, items, table)
    clause = archive.profile.log.source if log is None else log.rule.source
    locks = tuple(standing_locks(archive, items))
    ids = tuple(item["id"] for item in items)
    book = known_holds(archive)
    holds, unread = tuple(hold.id for hold in holds_over(book, items)), (*unread, *book.lacking)
    return Owed(subject, clock, log, originals, clause, locks, ids, unread, holds, disposed_parts(items))


@dataclass(frozen=True, slots=True)
class LeastKept:
    """Until when a transaction is kept at least: by its clock, or as if it closed at this moment."""

    log: Due
    originals: Due

    def of(self, item: Item) -> Due:
        """That of one entry of it."""
        return self.log if item["entry"] == "event" else self.originals

    def as_json(self) -> dict[str, Any]:
        """As JSON values; days are Vietnam's, and kept whole."""
        return {
            "at_least": self.log.last_day.isoformat(),
            "at_least_originals": self.originals.last_day.isoformat(),
            "rule": f"{self.log.rule.years} years",
            "clause": self.log.rule.source,
            "profile": self.log.profile,
        }


@dataclass(frozen=True, slots=True)
class ClockShown:
    """The clock of one gateway's transaction, as it stands beside what a search finds."""

    gateway: str
    clock: TransactionClock
    log: Due | None
    originals: Due | None
    least: LeastKept
    unread: tuple[str, ...] = ()
    disposed: tuple[DisposedPart, ...] = ()  # by day

    def as_json(self) -> dict[str, Any]:
        """As JSON values; ``at_least`` is a day also where nothing is due yet."""
        return {
            "gateway": self.gateway,
            "state": self.clock.state,
            "due": None if self.log is None else rfc3339_seconds(self.log.until),
            "last_day": None if self.log is None else self.log.last_day.isoformat(),
            "due_originals": None if self.originals is None else rfc3339_seconds(self.originals.until),
            **self.least.as_json(),
            "disposed": [one.as_json() for one in self.disposed],
            "partial": bool(self.unread),
        }


def clock_of_case(archive: Archive, case: Case) -> ClockShown:
    """The clock of a transaction that is read already. Raises SettingsError."""
    return _shown(archive, case.subject.gateway, case.items, case.unread)


def clock_beside(archive: Archive, item: Item) -> ClockShown:
    """The clock of the transaction of one entry. Raises SiteUnavailable, Damaged, SettingsError."""
    gathering = Gathering(archive)
    subject, items = gathering.of_entry(item)
    return _shown(archive, subject.gateway, items, gathering.unread)


def with_due(archive: Archive, page: Page, *, most: int | None = None) -> Page:
    """A page whose entries say until when they are kept (``retention``).

    The clock of a transaction is read once.

    Args:
        most: entries that are taken at most; None: any number.

    Raises InvalidInput (there are more), SiteUnavailable, Damaged (the index), SettingsError.
    """
    if most is not None and len(page.items) > most:
        raise InvalidInput(
            f"clocks are read for {most} entries at most", field="limit", hint=f"Ask with a limit of {most}."
        )
    known: dict[tuple[str, str], dict[str, Any]] = {}
    items = []
    for item in page.items:
        transaction = search_form("transaction_id", item.get("transaction_id", ""))
        subject = (item["gateway"], transaction or item["id"])
        if subject not in known:
            known[subject] = clock_beside(archive, item).as_json()
        items.append({**item, "retention": known[subject]})
    return replace(page, items=items)


def _shown(archive: Archive, gateway: str, items: Sequence[Item], unread: tuple[str, ...]) -> ClockShown:
    table = closing_table(archive.settings.retention.closing)
    clock, log, originals = clock_and_dues(archive, items, table)
    if log is not None and originals is not None:
        least = LeastKept(log, originals)
    elif clock.state == "disposed":
        least = _was_owed(archive, items)
    else:
        now, today = to_us(archive.clock.now()), vietnam_day(archive.clock.now())
        profiles = all_between(today, today, owed_profiles(archive))
        least = LeastKept(due_of(now, "log", profiles), due_of(now, "originals", profiles))
    return ClockShown(gateway, clock, log, originals, least, unread, disposed_parts(items))


def _was_owed(archive: Archive, items: Sequence[Item]) -> LeastKept:
    """Until when what was disposed of had been owed."""
    ends = [parse_rfc3339(one["disposed"]["due"]) for one in items if "disposed" in one]
    until, profile = max(ends, default=archive.clock.now()), archive.profile
    last_day = vietnam_day(until - timedelta(microseconds=1))
    return LeastKept(
        Due(profile.log, profile.name, last_day, until), Due(profile.originals, profile.name, last_day, until)
    )


def disposed_parts(items: Iterable[Item]) -> tuple[DisposedPart, ...]:
    """What of a transaction was disposed of, by day and certificate."""
    counts = Counter(
        (one["disposed"]["on"], one["disposed"]["certificate"], one["disposed"]["what"])
        for one in items
        if "disposed" in one
    )
    return tuple(
        DisposedPart(
            certificate,
            parse_rfc3339(on),
            counts[on, certificate, "entry"],
            counts[on, certificate, "original"],
        )
        for on, certificate in sorted({(on, certificate) for on, certificate, _ in counts})
    )


def clock_and_dues(
    archive: Archive, items: Iterable[Item], table: ClosingTable
) -> tuple[TransactionClock, Due | None, Due | None]:
    """The clock of a transaction, and the last days of its log and its originals; None: it is open."""
    clock = clock_of(map(_entry, items), table)
    return clock, *dues_of(archive, clock, owed_profiles(archive))


def dues_of(
    archive: Archive, clock: TransactionClock, owed: Sequence[Profile]
) -> tuple[Due | None, Due | None]:
    """The last days of the log and the originals of a transaction; None: it is open, or all of it is gone.

    They follow from the days in Vietnam on which it closed and from which it counts. ``owed``: see
    ``owed_profiles``.
    """
    if clock.closed_us is None or clock.start_us is None:
        return None, None
    closed = vietnam_day(from_us(clock.closed_us))
    profiles = all_between(closed, vietnam_day(archive.clock.now()), owed)
    return due_of(clock.start_us, "log", profiles), due_of(clock.start_us, "originals", profiles)


def _entry(item: Item) -> CaseEntry:
    received = to_us(parse_rfc3339(item["received_at"]))
    if item["entry"] != "event":
        return CaseEntry(item["id"], "", received, received, is_disposed=item["entry"] == "disposed")
    return CaseEntry(item["id"], item["type"], to_us(parse_rfc3339(item["occurred_at"])), received)


def standing_locks(archive: Archive, items: Iterable[Item]) -> Iterable[StandingLock]:
    """The lock of each copy of each object that these entries need, as its site tells it now.

    All sites are asked at once. One that is out is not asked; one that is silent for as long as a read waits
    for a site is not waited for: its locks are told as not known.
    """
    keys, patience_s = sorted(objects_of(archive, items)), archive.readable.patience_s
    asked: dict[tuple[str, str], Future[StandingLock] | None] = {}
    pools = []
    try:
        for site, store in archive.sites.items():
            out = archive.health.state(site) == "out"
            pools.append(threads := DaemonThreads(_AT_ONCE, f"locks-{site}"))
            for key in keys:
                work = partial(_standing_lock, store, site, key)
                asked[site, key] = None if out else threads.submit(work)
        waiting = {one for one in asked.values() if one is not None}
        while waiting:
            done, waiting = wait(waiting, patience_s, FIRST_COMPLETED)
            if not done:
                break
    finally:
        for threads in pools:
            threads.close()
    for (site, key), told in asked.items():
        if told is None:
            yield StandingLock(site, key, None, f"the site {site} is away")
        elif told.done():
            yield told.result()
        else:
            yield StandingLock(site, key, None, f"the site {site} gave no answer within {patience_s:g} s")


def _standing_lock(store: Site, site: str, key: str) -> StandingLock:
    try:
        found = store.stat(key)
    except NotFound:
        return StandingLock(site, key, None, "the copy is gone")
    except VanVaultError as error:
        return StandingLock(site, key, None, error.message)
    return StandingLock(site, key, found.retain_until, "" if found.retain_until else "it has no lock")
