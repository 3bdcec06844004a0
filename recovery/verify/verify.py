"""Verification: every object at every site is read back, and everything that it says is recomputed.

The steps, in the order in which an object goes through them:

1.  **List.** The sorted listings of all sites are merged by name: segments first, then writer by writer its
    batches and its large objects. Memory is bounded by a page of each listing, the bytes in flight, one
    segment, what one writer's rows say of large objects, four bytes for each compacted batch, and the
    findings.
2.  **Name.** A name that breaks the grammar, or a file that is no version of anything, is ``extra``; a name
    that no trusted key has signed is ``unproved``, and what is larger than any object of its kind
    ``too-large``. Nothing of these is read. A delete marker on top of an object is ``hidden``. What file
    systems and storage boxes make by themselves is a ``system-file``, and no failure. Which problems keep a
    site from being whole is said in ``whole.py``, for every verb.
3.  **Bytes.** SHA-256 of every version, once a byte. The newest version must be that of its name, else it
    is ``damaged``, or ``swapped`` when the bytes are another object's. A damaged version below a good
    newest one is ``superseded``: it stays until its lock ends, and does no harm.
4.  **Lock.** A good version is locked at least until the date in the batch's header, for a large object the
    date in the batch that refers to it, for a segment the dates in its manifest (``lock``). A batch that no
    segment holds must not be about to lose its lock. A lock beyond the retention rules is named
    (``lock-beyond-rules``), and is no failure. Where listings do not tell locks, each is asked for.
5.  **Segments.** The manifest is signed by this archive's key (``signature``) and is of this archive and name
    (``foreign``, ``header``); every part that it names is there (``missing``), decodes, and has the rows that
    it says. From log, originals and evidence each compacted batch is made again and checked by steps 7 and 8;
    then its receipts are made again, and their signature must fit (``signature``): the segment holds what was
    acknowledged. A part that no trusted manifest names is a ``leftover`` of an interrupted compaction, a
    segment whose batches another one holds is ``spare``; both are no failure.
6.  **Decryption and decoding**, once for identical bytes: ``undecipherable``, or ``key`` when it is the
    master key that is missing or wrong.
7.  **Rows.** Size, SHA-256 and SHA-512 of every message against its body, and of every event against its
    canonical form (``digest``).
8.  **Header** against name and archive (``header``, ``foreign``); ids of rows; times that only increase.
9.  **Chain.** One writer's sequences have no gap (``missing``) and no two objects (``fork``); each names the
    digest of the one before (``chain``); what later headers record of it exists: commits, last objects of
    writers that crashed; so does what this node's hot tail knows. A batch that a trusted segment holds, all
    parts of which some site has whole, stands in its place though it may be gone everywhere.
10. **Presence.** What one site has, every site has (``missing``), but for compacted batches. A batch that a
    crash left at one site only counts too: repair, or the next start, completes it.
11. **Large objects** that rows refer to exist and hold the message that the row describes. One without a
    row is an ``orphan``.
12. **Commits.** Every placement on record has its version or, after a restore or a disposal, another whole
    one, or a segment: its key is whole at its site, which steps 3, 9 and 10 together say.

A site that is away is ``unavailable``, and the others are verified all the same. What seems missing is
looked for once more at the end, so that a node that writes meanwhile causes no false alarm.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.format.segments import Standing
from vanvault.archiver.core.names import ObjectName, batch_prefix, parse_key
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.replicas import SetAside
from vanvault.archiver.stores import SiteReader, StoredVersion, Stray
from vanvault.recovery.objects import (
    Copies,
    Known,
    Listing,
    SegmentCopies,
    listed_with_locks,
    nothing_known,
    standing_at,
)
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify.aside import aside_finding
from vanvault.recovery.verify.chains import Gap
from vanvault.recovery.verify.copies import as_damaged_where_gone
from vanvault.recovery.verify.fold import ON_ITS_WAY, Fold, LooseEnd
from vanvault.recovery.verify.model import Finding, VerifyReport
from vanvault.recovery.verify.reading import ObjectReader
from vanvault.recovery.verify.segment_reading import SegmentReader, is_clean
from vanvault.recovery.verify.spread import Readers, Threads
from vanvault.recovery.work import Effort, Step, let_puts_arrive, silent

#: System files of a site that are named; the rest is counted.
_SYSTEM_FILES = 20


def verify_sites(
    sites: Mapping[str, SiteReader],
    reader: ObjectReader,
    *,
    known: Known = nothing_known,
    aside: Callable[[], Iterable[SetAside]] = tuple,
    locks: LockRules | None = None,
    subset: Subset | None = None,
    effort: Effort | None = None,
    readers: Readers | None = None,
    step: Step = silent,
    pause: Callable[[], None] = let_puts_arrive,
    timer: Callable[[], float] = time.monotonic,
    clock: Callable[[], datetime] | None = None,
) -> VerifyReport:
    """Run all steps over ``sites`` and report; nothing at a site is changed.

    Args:
        reader: reads from the same sites.
        known: batches that this node knows to be committed.
        aside: what the gates of these sites set aside; asked once all of them were listed.
        locks: how long objects may be locked.
        subset: read only this part of the objects (and every writer's first, and what some site lacks).
        readers: read in parallel; by default threads of this process, with this ``effort``.
        step: hears of every name that is done, with the bytes of all its versions.
        pause: waits a moment before what was just written counts as missing.
        clock: the node's time, by which locks are judged; None: as each site tells it.

    Raises nothing about sites, objects and keys: all of that is in the report.
    """
    chosen = readers or Threads(reader, effort or Effort())
    by = LockJudge(locks or LockRules(), clock)
    run = _Verification(sites, reader, chosen, known, subset or Subset(), by)
    return run.run(step, pause, timer, aside)


@dataclass(frozen=True, slots=True)
class LockJudge:
    """By what locks are judged."""

    rules: LockRules
    clock: Callable[[], datetime] | None  # the node's time; None: as each site tells it


class _Verification:
    def __init__(
        self,
        sites: Mapping[str, SiteReader],
        reader: ObjectReader,
        readers: Readers,
        known: Known,
        subset: Subset,
        locks: LockJudge,
    ) -> None:
        self._sites = sites
        self._reader = reader
        self._readers = readers
        self._subset = subset
        self._listing = Listing(sites, known)
        self._standing = Standing(frozenset(), frozenset())
        started, locks_listed = self._ask_sites()
        self._started = started
        now = None if locks.clock is None else locks.clock()
        self._fold = Fold(
            list(sites),
            started=started,
            judged_at=started if now is None else dict.fromkeys(sites, now),
            whole_subset=subset.is_whole,
            is_away=self._listing.is_away,
            locks_listed=locks_listed,
            rules=locks.rules,
        )

    def run(
        self,
        step: Step,
        pause: Callable[[], None],
        timer: Callable[[], float],
        aside: Callable[[], Iterable[SetAside]],
    ) -> VerifyReport:
        began, fold = timer(), self._fold
        for copies in self._listing.strangers():
            fold.take(copies, None)
            step(1, _listed_bytes(copies))
        self._take_segments(step, pause)
        for copies, read in self._readers.objects(self._due_objects()):
            fold.take(copies, read)
            step(1, _listed_bytes(copies))
        fold.end_writers()
        for finding in _of_strays(self._listing.strays()):
            fold.add(finding)
        waiting = set()  # keys of objects that a revoked key signed: named by others, and not missing
        for one in aside():
            fold.add(aside_finding(one))
            if one.reason == "revoked-key":
                waiting.add(one.key)
        fold.end_masters()
        self._look_again(pause, waiting)
        self._look_into_gaps()
        self._name_swapped()
        return VerifyReport(
            sites=dict(fold.extents),
            objects=fold.objects,
            messages=fold.messages,
            events=fold.events,
            findings=tuple(self._findings()),
            seconds=timer() - began,
        )

    def _ask_sites(self) -> tuple[dict[str, datetime], set[str]]:
        """Each site's clock, and the sites whose listings include locks; without an answer it is away."""
        times: dict[str, datetime] = {}
        locks_listed = set()
        for name, site in self._sites.items():
            try:
                times[name] = site.now()
                if listed_with_locks(site):
                    locks_listed.add(name)
            except (SiteUnavailable, SettingsError) as error:
                self._listing.away[name] = error
        return times, locks_listed

    def _take_segments(self, step: Step, pause: Callable[[], None]) -> None:
        """All segments; one that is perhaps being written is looked at again before it is judged."""
        self._standing = standing_at(self._listing, SegmentReader(self._reader).trusted)
        unclear: list[str] = []
        for segment, read in self._readers.segments(self._due_segments()):
            for copies in segment.objects:
                step(1, _listed_bytes(copies))
            there = [site for site in self._sites if site not in self._listing.away]
            if self._is_new(segment) and not is_clean(read, there):
                unclear.append(segment.segment)
            else:
                self._fold.take_segment(read)
        if unclear:
            pause()
        again = chain.from_iterable(map(self._due_segments, unclear))
        for _, read in self._readers.segments(again):
            self._fold.take_segment(read)

    def _due_segments(self, segment: str = "") -> Iterator[tuple[SegmentCopies, bool]]:
        """Every segment, or one, and whether its parts are to be read."""
        for found in self._listing.segments(segment):
            if found.segment in self._standing.replaced | self._standing.refused:
                self._fold.pass_over(found, refused=found.segment in self._standing.refused)
                continue
            there = len(self._sites) - len(self._listing.away)
            lacking = any(len(copies.at) < there for copies in found.objects)
            names = [parse_key(copies.key) for copies in found.objects]
            due = any(
                name is not None and self._subset.holds_segment(name.writer, name.sha256)
                for name in names[-1:]
            )
            yield found, lacking or due

    def _is_new(self, segment: SegmentCopies) -> bool:
        """May it have been written since shortly before the verification began?"""
        return any(
            not copies.at
            or any(
                version.stored_at > self._started[site] - ON_ITS_WAY
                for site, versions in copies.at.items()
                for version in versions
            )
            for copies in segment.objects
        )

    def _due_objects(self) -> Iterator[tuple[Copies, bool]]:
        """Every object of a writer, and whether it is to be read."""
        for copies in self._listing.writers():
            name = parse_key(copies.key)
            yield copies, name is not None and bool(copies.at) and self._is_due(name, copies)

    def _is_due(self, name: ObjectName, copies: Copies) -> bool:
        # A writer's first object tells of earlier writers; what a site lacks is known before it is copied.
        opening = name.family == "batch" and name.sequence == 0
        lacking = len(copies.at) < len(self._sites) - len(self._listing.away)
        return opening or lacking or self._subset.holds(name.sha256)

    def _look_again(self, pause: Callable[[], None], waiting: Collection[str]) -> None:
        """What seemed missing: found by now, then it is read; else it is missing, unless it is set aside."""
        ends = self._still_loose(list(self._fold.loose.values()))
        if any(end.unread for end, _ in ends):
            pause()
            ends = self._still_loose([end for end, _ in ends])
        for end, absent in ends:
            for site in absent if end.key not in waiting else ():
                self._fold.add(Finding(site, end.key, "missing", end.why, end.retain_until))

    def _still_loose(self, ends: list[LooseEnd]) -> list[tuple[LooseEnd, list[str]]]:
        still = []
        for end in ends:
            name = parse_key(end.key)
            found = self._versions(end.key) if name is not None else {}
            fresh = {site: versions for site, versions in found.items() if site in end.unread}
            if name is not None and fresh:
                read = as_damaged_where_gone(self._reader.read(name, Copies(end.key, fresh)))
                self._fold.judge(name, read, again=end.counted)
                self._fold.objects += not end.counted
                if end.reference is not None:
                    self._fold.compare(name, read, end.reference)
            absent = [site for site in self._sites if site not in found and site not in self._listing.away]
            if absent:
                later = replace(end, unread=end.unread - fresh.keys(), counted=end.counted or bool(fresh))
                still.append((later, absent))
        return still

    def _versions(self, key: str) -> dict[str, tuple[StoredVersion, ...]]:
        found = {}
        for name, site in self._sites.items():
            if name in self._listing.away:
                continue
            try:
                versions = site.versions(key)
            except (SiteUnavailable, SettingsError) as error:
                self._listing.away[name] = error
                continue
            if versions:
                found[name] = tuple(versions)
        return found

    def _look_into_gaps(self) -> None:
        for gap in self._fold.gaps:
            if not self._is_filled(gap):
                numbers = f"{gap.first}" if gap.first == gap.last else f"{gap.first} to {gap.last}"
                key = batch_prefix(gap.writer, gap.first)
                for site in self._sites:
                    self._fold.add(
                        Finding(site, key, "missing", f"no site has object {numbers} of this writer")
                    )

    def _is_filled(self, gap: Gap) -> bool:
        """A folder that grows while it is listed may show a later name and not an earlier one."""
        prefix, filled = batch_prefix(gap.writer), set()
        for copies in self._listing.under(prefix, after=batch_prefix(gap.writer, gap.first)):
            name = parse_key(copies.key)
            if name is not None and copies.at:
                if name.sequence > gap.last:
                    break
                filled.add(name.sequence)
        return len(filled) == gap.last - gap.first + 1

    def _name_swapped(self) -> None:
        """Wrong bytes may be another object's: one more pass over the names, only when there are any."""
        wrong = self._fold.wrong
        digests = {found.sha256 for found in wrong.values() if found.sha256 is not None}
        owners: dict[bytes, str] = {}
        for copies in self._listing.everything() if digests else ():
            name = parse_key(copies.key)
            if name is not None and name.sha256 in digests:
                owners[name.sha256] = copies.key
        for found in wrong.values():
            owner = owners.get(found.sha256) if found.sha256 is not None else None
            if owner is None:
                self._fold.add(found.finding)
            else:
                detail = f"it holds the bytes of {owner}"
                self._fold.add(replace(found.finding, problem="swapped", detail=detail))

    def _findings(self) -> Iterator[Finding]:
        away = self._listing.away
        for site, error in sorted(away.items()):
            yield Finding(site, "", "unavailable", error.message)
        for finding in self._fold.findings():
            if not (finding.problem == "missing" and finding.site in away):
                yield finding


def _of_strays(strays: Iterable[tuple[str, Stray]]) -> Iterator[Finding]:
    """A finding for each; of system files, which may lie in every folder, the first of a site and a count."""
    more: Counter[str] = Counter()
    for site, stray in strays:
        if stray.system:
            more[site] += 1
            if more[site] > _SYSTEM_FILES:
                continue
        yield _of_stray(site, stray)
    for site, count in sorted(more.items()):
        if count > _SYSTEM_FILES:
            yield Finding(site, "", "system-file", f"and {count - _SYSTEM_FILES} more of this sort")


def _of_stray(site: str, stray: Stray) -> Finding:
    if stray.system:
        return Finding(site, stray.path, "system-file", "a file system or a storage box makes it by itself")
    if parse_key(stray.hides) is None:
        return Finding(site, stray.path, "extra", "no object of the archive lies here")
    return Finding(site, stray.hides, "hidden", f"other programs do not see it: {stray.path}")


def _listed_bytes(copies: Copies) -> int:
    return sum(version.size for versions in copies.at.values() for version in versions)
