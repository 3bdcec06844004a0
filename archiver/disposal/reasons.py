"""Why an entry, a segment or a whole archive may not be disposed of now: one function for each reason. Pure.

Each gives "" where it finds nothing against it, else words that say why not. What cannot be told (a part that
could not be read) speaks against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.retention import CaseState, Due

#: So long after its last day an entry stays before it may be planned.
GRACE = timedelta(days=30)
#: Every site was verified whole within this time.
VERIFIED_WITHIN = timedelta(days=7)

#: What goes: the whole entry, or only its bytes.
DisposedWhat = Literal["entry", "original"]


@dataclass(frozen=True, slots=True)
class EntryStanding:
    """What is known of one entry, and of the whole transaction that it belongs to, at a moment."""

    id: str
    gateway: str
    entry: Literal["message", "event"]
    bytes: int
    state: CaseState
    log: Due | None  # of the transaction; None: it is open
    originals: Due | None
    holds: tuple[str, ...] = ()  # ids of holds over any entry of the transaction
    conflicts: tuple[str, ...] = ()  # ids of the gateway's messages of the transaction that have two contents
    asked_for: tuple[str, ...] = ()  # extractions and exports that are not over, and find any entry of it
    unread: tuple[str, ...] = ()  # what of the transaction could not be read
    transaction: str = ""  # the same for all entries of one
    closes: tuple[str, ...] = ()  # of the line that closed it: ids of the other entries that are there still
    is_reduced: bool = False  # its bytes were disposed of before
    is_first: bool = False  # of its transaction
    names_insured: bool = False  # it names an insured person by number


@dataclass(frozen=True, slots=True)
class SegmentStanding:
    """What is known of the objects of one segment."""

    segment: str  # id
    locked: datetime  # the last of the locks that its objects were given at first
    covers: tuple[tuple[str, int, int], ...] = ()  # its batches: writer, first and last sequence
    overlaps: tuple[str, ...] = ()  # segments that share a part of its batches, and do not hold all of them


@dataclass(frozen=True, slots=True)
class ArchiveStanding:
    """What is known of the archive as a whole."""

    verified: Mapping[str, datetime | None]  # by site, since when all of it is known to be whole
    away: Mapping[str, str]  # site -> why
    clock: str = ""  # what is wrong with the clocks, for people
    incidents: tuple[str, ...] = ()  # conditions of severity error that stand, for people
    exports: tuple[str, ...] = ()  # exports that have begun and not ended, for people
    lacking: tuple[str, ...] = ()  # what of the record of holds, extractions or disposals could not be read


def is_own(entry: EntryStanding, now: datetime) -> str:
    """The archive's own lines tell what was done to it."""
    return "it is a line of the archive's own" if entry.gateway == SYSTEM_GATEWAY else ""


def is_unread(entry: EntryStanding, now: datetime) -> str:
    """What is not known whole is kept."""
    return f"its transaction could not be read whole: {_some(entry.unread)}" if entry.unread else ""


def is_open(entry: EntryStanding, now: datetime) -> str:
    """Nothing that is open is ever due."""
    if entry.state == "open" or entry.log is None or entry.originals is None:
        return "its transaction is open"
    return ""


def is_not_due(entry: EntryStanding, now: datetime) -> str:
    """Neither the whole entry nor its bytes are due for long enough."""
    if entry.log is None or entry.originals is None or what_is_due(entry, now) is not None:
        return ""
    ends = entry.log.until if entry.entry == "event" else min(entry.log.until, entry.originals.until)
    if now < ends:
        return f"it is owed until the end of {_last_day(entry)}"
    return f"it was owed until the end of {_last_day(entry)}, which is not {GRACE.days} days ago"


def is_held(entry: EntryStanding, now: datetime) -> str:
    """A hold over any entry of a transaction keeps all of it."""
    return f"its transaction is held: {_some(entry.holds)}" if entry.holds else ""


def is_in_conflict(entry: EntryStanding, now: datetime) -> str:
    """Which of two contents is the right one, somebody must still say."""
    return f"an id of its transaction has two contents: {_some(entry.conflicts)}" if entry.conflicts else ""


def is_asked_for(entry: EntryStanding, now: datetime) -> str:
    """An authority waits for it, or it is being copied."""
    return f"it is asked for: {_some(entry.asked_for)}" if entry.asked_for else ""


#: In the order in which the first that speaks against an entry is told.
ENTRY_REASONS: Mapping[str, Callable[[EntryStanding, datetime], str]] = {
    "own": is_own,
    "unread": is_unread,
    "open": is_open,
    "not-due": is_not_due,
    "held": is_held,
    "conflict": is_in_conflict,
    "asked-for": is_asked_for,
}


def is_locked(segment: SegmentStanding, now: datetime) -> str:
    """Its objects lie under the locks with which they began.

    A lock that a keeper prolonged for something else in the segment keeps the bytes, and no answer.
    """
    return f"locked until {rfc3339_seconds(segment.locked)}" if segment.locked >= now else ""


def is_overlapped(segment: SegmentStanding, now: datetime) -> str:
    """What stands in its place would not hold all that the other one does."""
    return f"shares batches with {_some(segment.overlaps)}" if segment.overlaps else ""


SEGMENT_REASONS: Mapping[str, Callable[[SegmentStanding, datetime], str]] = {
    "locked": is_locked,
    "overlap": is_overlapped,
}


def is_away(archive: ArchiveStanding, now: datetime) -> str:
    """What a site knows may be a hold, and what lies there must go, too."""
    return "; ".join(f"the site {site} is away: {why}" for site, why in sorted(archive.away.items()))


def is_unverified(archive: ArchiveStanding, now: datetime) -> str:
    """What stands in place of a segment is read from it, so all must be whole."""
    found = []
    for site, since in sorted(archive.verified.items()):
        if since is None:
            found.append(f"{site} was not verified whole")
        elif since < now - VERIFIED_WITHIN:
            found.append(f"{site} was verified whole at {rfc3339_seconds(since)}, too long ago")
    return f"{'; '.join(found)}: vanvault verify" if found else ""


def is_clock_off(archive: ArchiveStanding, now: datetime) -> str:
    """By a clock that is ahead everything would be due."""
    return archive.clock


def has_incident(archive: ArchiveStanding, now: datetime) -> str:
    """While something is wrong nothing is removed."""
    return f"something is wrong: {_some(archive.incidents)}: vanvault status" if archive.incidents else ""


def is_exporting(archive: ArchiveStanding, now: datetime) -> str:
    """Somebody takes a copy at this moment."""
    return f"an export has not ended: {_some(archive.exports)}" if archive.exports else ""


def is_lacking(archive: ArchiveStanding, now: datetime) -> str:
    """A hold may be in what could not be read."""
    return f"a part of the record could not be read: {_some(archive.lacking)}" if archive.lacking else ""


ARCHIVE_REASONS: Mapping[str, Callable[[ArchiveStanding, datetime], str]] = {
    "away": is_away,
    "clock": is_clock_off,
    "unverified": is_unverified,
    "incident": has_incident,
    "export": is_exporting,
    "lacking": is_lacking,
}


def why_entry_stays(entry: EntryStanding, now: datetime) -> tuple[str, str] | None:
    """The first reason against it, and its words; None: it may go."""
    for name, says in ENTRY_REASONS.items():
        if words := says(entry, now):
            return name, words
    return None


def why_segment_stays(segment: SegmentStanding, now: datetime) -> tuple[str, str] | None:
    """The same for all of a segment."""
    for name, says in SEGMENT_REASONS.items():
        if words := says(segment, now):
            return name, words
    return None


def what_stops(archive: ArchiveStanding, now: datetime) -> dict[str, str]:
    """Everything that speaks against any disposal now, by reason; empty: nothing."""
    return {name: words for name, says in ARCHIVE_REASONS.items() if (words := says(archive, now))}


def what_is_due(entry: EntryStanding, now: datetime) -> tuple[DisposedWhat, Due] | None:
    """What of an entry is due for long enough, and by which rule; whatever else speaks against it.

    A message goes whole once its log and its original are due, an event with the log alone; of a message
    whose original alone is due, the original.
    """
    log, originals = entry.log, entry.originals
    if log is None or originals is None:
        return None
    whole = log if entry.entry == "event" or log.until >= originals.until else originals
    if whole.until + GRACE < now:
        return "entry", whole
    if entry.entry == "message" and not entry.is_reduced and originals.until + GRACE < now:
        return "original", originals
    return None


def _last_day(entry: EntryStanding) -> str:
    ends = [due.last_day for due in (entry.log, entry.originals) if due is not None]
    return (ends[0] if entry.entry == "event" else min(ends)).isoformat()


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
