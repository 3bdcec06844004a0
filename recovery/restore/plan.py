"""What a restore has to copy: the two listings compared. Read are names, sizes and locks.

Locks that listings leave out are asked for, in parallel, and only of objects that both sites list and of
batches that segments hold. Of segments, the manifests are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.names import ObjectName, batch_prefix, large_prefix, parse_key, segment_prefix
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.objects import CompactedBatches, Copies, Listing, lock_of, newest_with_locks
from vanvault.recovery.restore.covered import SegmentsAt, Trusted, segments_at
from vanvault.recovery.work import Effort, Extent, in_order


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
    """The work, by segment and writer: memory is bounded by the number of these, not of objects."""

    source: str
    target: str
    writers: tuple[str, ...]  # with anything to copy; newest first
    total: Extent  # at the source, without what is left out
    todo: Extent
    surplus: int  # objects that only the target has and that a repair brings back to the source
    ignored: int  # names at the source that are no objects of an archive
    segments: tuple[str, ...] = ()  # with anything to copy; newest first
    left_out: int = 0  # batches that a segment holds and whose locks are over: nobody needs them again
    compacted: CompactedBatches = field(
        default_factory=CompactedBatches
    )  # batches that segments at the source hold
    locks: CopyLocks = field(default_factory=CopyLocks)  # how long copies are locked

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
    locks: LockRules | None = None,
    effort: Effort | None = None,
) -> RestorePlan:
    """Compare the sites; ``target``, which is called ``name``, is None while it does not exist.

    ``trusted``: whose segments count; without it every batch is taken for one that no segment holds.
    ``locks``: the rules of locks. What is no object of an archive is not copied, wherever it lies.

    Raises:
        InvalidInput: the target is the source.
        SiteUnavailable, SettingsError: a site cannot be listed.
    """
    if name == source.site:
        raise InvalidInput(f"{name} cannot be restored from itself", field="from")
    sites: dict[str, SiteReader] = {source.site: source, **({name: target} if target else {})}
    listing = Listing(sites)
    segments_there = segments_at(source, trusted) if trusted else SegmentsAt()
    compacted = segments_there.compacted
    due = CopyLocks(locks or LockRules(), segments_there.until)
    now = source.now()
    owners: dict[tuple[bool, str], None] = {}  # is it a segment, and its id or the writer's
    total = todo = Extent()
    surplus = ignored = left_out = 0

    def state(copies: Copies) -> str:
        if is_restored(copies, sites, source.site, name, due, now):
            return "there"
        return "spent" if is_spent(copies, source, compacted, now) else "due"

    listed = in_order(listing.everything(), state, size=lambda _: 0, effort=effort or Effort())
    for copies, found_state in listed:
        found = parse_key(copies.key)
        if found is None:
            ignored += source.site in copies.at
        elif source.site not in copies.at:
            surplus += not compacted.holds(found)  # such a batch may be gone at one site and not at another
        elif found_state == "spent":
            left_out += 1
        else:
            size = Extent(1, copies.at[source.site][0].size)
            total += size
            if found_state == "due":
                todo += size
                owners[found.family == "segment", found.writer] = None
    check_listed(listing)
    segments, writers = (
        tuple(sorted((owner for is_segment, owner in owners if is_segment == wanted), reverse=True))
        for wanted in (True, False)
    )
    return RestorePlan(
        source=source.site,
        target=name,
        writers=writers,
        total=total,
        todo=todo,
        surplus=surplus,
        ignored=ignored,
        segments=segments,
        left_out=left_out,
        compacted=compacted,
        locks=due,
    )


def is_spent(copies: Copies, source: SiteReader, compacted: CompactedBatches, now: datetime) -> bool:
    """Is it a batch that a segment holds and whose lock is over? ``now``: the source's time.

    Raises SiteUnavailable, SettingsError: a lock cannot be asked for.
    """
    if source.site not in copies.at or not compacted.holds(parse_key(copies.key)):
        return False
    newest = newest_with_locks(copies, {source.site: source}).at.get(source.site)
    return newest is None or newest[0].retain_until is None or newest[0].retain_until <= now


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


def in_turn(plan: RestorePlan, listing: Listing) -> Iterator[Copies]:
    """What there is of the plan's segments and writers, in the order in which a site comes to use.

    Manifests, then logs with their evidence, then batches that no segment holds: with these, searches and
    intake are back. Originals, large objects, and batches that segments hold follow. Newest first.
    """
    stages: list[tuple[Iterable[str], Callable[[str], str], Callable[[ObjectName], bool]]] = [
        (plan.segments, segment_prefix, lambda name: name.kind == "manifest"),
        (plan.segments, segment_prefix, lambda name: name.kind in ("log", "evidence")),
        (plan.writers, batch_prefix, lambda name: not plan.compacted.holds(name)),
        (plan.segments, segment_prefix, lambda name: name.kind == "originals"),
        (plan.writers, large_prefix, lambda name: True),
        (plan.writers, batch_prefix, plan.compacted.holds),
    ]
    for owners, prefix_of, is_due in stages:
        for owner in owners:
            for copies in listing.under(prefix_of(owner)):
                name = parse_key(copies.key)
                if name is not None and plan.source in copies.at and is_due(name):
                    yield copies
            check_listed(listing)


def check_listed(listing: Listing) -> None:
    """A listing that broke off is not complete. Raises SiteUnavailable, SettingsError."""
    for error in listing.away.values():
        raise error
