"""What a restore has to copy: one pass over the two listings, compared. Read are names, sizes and locks.

Locks that listings leave out are asked for, in parallel, and only of objects that both sites list and of old
batches that segments hold. Of segments, the manifests are read. What is to be copied is kept in a work list,
so that copying lists nothing again as long as the pass is new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.objects import (
    LAST,
    CompactedBatches,
    CompactedRange,
    Copies,
    Listing,
    SegmentCopies,
    listed_with_locks,
    lock_of,
    newest_with_locks,
    standing_at,
)
from vanvault.recovery.restore.covered import Manifests, Trusted, read_manifest, read_segment
from vanvault.recovery.restore.work_list import ToCopy, WorkList
from vanvault.recovery.work import Effort, Extent, in_order

#: A pass over the listings is followed for so long; then each block of the work list is looked up anew at
#: the target, for a running node may have brought level meanwhile what it lacked.
NEW_S = 120.0


@dataclass(frozen=True, slots=True)
class CopyLocks:
    """How long copies of a site's objects are locked: never as long as the site shows, beyond the rules."""

    rules: LockRules = field(default_factory=LockRules)
    signed: Mapping[str, datetime] = field(default_factory=dict)  # by key, dates of signed manifests

    def due(self, version: StoredVersion, now: datetime) -> datetime | None:
        """How long a copy must be locked to be as good as this version; None: no date is known."""
        name, shown = parse_key(version.key), version.retain_until
        signed = self.signed.get(version.key)
        if signed is not None or name is None or shown is None:
            return signed
        return self.rules.believed(name, shown, now)

    def of(self, version: StoredVersion, now: datetime) -> datetime:
        """The lock of a new copy; ``now``: the target's time."""
        return lock_of(version, self.signed.get(version.key), now, self.rules)


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The work."""

    source: str
    target: str
    writers: tuple[str, ...]  # with anything to copy; newest first
    total: Extent  # at the source, without what is left out
    todo: Extent
    surplus: int  # objects that only the target has and that a repair brings back to the source
    ignored: int  # names at the source that are no objects of an archive
    segments: tuple[str, ...]  # with anything to copy; newest first
    left_out: int  # what nobody needs again: a segment holds it, or a disposal let go of it
    work: WorkList  # what is to be copied
    rules: LockRules  # how long copies may be locked
    unread: str = ""  # why large objects that a disposal let go of are copied too; "": none is

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "source": self.source,
            "target": self.target,
            "objects": self.total.objects,
            "bytes": self.total.bytes,
            "to_copy": {"objects": self.todo.objects, "bytes": self.todo.bytes},
            "surplus": self.surplus,
            "left_out": self.left_out,
        }


def plan_restore(
    source: SiteReader,
    target: SiteReader | None,
    *,
    name: str,
    trusted: Trusted | None = None,
    let_go: Collection[str] = (),
    locks: LockRules | None = None,
    effort: Effort | None = None,
    timer: Callable[[], float] = time.monotonic,
) -> RestorePlan:
    """Compare the sites; ``target``, which is called ``name``, is None while it does not exist.

    ``trusted``: whose segments count; without it every batch is taken for one that no segment holds.
    ``let_go``: large objects that a disposal let go of, which are not copied. ``locks``: the rules of locks.
    What is no object of an archive is not copied, wherever it lies.

    Raises:
        InvalidInput: the target is the source.
        SiteUnavailable, SettingsError: a site cannot be listed.
    """
    if name == source.site:
        raise InvalidInput(f"{name} cannot be restored from itself", field="from")
    sites: dict[str, SiteReader] = {source.site: source, **({name: target} if target else {})}
    comparison = _Comparison(source, sites, name, trusted, let_go, locks or LockRules(), effort or Effort())
    return comparison.run(WorkList(source.site, name, len(_STAGES), timer=timer))


class _Comparison:
    """One pass over the listings."""

    def __init__(
        self,
        source: SiteReader,
        sites: Mapping[str, SiteReader],
        target: str,
        trusted: Trusted | None,
        let_go: Collection[str],
        rules: LockRules,
        effort: Effort,
    ) -> None:
        self._source = source
        self._sites = sites
        self._target = target
        self._trusted = trusted
        self._let_go = let_go
        self._rules = rules
        self._effort = effort
        self._now = source.now()
        self._compacted = CompactedBatches()
        self._reduced = CompactedBatches()  # those that a residue segment holds
        self._segments: dict[str, None] = {}
        self._writers: dict[str, None] = {}
        self._total = self._todo = Extent()
        self._surplus = self._ignored = self._left_out = 0

    def run(self, work: WorkList) -> RestorePlan:
        """``work``: an empty list, which is filled."""
        self._work = work
        listing = Listing(self._sites)
        for copies in listing.strangers():
            self._ignored += self._source.site in copies.at
        passed = self._passed_over(listing)
        for segment, (read, states) in in_order(
            (one for one in listing.segments() if one.segment not in passed),
            self._look,
            size=lambda _: 0,
            effort=self._effort,
        ):
            for covered in read.compacted:
                self._compacted.add(covered)
            for copies, state in zip(segment.objects, states, strict=True):
                self._take(copies, state, read)
        for copies, state in in_order(listing.writers(), self._state, size=lambda _: 0, effort=self._effort):
            self._take(copies, state, Manifests())
        check_listed(listing)
        return RestorePlan(
            source=self._source.site,
            target=self._target,
            writers=tuple(reversed(self._writers)),
            total=self._total,
            todo=self._todo,
            surplus=self._surplus,
            ignored=self._ignored,
            segments=tuple(reversed(self._segments)),
            left_out=self._left_out,
            work=self._work,
            rules=self._rules,
        )

    def _passed_over(self, listing: Listing) -> frozenset[str]:
        """Segments that are replaced, or that would replace what they do not hold: they are not copied."""
        trusted = self._trusted
        if trusted is None:
            return frozenset()
        residues: dict[str, SegmentManifest] = {}

        def read(copies: Copies) -> SegmentManifest | None:
            """At any site: the source may have been away when something was disposed of."""
            at_each = (read_manifest(site, copies, trusted) for site in self._sites.values())
            manifest = next((one for one in at_each if one is not None), None)
            if manifest is not None and manifest.is_residue:
                residues[copies.key] = manifest
            return manifest

        found = standing_at(listing, read)
        passed = found.replaced | found.refused
        for key, manifest in residues.items():
            if manifest.segment not in found.refused:
                for one in manifest.covers:
                    self._reduced.add(CompactedRange(one.writer, one.first, one.last, key))
        for segment in listing.segments() if passed else ():
            if segment.segment in passed:
                self._left_out += sum(self._source.site in copies.at for copies in segment.objects)
        return passed

    def _look(self, segment: SegmentCopies) -> tuple[Manifests, list[str]]:
        """What the segment's manifests say, and how it stands with each of its objects."""
        read = Manifests() if self._trusted is None else read_segment(self._source, segment, self._trusted)
        locks = CopyLocks(self._rules, read.until)
        return read, [self._state(copies, locks) for copies in segment.objects]

    def _state(self, copies: Copies, locks: CopyLocks | None = None) -> str:
        locks = locks or CopyLocks(self._rules)
        if is_restored(copies, self._sites, self._source.site, self._target, locks, self._now):
            return "there"
        return "spent" if self._is_spent(copies) else "due"

    def _is_spent(self, copies: Copies) -> bool:
        """Is it a batch that a segment holds and whose lock is over, or what a disposal let go of?

        One that a residue segment holds may have what was disposed of: it is not copied, whatever its lock.
        Where listings show no locks, one that is younger than its first lock is not asked for: the answer
        with its bytes tells the lock. Raises SiteUnavailable, SettingsError.
        """
        source = self._source
        if source.site not in copies.at:
            return False
        if copies.key in self._let_go or self._reduced.holds(parse_key(copies.key)):
            return True
        if not self._compacted.holds(parse_key(copies.key)):
            return False
        young = copies.at[source.site][0].stored_at + self._rules.batch_lock > self._now
        if young and not listed_with_locks(source):
            return False
        newest = newest_with_locks(copies, {source.site: source}).at.get(source.site)
        return newest is None or is_over(newest[0], self._now)

    def _take(self, copies: Copies, state: str, read: Manifests) -> None:
        name = parse_key(copies.key)
        if name is None:
            self._ignored += self._source.site in copies.at
        elif self._source.site not in copies.at:
            # Such a batch may be gone at one site and not at another.
            self._surplus += not self._compacted.holds(name)
        elif state == "spent":
            self._left_out += 1
        else:
            size = Extent(1, copies.at[self._source.site][0].size)
            self._total += size
            if state == "due":
                self._todo += size
                self._due(name, copies, read)

    def _due(self, name: ObjectName, copies: Copies, read: Manifests) -> None:
        owners = self._segments if name.family == "segment" else self._writers
        owners[name.writer] = None
        stage = next(at for at, holds in enumerate(_STAGES) if holds(name, self._compacted))
        item = ToCopy(copies, read.until.get(copies.key), self._compacted.holds(name))
        manifest = read.manifests.get(copies.key)
        if manifest is not None:
            at = {**copies.at, self._source.site: (manifest.version,)}
            item = replace(item, copies=Copies(copies.key, at), data=manifest.data)
        self._work.add(stage, name.writer, item)


#: What is copied at the same time, in the order in which a site comes to use: manifests, then logs with their
#: evidence, then batches that no segment holds; with these, searches and intake are back. Originals, large
#: objects, and batches that segments hold follow. Newest first.
_STAGES: tuple[Callable[[ObjectName, CompactedBatches], bool], ...] = (
    lambda name, compacted: name.kind == "manifest",
    lambda name, compacted: name.kind in ("log", "evidence", "residue"),
    lambda name, compacted: name.family == "batch" and not compacted.holds(name),
    lambda name, compacted: name.kind == "originals",
    lambda name, compacted: name.family == "large",
    lambda name, compacted: True,
)


def is_over(version: StoredVersion, now: datetime) -> bool:
    """Does no lock hold the version any more?"""
    return version.retain_until is None or version.retain_until <= now


def is_restored(
    copies: Copies,
    sites: Mapping[str, SiteReader],
    source: str,
    target: str,
    locks: CopyLocks,
    now: datetime,
) -> bool:
    """Does the target hold the object already, as far as name, size and lock tell?

    ``now``: the source's time. Raises SiteUnavailable, SettingsError: a lock cannot be asked for.
    """
    if source not in copies.at or target not in copies.at:
        return False
    if copies.at[source][0].size != copies.at[target][0].size:
        return False
    newest = newest_with_locks(copies, sites).at
    if source not in newest or target not in newest:
        return False
    ours, due = newest[target][0].retain_until, locks.due(newest[source][0], now)
    return ours is not None and (due is None or ours >= due)


def in_turn(plan: RestorePlan, target: SiteReader) -> Iterator[ToCopy]:
    """What is to be copied, in the order in which a site comes to use.

    What a later look at the target shows takes the place of what the plan saw there.
    Raises SiteUnavailable, SettingsError.
    """
    for stage in range(len(_STAGES)):
        for block in plan.work.blocks(stage):
            yield from block if plan.work.age_s < NEW_S else _looked_up(block, target)


def _looked_up(block: list[ToCopy], target: SiteReader) -> Iterator[ToCopy]:
    """The same objects with the target's versions as they are now."""
    keys = {item.copies.key for item in block}
    listing = Listing({target.site: target})
    first, last = min(keys), max(keys)
    # Keys above the first one, and the first itself: what precedes its last character sorts before it.
    now = {
        copies.key: copies.at
        for copies in listing.under("", after=first[:-1], before=last + LAST)
        if copies.key in keys
    }
    check_listed(listing)
    for item in block:
        at = {site: found for site, found in item.copies.at.items() if site != target.site}
        yield replace(item, copies=Copies(item.copies.key, {**at, **now.get(item.copies.key, {})}))


def check_listed(listing: Listing) -> None:
    """A listing that broke off is not complete. Raises SiteUnavailable, SettingsError."""
    for error in listing.away.values():
        raise error
