"""What is known of entries, segments and the archive now, as far as it speaks for or against a disposal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, KnownSegment, Query, Unread, matches
from vanvault.archiver.core.errors import Damaged, VanVaultError
from vanvault.archiver.core.model import SYSTEM_GATEWAY, SegmentManifest
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.disposal import (
    VERIFIED_WITHIN,
    ArchiveStanding,
    EntryStanding,
    SegmentStanding,
)
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.people.extraction import Extraction
from vanvault.archiver.retention import CaseState, Due, HoldBook
from vanvault.recovery.coverage import unverified_sites
from vanvault.recovery.extraction import known_extractions
from vanvault.recovery.holds import holds_over, known_holds
from vanvault.recovery.reconcile import open_conflicts
from vanvault.recovery.retention import clock_of_case
from vanvault.recovery.status import status
from vanvault.recovery.timeline import Case, Gathering
from vanvault.recovery.work import QUIET, Observer

#: An export that began longer ago and did not end goes on no more.
_EXPORTS = timedelta(days=7)
#: The condition that a disposal itself makes: it must not keep the disposal from its end.
_OF_DISPOSALS = frozenset(("disposal-half-done",))
_NEVER_LOCKED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _CaseFacts:
    """What is known of one transaction."""

    state: CaseState
    log: Due | None
    originals: Due | None
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
        self._extractions = known_extractions(archive)
        self._asked = [(one.id, self._query(dict(one.form.filter))) for one in self._open_extractions()]
        self._conflicts: dict[str, str] = {}
        for one in open_conflicts(archive):
            for entry in (one.id, one.first):
                if entry is not None:
                    self._conflicts[entry] = one.id or entry
        self._known: dict[str, _CaseFacts] = {}

    @property
    def holds(self) -> HoldBook:
        """All holds on record."""
        return self._holds

    @property
    def lacking(self) -> tuple[str, ...]:
        """What of the record of holds and extractions could not be read, for people."""
        unclear = tuple(f"{event}: a hold that this version cannot read" for event in self._holds.unclear)
        return (*self._holds.lacking, *unclear, *self._extractions.lacking)

    def entries_of(self, segment: KnownSegment) -> list[EntryStanding]:
        """Every entry of a segment that is not disposed of yet.

        Raises Damaged: not every entry could be found; SiteUnavailable.
        """
        manifest, unread = segment.manifest, list[Unread]()
        query = Query(from_us=manifest.first_us, to_us=manifest.last_us + 1, order="oldest")
        items = [one for one in self._archive.search.every(query, unread.append) if _is_of(manifest, one)]
        if unread or len(items) != manifest.rows:
            why = f"{unread[0].object} is {unread[0].reason}" if unread else "entries are missing"
            raise Damaged(f"the segment {manifest.segment} cannot be read whole: {why}", key=segment.key)
        return [self._entry(item) for item in items if item["entry"] in ("message", "event")]

    def _entry(self, item: Item) -> EntryStanding:
        if item["gateway"] == SYSTEM_GATEWAY:
            facts = _CaseFacts("open", None, None)
        else:
            facts = self._known.get(item["id"]) or self._gathered(item)
        return EntryStanding(
            item["id"],
            item["gateway"],
            item["entry"],
            item["size"],
            facts.state,
            facts.log,
            facts.originals,
            facts.holds,
            facts.conflicts,
            facts.asked_for,
            facts.unread,
        )

    def _gathered(self, item: Item) -> _CaseFacts:
        """Of the transaction of an entry, remembered for all its entries."""
        gathering = Gathering(self._archive)
        items = [item]
        try:
            subject, items = gathering.of_entry(item)
            shown = clock_of_case(self._archive, Case(subject, tuple(items), gathering.unread))
            facts = _CaseFacts(
                shown.clock.state,
                shown.log,
                shown.originals,
                tuple(hold.id for hold in holds_over(self._holds, items)),
                tuple(sorted({self._conflicts[one["id"]] for one in items if one["id"] in self._conflicts})),
                tuple(id for id, query in self._asked if any(_finds(query, one) for one in items)),
                gathering.unread,
            )
        except VanVaultError as error:
            facts = _CaseFacts("open", None, None, unread=(error.message,))
        for one in (item, *items):
            self._known[one["id"]] = facts
        return facts

    def _open_extractions(self) -> list[Extraction]:
        now = self._archive.clock.now()
        over = ("handed-over", "over")
        return [one for one in self._extractions if one.state(now) not in over]

    def _query(self, filter: dict[str, str]) -> Query:
        return Query.parse(filter.items(), self._archive.search.cursor_key)


def segment_standing(archive: Archive, segment: KnownSegment) -> SegmentStanding:
    """The locks of a segment's objects at each site, and which segments it shares batches with.

    Sites are asked only once the locks that were asked for at first are over.
    """
    manifest = segment.manifest
    asked = max(parse_rfc3339(part.retain_until) for part in manifest.parts)
    keys = (segment.key, *(part.key for part in manifest.parts))
    locked: dict[str, datetime | None] = {}
    for site in archive.sites:
        locked[site] = asked if asked >= archive.clock.now() else _last_lock(archive, site, keys)
    _, overlapping = beside(archive, segment)
    return SegmentStanding(manifest.segment, locked, tuple(one.manifest.segment for one in overlapping))


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


def archive_standing(archive: Archive, standings: Standings, observer: Observer = QUIET) -> ArchiveStanding:
    """What is known of the archive as a whole, after a look at its sites.

    Raises SiteUnavailable, Damaged (what is on record cannot be read), KeyUnavailable.
    """
    looked, now = status(archive, observer), archive.clock.now()
    late = unverified_sites(archive.search, archive.sites, VERIFIED_WITHIN, now)
    limit = now - VERIFIED_WITHIN
    verified = {site: _since(late.get(site, now), limit) for site in archive.sites}
    verdict, _ = archive.trust.present_clocks()
    return ArchiveStanding(
        verified,
        {one.site: one.detail for one in looked.sites if not one.reachable},
        "" if verdict.ok else verdict.detail,
        tuple(
            f"{one.kind.id} ({one.text})"
            for one in looked.conditions
            if one.severity == "error" and one.kind.id not in _OF_DISPOSALS
        ),
        tuple(_exports(archive, now)),
        (*standings.lacking, *(() if looked.complete else ("the newest entries of the archive",))),
    )


def _since(since: datetime, limit: datetime) -> datetime | None:
    """The coverage tells what was never read by its limit."""
    return None if since == limit else since


def _exports(archive: Archive, now: datetime) -> Iterable[str]:
    from_us = to_us(now - _EXPORTS)
    ended = {
        str(event.detail.get("export"))
        for event in own_events(archive.search, EventType.EXPORT_FINISHED, from_us=from_us)
    }
    for type in (EventType.EXPORT_STARTED, EventType.EXPORT_RESUMED):
        for event in own_events(archive.search, type, from_us=from_us):
            if str(event.detail.get("export")) not in ended:
                yield str(event.detail.get("export"))


def _last_lock(archive: Archive, site: str, keys: Sequence[str]) -> datetime | None:
    """The latest lock of any version of these objects at one site; None: it is not known."""
    store, last = archive.sites[site], _NEVER_LOCKED
    try:
        for key in keys:
            for version in store.versions(key):
                until = store.stat(key, version.version).retain_until
                last = max(last, until or _NEVER_LOCKED)
    except VanVaultError:
        return None
    return last


def _is_of(manifest: SegmentManifest, item: Item) -> bool:
    writer, sequence, _ = parse_archive_id(item["id"])
    return manifest.holds(writer, sequence)


def _finds(query: Query, item: Item) -> bool:
    received = to_us(parse_rfc3339(item["received_at"]))
    return query.from_us <= received < query.to_us and matches(item, query.filters)
