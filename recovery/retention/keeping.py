"""Locks follow the clocks: no segment runs out while a transaction in it is open, or is owed for longer.

Locks are of segments, and ten years have thousands, so only those are read whose locks end within half a
year, once a month, and daily in the last week. What is open is locked two years further each
time, what closed late until its last day. Nothing is ever shortened. What cannot be read is kept like
something open, and named.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment, Unread
from vanvault.archiver.core.errors import NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.retention import rounded_up
from vanvault.archiver.core.tasks import Task
from vanvault.archiver.core.times import from_us, parse_rfc3339, rfc3339_seconds
from vanvault.archiver.disk import replace_file
from vanvault.archiver.journal import EventType
from vanvault.archiver.log_lines import Logger
from vanvault.recovery.retention.entry_clock import EntryClock
from vanvault.recovery.retention.entry_clocks import clocks_of_segments
from vanvault.recovery.work import account, is_round_due_on_record

_log = Logger("vanvault.retention")

#: A lock that ends sooner is looked at.
AHEAD = timedelta(days=180)
#: One that ends sooner, and should not, is an alarm.
ALARM = timedelta(days=60)
#: What is open, or cannot be read, is locked so long from now.
_OPEN = timedelta(days=730)
#: Between two looks at a segment whose locks end soon, and may.
_AGAIN = timedelta(days=30)
#: Before the end of a lock that may end: something may have been opened again.
_LAST_LOOK = timedelta(days=7)
#: Between two looks from then on.
_DAILY = timedelta(days=1)
_EVERY_S = 6 * 3600.0
_MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class KeptClocks:
    """What one round did."""

    segments: int  # that were read
    transactions: int  # in them, as far as they had to be looked at
    open: int  # segments with something that is not closed
    extended: int  # copies of objects
    ending: tuple[str, ...] = ()  # objects whose lock ends within ALARM, and should not
    failures: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "segments": self.segments,
            "transactions": self.transactions,
            "open": self.open,
            "extended": self.extended,
            "ending": list(self.ending),
            "failures": list(self.failures),
        }


class _Need:
    """Until when the objects of a segment are needed: to the last day of all, or on while one is open."""

    def __init__(self, segment: KnownSegment, now: datetime) -> None:
        self.segment = segment
        self.transactions: set[tuple[str, str]] = set()  # gateway and id, or the entry's
        self.is_open = False
        self.unread: tuple[str, ...] = ()
        self._is_doubted = False
        self._large: set[str] = set()
        # As long as nothing of a gateway is found.
        self._log = self._originals = rounded_up(from_us(segment.manifest.last_us))
        self._open_until = rounded_up(now + _OPEN)

    def learn(self, entry: EntryClock) -> None:
        """One of its entries."""
        if entry.large_object:
            self._large.add(entry.large_object)
        if entry.is_own:
            return  # the archive's own lines: their lock has a year more than the law's period
        if entry.entry == "disposed":
            return  # what is left of it is in the locks of its residue segment, which are rolled
        self.transactions.add((entry.gateway, entry.transaction or entry.id))
        self._is_doubted = self._is_doubted or entry.unread
        if entry.due_log_us is None or entry.due_originals_us is None:
            self.is_open = True
        else:
            self._log = max(self._log, from_us(entry.due_log_us))
            self._originals = max(self._originals, from_us(entry.due_originals_us))

    def is_unread(self, unread: Collection[str]) -> bool:
        """May something of it, or of its transactions, be among what could not be read?"""
        part = self.segment.manifest.part("log")
        return self._is_doubted or part is None or part.key in unread

    def objects(self) -> dict[str, datetime]:
        """By key, until when each object of it is needed."""
        log, originals = self._log, self._originals
        if self.is_open or self.unread:
            log, originals = max(log, self._open_until), max(originals, self._open_until)
        both = max(log, originals)
        by_kind = {"log": log, "originals": originals}
        parts = {part.key: by_kind.get(part.kind, both) for part in self.segment.manifest.parts}
        return parts | dict.fromkeys((self.segment.key, *self._large), both)


def clock_task(archive: Archive) -> Task:
    """Rounds at a serving node."""
    return Task("clock-locks", lambda stop: keep_clocks(archive), every_s=_EVERY_S)


def keep_clocks(archive: Archive) -> KeptClocks:
    """Prolong, at every site, the locks of segments that are needed for longer than they last.

    Sites that are away, and what could not be read, are in ``failures``. A round that prolonged something, or
    failed, is on record; where there is something to keep, one a day is in any case. Raises SiteUnavailable
    (the record), KeyUnavailable, SettingsError.
    """
    looks = _Round(archive)
    memory = _Memory(archive.home / "cache" / "clocks-kept.json")
    now = archive.clock.now()
    again = memory.read()
    ending = [segment for segment in archive.catalogue.segments() if earliest_lock(segment) < now + AHEAD]
    waiting = [segment for segment in ending if looks.is_to_look(segment, again.get(segment.key, now))]
    together = archive.settings.retention.segments_together
    for start in range(0, len(waiting), together):
        again |= looks.look(waiting[start : start + together])
    memory.write({key: at for key, at in again.items() if at > now})
    done = looks.done()
    told = done.extended or done.failures or done.ending
    if told or (ending and is_round_due_on_record(archive, EventType.RETENTION_KEPT)):
        detail = {**done.as_json(), "who": account()}
        archive.record_aside([archive.system_event(EventType.RETENTION_KEPT, detail)])
    return done


def earliest_lock(segment: KnownSegment) -> datetime:
    """The earliest end of a lock that a segment was written with; kept ones last longer by now."""
    return min(parse_rfc3339(part.retain_until) for part in segment.manifest.parts)


class _Round:
    """One round over segments."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._now = archive.clock.now()
        self._segments = self._transactions = self._open = self._extended = 0
        self._ending: list[str] = []
        self._failures: list[str] = []
        self._away: set[str] = set()

    def done(self) -> KeptClocks:
        return KeptClocks(
            self._segments,
            self._transactions,
            self._open,
            self._extended,
            tuple(self._ending[:_MOST_NAMED]),
            tuple(self._failures[:_MOST_NAMED]),
        )

    def is_to_look(self, segment: KnownSegment, at: datetime) -> bool:
        """Is it time, or is a lock of what was prolonged far shorter again than it was?

        A copy that a restore or a reconciliation made since is locked until the date that was asked for at
        first. A site that is away is asked in the next round.
        """
        if at <= self._now + _AGAIN:
            return at <= self._now
        for store in self._archive.sites.values():
            for key in (segment.key, *(part.key for part in segment.manifest.parts)):
                try:
                    until = store.stat(key).retain_until
                except NotFound:
                    return True
                except VanVaultError:
                    continue
                if until is None or until < at + AHEAD:
                    return True
        return False

    def look(self, segments: Sequence[KnownSegment]) -> dict[str, datetime]:
        """Prolong what is needed of some segments; by the key of each, when to look again."""
        unread: set[str] = set()

        def note(one: Unread) -> None:
            unread.add(one.object)

        needs = {segment.key: _Need(segment, self._now) for segment in segments}
        for entry in clocks_of_segments(self._archive, segments, note):
            needs[entry.segment].learn(entry)
        for need in needs.values():
            if need.is_unread(unread):
                need.unread = tuple(sorted(unread))
        return {key: self._look(need) for key, need in needs.items()}

    def _look(self, need: _Need) -> datetime:
        segment = need.segment
        self._segments += 1
        self._transactions += len(need.transactions)
        self._open += need.is_open
        self._failures += [f"{segment.key}: {name} could not be read" for name in need.unread]
        locks = [
            self._keep(site, key, until)
            for site in self._archive.sites
            for key, until in need.objects().items()
        ]
        known = [lock for lock in locks if lock is not None]
        if need.unread or not known or len(known) < len(locks):
            return self._now
        return _next_look(min(known), self._now)

    def _keep(self, site: str, key: str, wanted: datetime) -> datetime | None:
        """The lock of one copy as it stands afterwards; None where it is not known."""
        if site in self._away:
            return None
        store = self._archive.sites[site]
        try:
            found = store.stat(key)
            until = found.retain_until or self._now
            if self._now < wanted and until < wanted and until < self._now + AHEAD:
                until = store.extend(key, found.version, wanted).retain_until or self._now
                if until < wanted:
                    self._failures.append(f"{site}: the lock of {key} did not become longer")
                self._extended += 1
        except NotFound:
            self._failures.append(f"{site}: {key} is gone")
            return None
        except SiteUnavailable as error:
            self._failures.append(f"{site}: {error.message}")
            self._away.add(site)
            return None
        except VanVaultError as error:
            self._failures.append(f"{site}: {key}: {error.message}")
            return None
        if until < wanted and until < self._now + ALARM:
            self._ending.append(f"{site}: {key}")
        return until


def _next_look(lock: datetime, now: datetime) -> datetime:
    """When to look again at a segment whose earliest lock is this one."""
    if lock - AHEAD > now:
        return lock - AHEAD
    if lock - _LAST_LOOK > now:
        return min(now + _AGAIN, lock - _LAST_LOOK)
    return now + _AGAIN if lock < now else now + _DAILY


class _Memory:
    """When to look at which segment again; a cache: without it everything is looked at."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, datetime]:
        try:
            told = orjson.loads(self._path.read_bytes())
            return {str(key): parse_rfc3339(at) for key, at in told.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError, VanVaultError) as error:
            _log.info("when to look at segments again is not remembered", reason=str(error))
            return {}

    def write(self, again: Mapping[str, datetime]) -> None:
        data = orjson.dumps({key: rfc3339_seconds(at.astimezone(UTC)) for key, at in again.items()})
        with contextlib.suppress(OSError):
            replace_file(self._path, data)
