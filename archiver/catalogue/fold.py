"""Keeping hot tail and catalogue level with the sites: list, complete what is in doubt, decode, apply.

Three folds (``SiteFold``), all safe to repeat:

- ``batches``: every committed batch that the hot tail does not know. The restart after a crash is this
  same path. A batch that lies at some sites but not at all of them was in doubt when its writer stopped: its
  gateway may have been told that it may be stored or, where the policy ``any`` is possible, that it is. It is
  completed, so that the retry finds it and no message exists twice; where a site is away and nobody waits
  for it, it is folded as it is. Into an empty hot tail the newest come first, because searches answer
  meanwhile (``unfolded``).
- ``follow``: what the other nodes of an archive committed since the last time, within a second. It asks each
  active writer only for what comes after its last known object and looks for writers that began lately: a few
  requests, however large the archive is. What it cannot see (an object that was completed long after its
  successors) the next ``batches`` finds.
- ``segments``: which segments there are. A manifest is written after its segment was proved at every
  site, and it is signed. So one site is enough to learn of a segment: the other may be away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.catalogue.catalogue import Catalogue
from vanvault.archiver.catalogue.filling import NewestFirst, read_ahead
from vanvault.archiver.catalogue.hot_tail import (
    SKEW_US,
    BatchNumbers,
    Claim,
    FindRepeats,
    FoldedBatch,
    HotTail,
)
from vanvault.archiver.catalogue.lost_batches import SeenBatches, note_damaged, note_lost
from vanvault.archiver.core.errors import (
    Damaged,
    Forged,
    InvalidInput,
    KeyUnavailable,
    NotFound,
    SiteFaulty,
    SiteUnavailable,
)
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.format.segments import decode_manifest
from vanvault.archiver.core.model import Batch, Placement, SegmentManifest
from vanvault.archiver.core.names import (
    WRITER_ENTROPY,
    batch_prefix,
    new_writer_id,
    parse_key,
    segment_prefix,
)
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import placement_of, put_copy, read_anywhere
from vanvault.archiver.stores import Site, StoredVersion

#: Rows that are folded in one transaction of the hot tail, about.
APPLY_ROWS = 5000
#: Writers' ids begin with their start; a new one is looked for so far back, for clocks that differ and
#: for starts that take long.
_LATELY = timedelta(minutes=3)
#: A writer that was silent for so long is left to ``SiteFold.batches``.
_SILENT = timedelta(days=2)

#: Manifests that are read ahead, each by one request: a new node reads those of all segments.
_MANIFESTS_AHEAD = 8
#: Segments that are noted in one transaction.
_MANIFESTS_TOGETHER = 100

#: Keys in order, each with its oldest version at every site that has it.
_Copies = dict[str, StoredVersion]
_Listing = Iterable[tuple[str, _Copies]]


@dataclass(frozen=True, slots=True)
class FoldReport:
    """What a fold did, or several folds together (``of``)."""

    folded: int = 0  # batches that the hot tail did not know
    settled: int = 0  # batches that were completed at a site
    segments: int = 0  # that the catalogue did not know
    indexed: int = 0  # segments that the index did not hold
    merged: int = 0  # index files that went into a larger one
    missing: tuple[str, ...] = ()  # batches that must exist and that no site has, by key or its beginning
    unreadable: tuple[str, ...] = ()  # keys that no site gives, though it gives others: not seen by searches
    away: tuple[str, ...] = ()  # sites that were left out; what only they hold is not folded

    @classmethod
    def of(cls, *reports: FoldReport) -> FoldReport:
        """One report of several folds: counts are added up, keys and sites listed in the reports' order."""
        return cls(
            folded=sum(one.folded for one in reports),
            settled=sum(one.settled for one in reports),
            segments=sum(one.segments for one in reports),
            indexed=sum(one.indexed for one in reports),
            merged=sum(one.merged for one in reports),
            missing=tuple(name for one in reports for name in one.missing),
            unreadable=tuple(key for one in reports for key in one.unreadable),
            away=tuple(dict.fromkeys(site for one in reports for site in one.away)),
        )


@dataclass(frozen=True, slots=True)
class _FoldOptions:
    """How batches are folded: see ``SiteFold.batches``."""

    settle: bool
    now: Callable[[], datetime]
    spoiled: frozenset[str]
    partial: bool
    some_away: bool


class SiteFold:
    """Keeps the hot tail and the catalogue of one archive level with its sites; one fold at a time."""

    def __init__(
        self,
        archive: str,
        tail: HotTail,
        catalogue: Catalogue,
        keys: ParquetKeys,
        *,
        public_key: Callable[[str], Ed25519PublicKey],
        repeated: FindRepeats = lambda entries: {},
        longest: Callable[[datetime], datetime] | None = None,
    ) -> None:
        """Over the caches of the archive with this id.

        Args:
            public_key: of the signing key with this id. Raises KeyUnavailable.
            repeated: which entries, by index, repeat a compacted one.
            longest: until when a batch may be locked that is completed at a time; None: as its header says.
        """
        #: Sites that listed their segments wrongly the last time; they were learnt from another.
        self.faulty: dict[str, SiteFaulty] = {}
        self._archive = archive
        self._tail = tail
        self._catalogue = catalogue
        self._keys = keys
        self._public_key = public_key
        self._repeated = repeated
        self._longest = longest
        self._filling: NewestFirst[_Copies] | None = None  # of a first fold that goes on
        self._whole = threading.Lock()  # held by it

    def batches(
        self,
        sites: Mapping[str, Site],
        *,
        settle: bool,
        now: Callable[[], datetime],
        spoiled: frozenset[str] = frozenset(),
        from_start: bool = False,
        partial: bool = False,
        some_away: bool = False,
    ) -> FoldReport:
        """Fold every committed batch that the hot tail does not know and no segment holds.

        Args:
            settle: complete batches that some site lacks (a node that is about to write must); without it
                they are left out of the fold, because they are not acknowledged, unless ``partial``.
            now: the node's time, from which locks of completed batches are counted.
            spoiled: log parts that nobody can read. Batches of their segments are the better copy, as long as
                they last, so they are folded.
            from_start: look at every batch, also at those of writers that ended long ago.
            partial: a batch at one site may be acknowledged (``replicas/policy.py``).
            some_away: ``sites`` are not all; what only the others hold stays to be folded.

        Raises:
            SiteUnavailable: a site cannot be listed, or, with ``settle``, not written.
            KeyUnavailable: the batches' master key is missing.
        """
        self._tail.recheck(self._repeated)
        options = _FoldOptions(settle, now, spoiled, partial, some_away)
        with self._whole:
            ranges = [("", "")] if from_start else self._tail.fold_ranges(to_us(now()))
            if ranges == [("", "")]:
                # A second one beside it would read and decode every batch once more.
                return self._ranges(sites, ranges, options)
        return self._ranges(sites, ranges, options)

    def _ranges(
        self, sites: Mapping[str, Site], ranges: Sequence[tuple[str, str]], options: _FoldOptions
    ) -> FoldReport:
        now, some_away = options.now, options.some_away
        listing = chain.from_iterable(
            _merge_listings(sites, after, before=before) for after, before in ranges
        )
        fold = _BatchFold(
            sites,
            self._tail,
            self._keys,
            settle=_Settling(now, self._longest) if options.settle else None,
            partial=options.partial,
            is_compacted=lambda key: self._catalogue.finds(key, options.spoiled),
            repeated=self._repeated,
        )
        if ranges == [("", "")]:
            self._filling = NewestFirst(fold.wanted(listing))
        try:
            report = fold.apply(self._filling or listing, self._filling)
        finally:
            self._filling = None
        report = FoldReport.of(report, self._lost(sites, fold, report, to_us(now()), some_away))
        if not some_away and not report.unreadable and not fold.skipped:
            self._tail.fold_completed(to_us(now()))
        return report

    def unfolded(self, now_us: int) -> tuple[int, int]:
        """When the entries that a first fold has not reached yet were received, earliest and latest."""
        filling = self._filling
        return filling.times(self._tail.lost_batches.times, now_us) if filling is not None else (0, now_us)

    def _lost(
        self, sites: Mapping[str, Site], fold: _BatchFold, report: FoldReport, now_us: int, away: bool
    ) -> FoldReport:
        """Note what must exist and could not be folded, once it was looked for by its number."""
        seen, reports = SeenBatches(), []

        def add(unreadable: Iterable[str]) -> None:
            ours = [key for key in unreadable if key not in fold.forged and self._is_ours(key)]
            seen.add(ours, fold.skipped)

        def look(numbers: BatchNumbers) -> None:
            found = fold.apply(_numbered(sites, numbers))
            reports.append(found)
            add(found.unreadable)

        add(report.unreadable)
        missing = note_lost(self._tail, seen, look, now_us=now_us, away=away)
        return FoldReport.of(*reports, FoldReport(missing=missing))

    def _is_ours(self, key: str) -> bool:
        """Did a key that is trusted sign this name? What a stranger put at a site is nothing that is lost."""
        try:
            self._keys.proved(key)
        except Forged:
            return False
        return True

    def follow(
        self, sites: Mapping[str, Site], *, own: str, now: datetime, partial: bool = False
    ) -> FoldReport:
        """Fold what writers other than ``own`` committed lately; ``partial``: as ``batches`` takes it.

        Raises SiteUnavailable (a site cannot be listed), KeyUnavailable.
        """
        known = {last.writer: last for last in self._tail.last_batches()}
        since, latest = to_us(now - _SILENT), to_us(now) + SKEW_US
        starts = {
            writer: last.key
            for writer, last in known.items()
            if not last.final and since <= last.created_us <= latest
        }
        begun = (writer for site in sites.values() for writer in _begun(site, now))
        starts |= {writer: "" for writer in begun if writer not in known}
        fold = _BatchFold(sites, self._tail, self._keys, settle=None, partial=partial)
        report = FoldReport.of(
            *(
                fold.apply(_merge_listings(sites, after, f"{batch_prefix()}{writer}/"))
                for writer, after in sorted(starts.items())
                if writer != own
            )
        )
        if report.unreadable:
            seen = SeenBatches()
            seen.add([key for key in report.unreadable if key not in fold.forged and self._is_ours(key)], ())
            note_damaged(self._tail, seen, now_us=to_us(now))
        return report

    def segments(self, sites: Mapping[str, Site], *, now: datetime) -> FoldReport:
        """Note every proved segment that some site lists and the catalogue does not know.

        ``now``: the node's time. A segment of another archive is unreadable. Raises SiteUnavailable when no
        site can be listed.
        """
        listed = sorted(self._listed_manifests(sites, now))
        wanted = ((key, sites) for key in listed if not self._catalogue.knows(key))
        added, unreadable = 0, []
        proved: list[tuple[str, SegmentManifest]] = []
        try:
            with closing(read_ahead(wanted, self._manifest, ahead=_MANIFESTS_AHEAD)) as manifests:
                for key, manifest_of in manifests:
                    try:
                        proved.append((key, manifest_of()))
                    except (Damaged, KeyUnavailable, NotFound):
                        unreadable.append(key)
                    if len(proved) == _MANIFESTS_TOGETHER:
                        added += self._catalogue.add_all(proved)
                        proved = []
        finally:  # what was read before a site went is not read again
            added += self._catalogue.add_all(proved) if proved else 0
        return FoldReport(segments=added, unreadable=tuple(unreadable))

    def _manifest(self, key: str, sites: Mapping[str, Site]) -> SegmentManifest:
        """Raises Damaged (changed, or of another archive), KeyUnavailable, NotFound, SiteUnavailable."""
        self._keys.proved(key)
        manifest = decode_manifest(read_anywhere(sites, key), self._public_key, key=key)
        name = parse_key(key)
        if name is None or (manifest.archive, manifest.segment) != (self._archive, name.writer):
            raise Damaged(f"{key} holds the manifest of another segment", key=key)
        return manifest

    def _listed_manifests(self, sites: Mapping[str, Site], now: datetime) -> set[str]:
        keys: set[str] = set()
        self.faulty = {}
        away: list[SiteUnavailable] = []
        after = self._catalogue.listing_start(to_us(now))
        for site in sites.values():
            try:
                keys.update(
                    version.key
                    for version in site.list(segment_prefix(), after)
                    if (name := parse_key(version.key)) is not None and name.kind == "manifest"
                )
            except SiteUnavailable as error:
                if isinstance(error, SiteFaulty):
                    self.faulty[error.site] = error
                away.append(error)
        if len(away) == len(sites):
            raise away[0]
        return keys


@dataclass(frozen=True, slots=True)
class _Settling:
    """How batches are completed: the node's time, and the latest date that a lock set then may have."""

    now: Callable[[], datetime]
    longest: Callable[[datetime], datetime] | None


class _BatchFold:
    """Batches from listings into the hot tail, a few thousand rows in each transaction."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        tail: HotTail,
        keys: ParquetKeys,
        *,
        settle: _Settling | None,
        partial: bool,
        is_compacted: Callable[[str], bool] = lambda key: False,
        repeated: FindRepeats = lambda entries: {},
    ) -> None:
        self._sites = sites
        self._tail = tail
        self._keys = keys
        self._settle = settle
        self._partial = partial
        self._is_compacted = is_compacted
        self._repeated = repeated
        self.skipped: list[str] = []  # batches that some site lacks and that were therefore left out
        self._settled = 0
        self.forged: set[str] = set()  # keys of what no writer of this archive made: nothing that is lost

    def apply(self, listing: _Listing, filling: NewestFirst[_Copies] | None = None) -> FoldReport:
        """Fold what is new in a listing. Raises as ``SiteFold.batches`` does.

        ``filling``: what the listing is, where somebody asks how far this is.
        """
        folded = rows = 0
        self._settled = 0
        unreadable: list[str] = []
        waiting: list[FoldedBatch] = []
        passed = len(self.skipped)
        with closing(read_ahead(self.wanted(listing), self._whole, self._is_lacking)) as batches:
            for key, batch_of in batches:
                try:
                    batch = batch_of()
                except (Damaged, NotFound) as error:
                    unreadable.append(key)
                    if isinstance(error, Forged):
                        self.forged.add(key)
                    continue
                waiting.append(replace(batch, compacted=self._repeats(batch)))
                rows += batch.header.rows
                if rows < APPLY_ROWS:
                    continue
                folded += self._tail.apply(waiting)
                waiting, rows = [], 0
                if filling is not None:
                    filling.folded(key)
                    if unreadable or len(self.skipped) > passed:
                        filling.passed_over()
        folded += self._tail.apply(waiting)
        return FoldReport(folded, self._settled, unreadable=tuple(unreadable))

    def wanted(self, listing: _Listing) -> Iterator[tuple[str, _Copies]]:
        """What is to be folded now: new, at as many sites as it must be, or to be completed."""
        for key, copies in listing:
            if self._tail.knows([key]) or self._is_compacted(key):
                continue
            if self._is_lacking(copies) and not self._settle and not self._partial:
                self.skipped.append(key)
                continue
            yield key, copies

    def _is_lacking(self, copies: _Copies) -> bool:
        return len(copies) < len(self._sites)

    def _whole(self, key: str, copies: _Copies) -> FoldedBatch:
        """A batch, completed where that is asked for. Raises Damaged, NotFound, SiteUnavailable."""
        if self._settle and self._is_lacking(copies):
            copies = self._complete(key, copies, self._settle)
            self._settled += 1
        return self._decode(key, copies)

    def _repeats(self, batch: FoldedBatch) -> Mapping[int, Claim]:
        try:
            return self._repeated(batch.entries)
        except (Damaged, SiteUnavailable):
            return {}  # better shown twice than not folded: a damaged segment stops no node

    def _complete(
        self, key: str, copies: Mapping[str, StoredVersion], settling: _Settling
    ) -> dict[str, StoredVersion]:
        """All copies of a batch, once it is copied to the sites that lack it."""
        data = read_anywhere(self._sites, key)
        until = _until(decode_batch(key, data, self._keys, bodies=False))
        complete = dict(copies)
        for name, site in self._sites.items():
            if name not in complete:
                complete[name] = _put(site, key, data, until, settling)
        return complete

    def _decode(self, key: str, copies: Mapping[str, StoredVersion]) -> FoldedBatch:
        data = read_anywhere(self._sites, key)
        batch = decode_batch(key, data, self._keys, bodies=False)
        until = _until(batch)
        placements: tuple[Placement, ...] = tuple(
            placement_of(name, copies[name], until) for name in self._sites if name in copies
        )
        return FoldedBatch(key, batch.header, batch.entries, placements)


def _until(batch: Batch) -> datetime:
    """The date in a batch's header. Raises Damaged."""
    try:
        return parse_rfc3339(batch.header.retain_until)
    except InvalidInput as error:
        raise Damaged(f"{batch.key}: its header names no date", key=batch.key) from error


def _put(target: Site, key: str, data: bytes, until: datetime, settling: _Settling) -> StoredVersion:
    """A copy of the right bytes at a site that lacks it. Raises SiteUnavailable."""
    try:
        placement = put_copy(
            target, key, data, retain_until=until, now=settling.now, longest=settling.longest
        )
    except Damaged as error:
        raise _does_not_keep(target, key, error) from error
    return _shown(target, key, placement.version)


def _shown(site: Site, key: str, version: str) -> StoredVersion:
    """A copy that was just put, as its site shows it. Raises SiteUnavailable: it does not show it."""
    try:
        return site.stat(key, version)
    except (Damaged, NotFound) as error:
        raise _does_not_keep(site, key, error) from error


def _does_not_keep(site: Site, key: str, cause: Damaged | NotFound) -> SiteUnavailable:
    """A site that takes a copy and then denies it cannot be used; the object itself is whole elsewhere."""
    failure = SiteUnavailable(
        f"site {site.site} does not keep {key}, which was just copied to it: {cause.message}",
        site=site.site,
        may_be_stored=True,
        hint="Run: vanvault verify.",
    )
    failure.__cause__ = cause
    return failure


def _merge_listings(
    sites: Mapping[str, Site], after: str, prefix: str = batch_prefix(), before: str = ""
) -> Iterator[tuple[str, dict[str, StoredVersion]]]:
    """Keys in order, each with the oldest version at every site that has it: a merge of sorted listings.

    ``before``: the first key that is not wanted; "": there is none.
    """
    listings = {name: _oldest(site, prefix, after, before) for name, site in sites.items()}
    heads = {name: next(listing, None) for name, listing in listings.items()}
    while True:
        present = {name: head for name, head in heads.items() if head is not None}
        if not present:
            return
        key = min(head.key for head in present.values())
        yield key, {name: head for name, head in present.items() if head.key == key}
        for name, head in present.items():
            if head.key == key:
                heads[name] = next(listings[name], None)


def _numbered(
    sites: Mapping[str, Site], numbers: BatchNumbers
) -> Iterator[tuple[str, dict[str, StoredVersion]]]:
    """What the sites list of these batches of one writer."""
    writer, first, last = numbers
    for key, copies in _merge_listings(sites, batch_prefix(writer, first), f"{batch_prefix()}{writer}/"):
        name = parse_key(key)
        if name is not None and name.sequence > last:
            return
        yield key, copies


def _oldest(site: Site, prefix: str, after: str, before: str) -> Iterator[StoredVersion]:
    held: StoredVersion | None = None
    for version in site.list(prefix, after):
        if before and version.key >= before:
            break  # a page of what is not wanted is not asked for
        if parse_key(version.key) is None:
            continue
        if held is not None and held.key != version.key:
            yield held
        held = version
    if held is not None:
        yield held


def _begun(site: Site, now: datetime) -> Iterator[str]:
    """Writers that began lately: one step of the listing each, whatever they wrote.

    Those that began under a clock far ahead are left to ``SiteFold.batches``: each would cost a step for
    years.
    """
    after = batch_prefix() + new_writer_id(now - _LATELY, bytes(WRITER_ENTROPY))
    end = new_writer_id(now + timedelta(microseconds=SKEW_US), bytes(WRITER_ENTROPY))
    while (version := next(iter(site.list(batch_prefix(), after)), None)) is not None:
        name = parse_key(version.key)
        if name is None:
            after = version.key
            continue
        if name.writer >= end:
            return
        yield name.writer
        after = f"{batch_prefix()}{name.writer}0"  # "0" follows "/": past everything of this writer
