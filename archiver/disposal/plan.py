"""What one disposal would take, and what stays and why: made from what is known at one moment. Pure.

As JSON, the body of the signed plan (``recovery/disposal`` adds who made it)::

    segments  of each of which something goes: segment, covers (writer, first, last), rows, entries,
              originals, bytes, rules (each with rule, clause, entries), first_due and last_due (days), kept
              (entries that stay, by reason)
    locked    how many segments were not looked at because a lock stands
    left_out  other segments that cannot be touched: segment, reason, why
    kept      entries that stay in all segments that were looked at, by reason
    counts    segments, entries, originals, bytes
    more      true: something else was due that is for the next plan
    entries   [id, what, rule, day] of each that goes, sorted
    ids_sha256  SHA-256 (hex) of the lines "ID WHAT", each ended by 0x0A, in that order
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.disposal.reasons import (
    DisposedWhat,
    EntryStanding,
    SegmentStanding,
    what_is_due,
    why_entry_stays,
    why_segment_stays,
)


@dataclass(frozen=True, slots=True, order=True)
class PlannedEntry:
    """One entry that goes."""

    id: str
    what: DisposedWhat
    rule: str  # ``PROFILE log`` or ``PROFILE originals``
    due: str  # its last day, ``2036-11-30``


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """What goes of one segment, and what of it stays."""

    segment: str
    covers: tuple[tuple[str, int, int], ...]  # writer, first and last sequence
    rows: int
    entries: int  # whole ones
    originals: int  # of entries that stay otherwise
    bytes: int
    rules: tuple[tuple[str, str, int], ...]  # rule, clause, entries
    first_due: str
    last_due: str
    kept: Mapping[str, int]  # by reason

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "segment": self.segment,
            "covers": [list(one) for one in self.covers],
            "rows": self.rows,
            "entries": self.entries,
            "originals": self.originals,
            "bytes": self.bytes,
            "rules": [{"rule": rule, "clause": clause, "entries": n} for rule, clause, n in self.rules],
            "first_due": self.first_due,
            "last_due": self.last_due,
            "kept": dict(sorted(self.kept.items())),
        }


@dataclass(frozen=True, slots=True)
class DisposalPlan:
    """What goes and what stays."""

    segments: tuple[PlannedSegment, ...]
    entries: tuple[PlannedEntry, ...]  # sorted
    left_out: tuple[tuple[str, str, str], ...]  # segment, reason, words
    kept: Mapping[str, int]
    locked: int  # segments
    more: bool

    @property
    def counts(self) -> dict[str, int]:
        """Of what goes."""
        return {
            "segments": len(self.segments),
            "entries": sum(one.entries for one in self.segments),
            "originals": sum(one.originals for one in self.segments),
            "bytes": sum(one.bytes for one in self.segments),
        }

    @property
    def ids_sha256(self) -> str:
        """Of the sorted list of what goes."""
        return ids_digest((one.id, one.what) for one in self.entries)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "segments": [one.as_json() for one in self.segments],
            "locked": self.locked,
            "left_out": [{"segment": id, "reason": name, "why": why} for id, name, why in self.left_out],
            "kept": dict(sorted(self.kept.items())),
            "counts": self.counts,
            "more": self.more,
            "entries": [[one.id, one.what, one.rule, one.due] for one in self.entries],
            "ids_sha256": self.ids_sha256,
        }


@dataclass(frozen=True, slots=True)
class _Goes:
    """One entry that may go, with what the plan tells of it."""

    planned: PlannedEntry
    clause: str
    bytes: int
    closes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was looked at of one segment."""

    segment: SegmentStanding
    rows: int
    goes: tuple[_Goes, ...]
    kept: Counter[str]


@dataclass
class PlanMaking:
    """Takes one segment after the other, until so many entries are planned; the rest is for the next plan.

    A transaction is not divided where the plan ends, and the line that closed one goes with the last of its
    other entries: without it they would look open, and stay for ever.

    ``last_day``: only what was due by then; ``gateways``: only theirs; what another wish leaves is counted as
    ``not-asked``.
    """

    now: datetime
    most: int
    last_day: date | None = None
    gateways: frozenset[str] = frozenset()
    _taken: list[_Taken] = field(default_factory=list)
    _left_out: list[tuple[str, str, str]] = field(default_factory=list)
    _locked: int = 0
    _entries: int = 0
    _more: bool = False

    @property
    def is_full(self) -> bool:
        """Nothing more is taken."""
        return self._entries >= self.most

    def look(self, segment: SegmentStanding) -> bool:
        """May anything of a segment go? Else it is counted or named, and its entries need not be read."""
        stays = why_segment_stays(segment, self.now)
        if stays is None:
            return True
        if stays[0] == "locked":
            self._locked += 1  # most of an archive is
        else:
            self._left_out.append((segment.segment, *stays))
        return False

    def take(self, segment: SegmentStanding, entries: Sequence[EntryStanding]) -> None:
        """What goes of a segment that ``look`` let through; ``entries``: all of its entries."""
        kept: Counter[str] = Counter()
        goes: list[_Goes] = []
        in_order = sorted(entries, key=lambda entry: (entry.transaction, entry.id))
        for _, together in groupby(in_order, key=lambda entry: entry.transaction):
            found = [one for entry in together if (one := self._judged(entry, kept)) is not None]
            room = self.most - self._entries - len(goes)
            if len(found) > room:
                self._more = True
                divided = found[:room] if len(found) > self.most else []  # longer than any plan
                kept["next-plan"] += len(found) - len(divided)
                found = divided
            goes += found
        self._entries += len(goes)
        self._taken.append(_Taken(segment, len(entries), tuple(goes), kept))

    def leave_out(self, segment: str, reason: str, why: str) -> None:
        """A segment cannot be looked at; it is named."""
        self._left_out.append((segment, reason, why))

    def leave(self) -> None:
        """A segment was not looked at, because the plan is full."""
        self._more = True

    def done(self) -> DisposalPlan:
        """The plan."""
        ids = {one.planned.id for taken in self._taken for one in taken.goes}
        segments: list[PlannedSegment] = []
        entries: list[PlannedEntry] = []
        kept: Counter[str] = Counter()
        for taken in self._taken:
            goes = [one for one in taken.goes if ids.issuperset(one.closes)]
            stay = taken.kept + Counter({"closes-others": len(taken.goes) - len(goes)})
            kept += stay
            entries += [one.planned for one in goes]
            if goes:
                segments.append(_segment(taken, goes, stay))
        left_out = tuple(self._left_out)
        return DisposalPlan(
            tuple(segments), tuple(sorted(entries)), left_out, dict(kept), self._locked, self._more
        )

    def _judged(self, entry: EntryStanding, kept: Counter[str]) -> _Goes | None:
        """What goes of an entry; None: it stays, and is counted."""
        stays = why_entry_stays(entry, self.now)
        if stays is None and not self._is_asked(entry):
            stays = ("not-asked", "")
        due = what_is_due(entry, self.now)
        if stays is not None or due is None:
            kept[stays[0] if stays else "not-due"] += 1
            return None
        what, owed = due
        rule = f"{owed.profile} {'originals' if owed is entry.originals else 'log'}"
        planned = PlannedEntry(entry.id, what, rule, owed.last_day.isoformat())
        return _Goes(planned, owed.rule.source, entry.bytes, entry.closes)

    def _is_asked(self, entry: EntryStanding) -> bool:
        if self.gateways and entry.gateway not in self.gateways:
            return False
        due = what_is_due(entry, self.now)
        return self.last_day is None or due is None or due[1].last_day <= self.last_day


def _segment(taken: _Taken, goes: Sequence[_Goes], kept: Mapping[str, int]) -> PlannedSegment:
    rules = Counter((one.planned.rule, one.clause) for one in goes)
    days = [one.planned.due for one in goes]
    return PlannedSegment(
        taken.segment.segment,
        taken.segment.covers,
        taken.rows,
        sum(one.planned.what == "entry" for one in goes),
        sum(one.planned.what == "original" for one in goes),
        sum(one.bytes for one in goes),
        tuple((rule, clause, n) for (rule, clause), n in sorted(rules.items())),
        min(days),
        max(days),
        dict(kept),
    )


def ids_digest(ids: Iterable[tuple[str, str]]) -> str:
    """SHA-256 (hex) of the list of what goes, whatever its order: (id, what) of each."""
    lines = "".join(f"{id} {what}\n" for id, what in sorted(ids))
    return hashlib.sha256(lines.encode()).hexdigest()


def planned_entries(told: Mapping[str, Any]) -> tuple[PlannedEntry, ...]:
    """The entries of a signed plan. Raises Damaged: it does not agree with itself."""
    try:
        found = tuple(PlannedEntry(*map(str, one)) for one in told["entries"])  # type: ignore[arg-type]
        sound = ids_digest((one.id, one.what) for one in found) == told["ids_sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("this is no plan of a disposal") from error
    if not sound or any(one.what not in ("entry", "original") for one in found):
        raise Damaged("the plan does not agree with the digest of its own list")
    return found
