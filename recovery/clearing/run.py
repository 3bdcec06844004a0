"""``vanvault clear``: what a proved segment holds, and is past its lock, is removed at both sites.

::

    sites, clocks, conflicts, strangers, damage, verification ── not clean ──► nothing is removed
            │ clean
    listings ──► spent batches by segment ──► segment read at every site ── not whole ──► left, named
            │ whole at every site
    at each site: batch read, compared with that site's segment ── differs ──► left, named
            │ the same, to the byte
    its key on record, then every version of it removed ──► on record, by segment and site

Killed anywhere it is run again: what is gone is not listed any more, and nothing else was changed. What went
without a record of it is told by the record of the keys (``named.py``). Of two
runs at once the second finds what the first left; each compares before it removes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from vanvault.archiver.appliance import Archive, open_disposers
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Busy, Damaged, LockRefused, NotFound, VanVaultError
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.format.batches import read_batch_table
from vanvault.archiver.core.names import batch_prefix
from vanvault.archiver.disk import lock_file, try_lock
from vanvault.archiver.journal import EventType
from vanvault.archiver.stores import Disposer, StoredVersion
from vanvault.archiver.upkeep import prove_segments
from vanvault.recovery.clearing.comparing import COMPARED, difference
from vanvault.recovery.clearing.named import name_batches, settle
from vanvault.recovery.clearing.plan import SitePlan, SpentCopies, Waiting, plan_site, sample
from vanvault.recovery.clearing.standing import check_clocks, reasons_against
from vanvault.recovery.verify import RemadeBatch, SegmentAtSite, segment_at_site
from vanvault.recovery.work import QUIET, Extent, Observer, Step, account

_LOCK = "cache/clearing.lock"
_LOCK_INSTEAD = ".clearing.lock"  # where the cache cannot be used
#: What is left, and why, of which a report and an event name so much.
_MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class ClearRequest:
    """What to clear."""

    dry_run: bool = False
    who: str = ""  # for the record; empty: the account of this process


@dataclass(frozen=True, slots=True)
class LeftBatch:
    """Something that is not removed, and why."""

    site: str
    key: str  # of a batch, or of a segment's manifest
    why: str

    def as_json(self) -> dict[str, str]:
        """The same as JSON values."""
        return {"site": self.site, "key": self.key, "why": self.why}


@dataclass(slots=True)
class ClearedSegment:
    """What of one segment's batches was removed at one site, or would be."""

    segment: str
    site: str
    batches: int = 0
    versions: int = 0
    bytes: int = 0
    first: str = ""
    last: str = ""

    def take(self, key: str, versions: list[StoredVersion]) -> None:
        """Count a batch."""
        self.batches += 1
        self.versions += len(versions)
        self.bytes += sum(version.size for version in versions)
        self.first, self.last = self.first or key, key

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "segment": self.segment,
            "site": self.site,
            "batches": self.batches,
            "versions": self.versions,
            "bytes": self.bytes,
            "first": self.first,
            "last": self.last,
        }


@dataclass(slots=True)
class ClearReport:
    """What one run did, or would do."""

    dry_run: bool
    halted: tuple[str, ...] = ()  # why nothing was removed
    cleared: list[ClearedSegment] = field(default_factory=list)
    left: list[LeftBatch] = field(default_factory=list)
    more: bool = False  # there was more than one run takes

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: it was stopped, or something that should be spent could not be removed."""
        return ExitCode.CHECK_FAILED if self.halted or self.left else ExitCode.OK

    def total(self, site: str) -> tuple[int, int]:
        """Batches and bytes at one site."""
        of_site = [one for one in self.cleared if one.site == site]
        return sum(one.batches for one in of_site), sum(one.bytes for one in of_site)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "dry_run": self.dry_run,
            "halted": list(self.halted),
            "batches": sum(one.batches for one in self.cleared),
            "bytes": sum(one.bytes for one in self.cleared),
            "segments": [one.as_json() for one in self.cleared],
            "left": [one.as_json() for one in self.left[:_MOST_NAMED]],
            "left_count": len(self.left),
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class ClearingTools:
    """What a run works with; tests replace it."""

    disposers: Mapping[str, Disposer] | None = None  # None: as the environment says
    sleep: Callable[[float], None] = time.sleep  # seconds
    fault: Fault = no_fault  # called at the steps of a run


def clear(
    archive: Archive,
    request: ClearRequest | None = None,
    observer: Observer = QUIET,
    tools: ClearingTools | None = None,
) -> ClearReport:
    """Remove, at every site, batches that a proved segment holds and whose locks ended long enough ago.

    Raises:
        SettingsError: a site has no credentials for its disposer, or they are not its.
        Busy: another process of this home clears.
        SiteUnavailable: a site went away; what was removed until then is on record. Begun again, it goes on.
        Damaged, KeyUnavailable: the record cannot be read.
    """
    request, tools = request or ClearRequest(), tools or ClearingTools()
    disposers = tools.disposers
    opened: Mapping[str, Disposer] = {}
    if disposers is None:
        disposers = opened = {} if request.dry_run else open_disposers(archive)
    try:
        with _alone(archive):
            return _Run(archive, request, observer, tools, disposers).run()
    finally:
        for disposer in opened.values():
            with suppress(VanVaultError):
                disposer.close()


class _Run:
    """One run."""

    def __init__(
        self,
        archive: Archive,
        request: ClearRequest,
        observer: Observer,
        tools: ClearingTools,
        disposers: Mapping[str, Disposer],
    ) -> None:
        self._archive = archive
        self._request = request
        self._observer = observer
        self._tools = tools
        self._disposers = disposers
        settings = archive.settings.clearing
        first_lock = archive.settings.compaction.lock_pace().lock
        self._waiting = Waiting(timedelta(days=settings.after_days), settings.most_batches, first_lock)
        self._pause_s = 1 / settings.batches_per_s
        self._report = ClearReport(request.dry_run)

    def run(self) -> ClearReport:
        archive, report = self._archive, self._report
        folded = archive.catch_up(settle=True)
        if not self._request.dry_run:
            settle(archive, self._who)
        report.halted = reasons_against(archive)
        if folded.unreadable or folded.missing:
            report.halted += ("batches are damaged at every site, or missing (vanvault verify)",)
        if report.halted and not self._request.dry_run:
            return report
        plans = self._plans()
        report.more = any(plan.more for plan in plans)
        numbers = sorted({n for plan in plans for n in plan.groups})
        batches = sum(plan.batches for plan in plans)
        doing = "looking for spent batches" if self._request.dry_run else "clearing batches"
        with self._observer.progress(doing, Extent(batches)) as step:
            if self._request.dry_run:
                for n in numbers:
                    self._count([plan.groups[n] for plan in plans if n in plan.groups], step)
                return report
            if numbers:
                self._begin(plans)
            for n in numbers:
                self._clear([plan.groups[n] for plan in plans if n in plan.groups], step)
        return report

    def _plans(self) -> list[SitePlan]:
        """Raises SiteUnavailable: a site cannot be listed."""
        archive, now = self._archive, self._archive.clock.now()
        proof = prove_segments(archive.sites, archive.catalogue, now=archive.clock.now)
        # What a residue segment covers goes with the segment that it replaces, by its disposal.
        known = [one for one in archive.catalogue.segments() if not one.manifest.disposal]
        segments = {one.n: one for one in known if one.n not in proof.lacking}
        for one in known:
            if one.n in proof.lacking:
                self._report.left.append(LeftBatch("", one.key, "it is not whole at every site"))
        ranges = archive.catalogue.ranges()
        return [
            plan_site(
                name,
                site.list(batch_prefix()),
                segments,
                ranges,
                self._waiting,
                now,
                partial(self._is_over, name),
            )
            for name, site in archive.sites.items()
        ]

    def _begin(self, plans: list[SitePlan]) -> None:
        """On record before the first removal: from here on something may be gone."""
        archive = self._archive
        detail = {
            "planned": {plan.site: plan.batches for plan in plans},
            "after_days": archive.settings.clearing.after_days,
            "who": self._who,
        }
        archive.record_aside([archive.system_event(EventType.CLEARING_STARTED, detail)])
        self._tools.fault("clearing-started")

    @property
    def _who(self) -> str:
        return self._request.who or account()

    def _count(self, groups: list[SpentCopies], step: Step) -> None:
        """What would be removed, by the locks alone."""
        for group in groups:
            found = ClearedSegment(group.segment.manifest.segment, group.site)
            for key in self._due(group):
                versions = self._over(group, key)
                if versions:
                    found.take(key, versions)
                step(1, 0)
            if found.batches:
                self._report.cleared.append(found)

    def _clear(self, groups: list[SpentCopies], step: Step) -> None:
        """One segment's batches, at every site at which some lie."""
        due = [(group, keys) for group in groups if (keys := self._due(group))]
        if not due:
            return
        check_clocks(self._archive)
        try:
            at = {name: self._read(name, due[0][0].segment) for name in self._archive.sites}
        except Damaged as error:
            self._left(error.site, due[0][0].segment.key, error.message)
            return
        for group, keys in due:
            self._clear_at(at[group.site], group, set(keys), step)

    def _read(self, site: str, segment: KnownSegment) -> SegmentAtSite:
        return segment_at_site(self._archive, site, segment)

    def _due(self, group: SpentCopies) -> list[str]:
        """Keys to look at. Where listings show no locks and none of a sample is over, the segment waits."""
        site = self._archive.sites[group.site]
        if not site.capabilities.list_shows_locks and not any(
            self._over(group, key) for key in sample(group)
        ):
            return []
        return sorted(group.versions)

    def _over(self, group: SpentCopies, key: str) -> list[StoredVersion]:
        return self._versions_over(group.site, key)

    def _is_over(self, site: str, key: str) -> bool:
        return bool(self._versions_over(site, key))

    def _versions_over(self, site: str, key: str) -> list[StoredVersion]:
        """All versions of a batch at its site; none unless the lock of each ended long enough ago.

        Raises SiteUnavailable.
        """
        now = self._archive.clock.now()
        versions = self._archive.sites[site].versions(key)
        if all(self._waiting.is_over(one.retain_until, now) and not one.held for one in versions):
            return versions
        return []

    def _clear_at(self, at: SegmentAtSite, group: SpentCopies, keys: set[str], step: Step) -> None:
        done = ClearedSegment(group.segment.manifest.segment, group.site)
        before = len(self._report.left)
        groups = name_batches(self._archive, group, keys, self._who)
        self._tools.fault("clearing-named")
        try:
            for held in at.batches():
                if held.evidence.key not in keys:
                    continue
                keys.discard(held.evidence.key)
                versions = self._removed(group, held)
                if versions:
                    done.take(held.evidence.key, versions)
                step(1, 0)
            for key in sorted(keys):
                self._left(group.site, key, "the segment holds another batch of this number")
        except Damaged as error:
            self._left(group.site, at.key, error.message)
        except VanVaultError:
            self._record(done, groups, self._report.left[before:])
            raise
        self._record(done, groups, self._report.left[before:])

    def _removed(self, group: SpentCopies, held: RemadeBatch) -> list[StoredVersion]:
        """Compare one batch and remove all its versions; those that are gone. Raises SiteUnavailable."""
        key = held.evidence.key
        versions = self._over(group, key)
        if not versions:
            return []
        if why := self._compare(group.site, key, versions, held):
            self._left(group.site, key, why)
            return []
        gone = []
        self._tools.fault("clearing-before-removal")
        for version in versions:
            try:
                self._disposers[group.site].delete(key, version.version)
            except NotFound:
                continue  # another run was quicker
            except LockRefused as error:
                self._left(group.site, key, error.message)
                break
            gone.append(version)
            self._tools.fault("clearing-removed")
        self._tools.sleep(self._pause_s)
        return gone

    def _compare(self, site: str, key: str, versions: list[StoredVersion], held: RemadeBatch) -> str:
        """Why the batch must stay, for people. Every version has the bytes that were compared."""
        archive, digest, data = self._archive, b"", b""
        for version in versions:
            try:
                data = archive.sites[site].get(key, version.version)
            except NotFound:
                continue
            except Damaged as error:
                return error.message
            found = hashlib.sha256(data).digest()
            if digest and found != digest:
                return "its versions there have different bytes"
            digest = found
        if not digest:
            return ""
        try:
            return difference(read_batch_table(key, data, archive.parquet), held)
        except (Damaged, KeyError, TypeError, ValueError) as error:
            return f"it does not decode: {error}"

    def _left(self, site: str, key: str, why: str) -> None:
        self._report.left.append(LeftBatch(site, key, why))

    def _record(self, done: ClearedSegment, groups: list[str], left: list[LeftBatch]) -> None:
        """Also where nothing went: the groups are over."""
        archive = self._archive
        if done.batches:
            self._report.cleared.append(done)
        detail = {
            **done.as_json(),
            "groups": groups,
            "compared": list(COMPARED),
            "left": [one.as_json() for one in left[:_MOST_NAMED]],
            "who": self._who,
        }
        self._tools.fault("clearing-before-record")
        archive.record_aside([archive.system_event(EventType.BATCHES_CLEARED, detail)])


@contextmanager
def _alone(archive: Archive) -> Iterator[None]:
    lock = try_lock(lock_file(archive.home / _LOCK, instead=archive.home / _LOCK_INSTEAD))
    if lock is None:
        raise Busy("another process of this home clears now", hint="Wait for it to end.")
    with lock:
        yield
