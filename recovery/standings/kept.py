"""What personal data is kept, and by which duty: counts of entries, and nothing of their contents.

Every entry of every segment is under one reason, the first that keeps it; what nothing keeps waits for a
disposal. See docs/decisions/0038-keeping.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.times import rfc3339_seconds, vietnam_day
from vanvault.archiver.disposal import (
    EntryStanding,
    SegmentStanding,
    what_is_due,
    why_entry_stays,
    why_segment_stays,
)
from vanvault.archiver.retention import Due
from vanvault.recovery.disposal_record import known_disposals
from vanvault.recovery.standings.entries import Standings, segment_standing

#: Nothing keeps it: it waits for a plan, its approvals, its cooling, or its run.
WAITS = "waits"
_NOT_OVER = ("planned", "cooling", "ready", "running", "half-done")


@dataclass(slots=True)
class KeptLine:
    """What one reason keeps, by one duty."""

    reason: str  # see archiver/disposal/reasons.py; or ``waits``
    duty: str  # the rule, the holds, or what else it is kept by; "" where the reason says it all
    clause: str = ""  # of the rule
    entries: int = 0
    transactions: int = 0  # whose first entry is among them
    insured: int = 0  # entries that name an insured person
    bytes: int = 0  # as received
    first_end: datetime | None = None  # of the period or lock; None: it has none
    last_end: datetime | None = None

    @property
    def first_day(self) -> date | None:
        """The last day, in Vietnam, on which what ends first is kept."""
        return _day(self.first_end)

    @property
    def last_day(self) -> date | None:
        """The same of what ends last."""
        return _day(self.last_end)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "reason": self.reason,
            "duty": self.duty,
            "clause": self.clause,
            "entries": self.entries,
            "transactions": self.transactions,
            "insured": self.insured,
            "bytes": self.bytes,
            "first_end": rfc3339_seconds(self.first_end) if self.first_end else None,
            "last_end": rfc3339_seconds(self.last_end) if self.last_end else None,
        }


@dataclass(frozen=True, slots=True)
class KeptData:
    """The whole archive, but for what is in no segment yet."""

    at: datetime
    lines: tuple[KeptLine, ...]  # by reason and duty
    disposals: tuple[tuple[str, str], ...]  # those that are not over: id and state
    uncompacted: int  # batches in no segment yet, which are not counted here
    unread: tuple[str, ...] = ()  # segments that could not be read whole; their entries are counted nowhere

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "at": rfc3339_seconds(self.at),
            "kept": [line.as_json() for line in self.lines],
            "disposals": [{"disposal": id, "state": state} for id, state in self.disposals],
            "uncompacted": self.uncompacted,
            "unread": list(self.unread),
        }


@dataclass(slots=True)
class _Counting:
    now: datetime
    lines: dict[tuple[str, str], KeptLine] = field(default_factory=dict)

    def take(self, entry: EntryStanding, segment: SegmentStanding) -> None:
        reason, duty, due, end = self._why(entry, segment)
        line = self.lines.setdefault((reason, duty), KeptLine(reason, duty, due.rule.source if due else ""))
        line.entries += 1
        line.transactions += entry.is_first
        line.insured += entry.names_insured
        line.bytes += entry.bytes
        if end is not None:
            line.first_end = min(line.first_end or end, end)
            line.last_end = max(line.last_end or end, end)

    def _why(
        self, entry: EntryStanding, segment: SegmentStanding
    ) -> tuple[str, str, Due | None, datetime | None]:
        """Reason and duty, the rule where a period keeps it, and when that or the lock ends."""
        if stays := why_entry_stays(entry, self.now):
            reason = stays[0]
            if reason != "not-due":
                named = {"held": entry.holds, "asked-for": entry.asked_for}.get(reason, ())
                return reason, ", ".join(named), None, None
            due = entry.log if entry.entry == "event" else _first_of(entry)
            kept = "log" if due is entry.log else "originals"
            return reason, f"{due.profile} {kept}" if due else "", due, due.until if due else None
        if stays := why_segment_stays(segment, self.now):
            return stays[0], "", None, segment.locked
        what = what_is_due(entry, self.now)
        return WAITS, what[0] if what else "", what[1] if what else None, what[1].until if what else None


def kept_data(archive: Archive) -> KeptData:
    """Why everything is kept that is archived. All logs are gone through, some segments at a time.

    Raises SiteUnavailable, Damaged (the index or the record), KeyUnavailable, SettingsError.
    """
    counting = _Counting(archive.clock.now())
    unread = tuple(_count(archive, counting))
    lines = sorted(counting.lines.values(), key=lambda line: (line.reason, line.duty))
    disposals = ((one.record.id, one.state) for one in known_disposals(archive) if one.state in _NOT_OVER)
    return KeptData(counting.now, tuple(lines), tuple(disposals), archive.tail.count_uncompacted(), unread)


def _count(archive: Archive, counting: _Counting) -> Iterator[str]:
    """Segments that could not be read whole."""
    standings, segments = Standings(archive), archive.catalogue.segments()
    together = archive.settings.retention.segments_together
    for start in range(0, len(segments), together):
        for segment, entries in standings.entries_of(segments[start : start + together]):
            if entries is None:
                yield segment.key
                continue
            locks = segment_standing(archive, segment)
            for entry in entries:
                counting.take(entry, locks)


def _first_of(entry: EntryStanding) -> Due | None:
    """What ends first: the period of the log, or of the originals."""
    dues = [due for due in (entry.log, entry.originals) if due is not None]
    return min(dues, key=lambda due: due.until, default=None)


def _day(end: datetime | None) -> date | None:
    """A period ends with the last moment of its day."""
    return None if end is None else vietnam_day(end - timedelta(microseconds=1))
