"""What is known of entries and segments now, as far as it keeps them or lets them go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, KnownSegment, Query, matches
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.times import from_us, parse_rfc3339, to_us, vietnam_day
from vanvault.archiver.disposal import (
    EntryStanding,
    SegmentStanding,
    what_is_due,
)
from vanvault.archiver.people.extraction import Extraction
from vanvault.archiver.retention import CaseState, Due, HoldBook
from vanvault.recovery.extraction import known_extractions
from vanvault.recovery.holds import holds_over, known_holds
from vanvault.recovery.reconcile import open_conflicts
from vanvault.recovery.retention import EntryClock, clock_of_case, clocks_of_segments, owed_profiles
from vanvault.recovery.timeline import Case, Gathering


@dataclass(frozen=True, slots=True)
class _CaseFacts:
    """What is known of one transaction."""

    key: str
    state: CaseState
    log: Due | None
    originals: Due | None
    ids: tuple[str, ...] = ()  # of its entries that are there still
    closed_by: str = ""  # id of the line that closed it
    holds: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    asked_for: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Standings:
    """One reading of holds, conflicts and extractions; each transaction is gathered once."""

    def __init__(self, archive: Archive) -> None:
        """Raises SiteUnavailable, Damaged (the index cannot be read)."""
        self._archive = archive
        self._holds: HoldBook = known_holds(archive)
        self._owed = owed_profiles(archive)
        self._extractions = known_extractions(archive)
        self._asked = [(one.id, self._query(dict(one.form.filter))) for one in self._open_extractions()]
        self._conflicts: dict[str, str] = {}
        for one in open_conflicts(archive):
            for entry in (one.id, one.first):
                if entry is not None:
                    self._conflicts[entry] = one.id or entry
        self._known: dict[str, _CaseFacts] = {}

    @property
    def holds(self) -> frozenset[str]:
        """Ids of all holds in force."""
        return frozenset(one.id for one in self._holds.in_force())

    @property
    def lacking(self) -> tuple[str, ...]:
        """What of the record of holds and extractions could not be read, for people."""
        unclear = tuple(f"{event}: a hold that this version cannot read" for event in self._holds.unclear)
        return (*self._holds.lacking, *unclear, *self._extractions.lacking)

    def entries_of(
        self, segments: Sequence[KnownSegment]
    ) -> Iterator[tuple[KnownSegment, list[EntryStanding] | None]]:
        """Every entry of these segments that is not disposed of yet; None: not all of one could be read.

        All logs are gone through once; a transaction is gathered by itself only once its entries are due by
        that. Raises SiteUnavailable, Damaged (the index), KeyUnavailable, SettingsError.
        """
        clocks: dict[str, list[EntryClock]] = {}
        for clock in clocks_of_segments(self._archive, segments, lambda unread: None):
            clocks.setdefault(clock.segment, []).append(clock)
        for segment in segments:
            found = clocks.pop(segment.key, [])
            if len(found) != segment.manifest.rows:
                yield segment, None
                continue
            reduced = reduced_in(self._archive, segment)
            yield segment, [self._told(one, reduced) for one in found if one.entry != "disposed"]

    def entry(self, id: str, *, reduced: bool = False) -> EntryStanding:
        """One entry, with its transaction gathered. Raises NotFound, SiteUnavailable, Damaged."""
        item = self._archive.search.entry(id)
        return self._judged(item, id, item["entry"], item["size"], reduced)

    def _told(self, clock: EntryClock, reduced: frozenset[str]) -> EntryStanding:
        is_first = clock.received_us == clock.first_us and not clock.repeats
        known = self._entry(clock, reduced)
        return replace(known, is_first=is_first, names_insured=clock.has_insurance_number)

    def _entry(self, clock: EntryClock, reduced: frozenset[str]) -> EntryStanding:
        log, originals = self._due(clock.due_log_us, "log"), self._due(clock.due_originals_us, "originals")
        entry: Literal["message", "event"] = "event" if clock.entry == "event" else "message"
        known = EntryStanding(
            clock.id,
            clock.gateway,
            entry,
            clock.size,
            clock.state,
            log,
            originals,
            unread=("a part of the archive",) if clock.unread else (),
            transaction=f"{clock.gateway} {clock.transaction or clock.id}",
            is_reduced=clock.id in reduced,
        )
        if clock.is_own or what_is_due(known, self._archive.clock.now()) is None:
            return known
        try:
            item = self._archive.search.entry(clock.repeats or clock.id)
        except VanVaultError as error:
            return replace(known, unread=(error.message,))
        return self._judged(item, clock.id, entry, clock.size, clock.id in reduced)

    def _judged(
        self, item: Item, id: str, entry: Literal["message", "event"], size: int, reduced: bool
    ) -> EntryStanding:
        """``item``: the entry itself, or the one that it repeats."""
        facts = self._known.get(item["id"]) or self._gathered(item)
        others = tuple(one for one in facts.ids if one != item["id"])
        return EntryStanding(
            id,
            item["gateway"],
            entry,
            size,
            facts.state,
            facts.log,
            facts.originals,
            facts.holds,
            facts.conflicts,
            facts.asked_for,
            facts.unread,
            facts.key,
            others if facts.closed_by == item["id"] else (),
            reduced,
        )

    def _due(self, us: int | None, kept: Literal["log", "originals"]) -> Due | None:
        if us is None:
            return None
        until = from_us(us)
        profile = max(self._owed, key=lambda one: getattr(one, kept).years)
        rule = profile.log if kept == "log" else profile.originals
        return Due(rule, profile.name, vietnam_day(until - timedelta(microseconds=1)), until)

    def _gathered(self, item: Item) -> _CaseFacts:
        """Of the transaction of an entry, remembered for all its entries."""
        gathering = Gathering(self._archive)
        items = [item]
        key = f"{item['gateway']} {item['id']}"
        try:
            subject, items = gathering.of_entry(item)
            shown = clock_of_case(self._archive, Case(subject, tuple(items), gathering.unread))
            closed = shown.clock.closed_by
            facts = _CaseFacts(
                f"{subject.gateway} {subject.transaction_id or item['id']}",
                shown.clock.state,
                shown.log,
                shown.originals,
                tuple(one["id"] for one in items if one["entry"] in ("message", "event")),
                closed.entry.id if closed else "",
                tuple(hold.id for hold in holds_over(self._holds, items)),
                tuple(sorted({self._conflicts[one["id"]] for one in items if one["id"] in self._conflicts})),
                tuple(id for id, query in self._asked if any(_finds(query, one) for one in items)),
                gathering.unread,
            )
        except VanVaultError as error:
            facts = _CaseFacts(key, "open", None, None, unread=(error.message,))
        for one in (item, *items):
            self._known[one["id"]] = facts
        return facts

    def _open_extractions(self) -> list[Extraction]:
        now = self._archive.clock.now()
        over = ("handed-over", "over")
        return [one for one in self._extractions if one.state(now) not in over]

    def _query(self, filter: dict[str, str]) -> Query:
        return Query.parse(filter.items(), self._archive.search.cursor_key)


def reduced_in(archive: Archive, segment: KnownSegment) -> frozenset[str]:
    """Ids of entries of which a disposal took the bytes alone. Raises Damaged, SiteUnavailable."""
    if not segment.manifest.is_residue:
        return frozenset()
    known = archive.locator.residue(segment.manifest)
    return frozenset(id for id, row in known.items() if row.what == "original")


def segment_standing(archive: Archive, segment: KnownSegment) -> SegmentStanding:
    """The first locks of a segment's objects, and which segments it shares batches with."""
    manifest = segment.manifest
    locked = max(parse_rfc3339(part.retain_until) for part in manifest.parts)
    _, overlapping = beside(archive, segment)
    covers = tuple((one.writer, one.first, one.last) for one in manifest.covers)
    return SegmentStanding(
        manifest.segment, locked, covers, tuple(one.manifest.segment for one in overlapping)
    )


def beside(
    archive: Archive, segment: KnownSegment
) -> tuple[tuple[KnownSegment, ...], tuple[KnownSegment, ...]]:
    """Segments all of whose batches this one holds, and those with which it shares only some."""
    inside: list[KnownSegment] = []
    overlapping: list[KnownSegment] = []
    for other in archive.catalogue.segments(spare=True):
        if other.key == segment.key:
            continue
        shares = [
            (theirs, ours)
            for theirs in other.manifest.covers
            for ours in segment.manifest.covers
            if theirs.writer == ours.writer and theirs.first <= ours.last and ours.first <= theirs.last
        ]
        if not shares:
            continue
        whole = all(
            any(
                theirs.writer == ours.writer and ours.first <= theirs.first and theirs.last <= ours.last
                for ours in segment.manifest.covers
            )
            for theirs in other.manifest.covers
        )
        (inside if whole else overlapping).append(other)
    return tuple(inside), tuple(overlapping)


def _finds(query: Query, item: Item) -> bool:
    received = to_us(parse_rfc3339(item["received_at"]))
    return query.from_us <= received < query.to_us and matches(item, query.filters)
