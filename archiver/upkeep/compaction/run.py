"""Compaction and keeping on an open archive, as a verb or a schedule calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, InvalidInput
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.core.times import to_us
from vanvault.archiver.disk import lock_file, try_lock
from vanvault.archiver.journal import EventType
from vanvault.archiver.upkeep.compaction.compactor import CompactionReport, Compactor
from vanvault.archiver.upkeep.compaction.keeper import KeeperReport, Watch, keep, survey, unwatched
from vanvault.archiver.upkeep.compaction.known_locks import KEEPER_SAMPLE, LOOK_SAMPLE, KnownLocks
from vanvault.archiver.upkeep.compaction.plan import DayPlan, days_over_before, plan_days
from vanvault.archiver.upkeep.compaction.segment_writer import SegmentWriter
from vanvault.archiver.upkeep.compaction.workers import THREADS
from vanvault.archiver.upkeep.processes import Jobs

_LOCK = "cache/compaction.lock"
_LOCKS_KNOWN = "cache/locks.json"
_LOCK_INSTEAD = ".compaction.lock"  # where the cache cannot be used


@dataclass(frozen=True, slots=True)
class CompactionRun:
    """One run: what was planned, and what came of it."""

    days: tuple[DayPlan, ...]
    report: CompactionReport


def plan_compaction(archive: Archive, until: datetime | None = None) -> list[DayPlan]:
    """What a compaction would take now. Folds first. Raises SiteUnavailable, KeyUnavailable, InvalidInput.

    It puts all commits on record before it begins, so here they count as being there.
    """
    before = _before(archive, until)
    archive.catch_up()
    batches, _ = archive.tail.uncompacted()
    return plan_days(batches, {batch.key for batch in batches}, before, archive.catalogue.holds)


def compact(
    archive: Archive,
    until: datetime | None = None,
    *,
    done: Callable[[SegmentManifest], None] = lambda _: None,
    fault: Fault = no_fault,
    jobs: Jobs | None = None,
) -> CompactionRun:
    """Compact every day that is ready, and put on record what was made.

    Args:
        until: compact days that end at this time or before, instead of those that are over for
            ``compaction.settle_hours``; it is not later than now.
        done: hears of each segment that is trusted.
        fault: called at the steps of this process.
        jobs: other processes that read batches and write segments, where there is enough to do. This one
            holds the home's lock all the time; it plans, cuts and puts on record.

    Raises:
        Busy: another process of this home compacts.
        SiteUnavailable, Damaged, KeyUnavailable: begun again, it goes on where it stopped.
        InvalidInput: ``until`` is in the future.
    """
    before = _before(archive, until)
    with _alone(archive), ThreadPoolExecutor(THREADS, thread_name_prefix="segment") as pool:
        archive.catch_up(settle=True)
        archive.trust.check_every_clock()
        archive.trust.check_probes()
        compactor = Compactor(archive, SegmentWriter(archive, pool, fault), pool, fault)
        if not archive.tail.has_uncompacted(to_us(before)):
            return CompactionRun((), CompactionReport((), ()))  # as most looks of a node find it
        if _held_back(archive, before):
            # Its writer puts the commits of everything before on record, so that it may be compacted.
            archive.record(EventType.COMPACTION_STARTED, {"before": f"{before:%Y-%m-%dT%H:%M:%SZ}"})
            archive.catch_up(settle=True)
        days = compactor.plan(before)
        if days:
            # What is planned is folded, so each conflict about it is known; later nobody folds it any more.
            for found in archive.conflict_record.unrecorded():
                archive.record(EventType.CONFLICT_FOUND, found)
        report = compactor.run(days, done, jobs)
        fault("compaction-before-record")
        if report.segments:
            archive.record(EventType.COMPACTION_FINISHED, _detail(report))
    return CompactionRun(tuple(days), report)


def keep_locks(archive: Archive) -> KeeperReport:
    """One round of the keeper: segments looked for at every site, locks extended. Puts nothing on record.

    Raises SiteUnavailable only when no site can say which segments there are.
    """
    archive.catch_up_segments()
    report = keep(
        archive.sites,
        archive.catalogue,
        archive.settings.compaction.lock_pace(),
        now=archive.clock.now,
        is_folded=lambda key: bool(archive.tail.knows([key])),
        known=_known_locks(archive, KEEPER_SAMPLE),
    )
    if report.unfolded:
        archive.tail.list_anew()  # a writer that had been silent for days wrote again
    return report


def look_at_locks(archive: Archive, watch: Watch = unwatched) -> KeeperReport:
    """What a round of the keeper would find, by the segments that are known here; changes nothing.

    ``watch`` sees the listing of each site's batches.
    """
    return survey(
        archive.sites,
        archive.catalogue,
        archive.settings.compaction.lock_pace(),
        now=archive.clock.now,
        known=_known_locks(archive, LOOK_SAMPLE),
        watch=watch,
    )


def _known_locks(archive: Archive, sample: int) -> KnownLocks:
    return KnownLocks(archive.home / _LOCKS_KNOWN, archive.tail.lock_on_record, sample)


def _before(archive: Archive, until: datetime | None) -> datetime:
    now = archive.clock.now()
    if until is None:
        return days_over_before(now, timedelta(hours=archive.settings.compaction.settle_hours))
    if until > now:
        raise InvalidInput("until is in the future", field="until", hint="Only what is over is compacted.")
    return until.astimezone(UTC)


def _held_back(archive: Archive, before: datetime) -> bool:
    """Is there anything old enough that only waits for its commit to come on record?"""
    batches, recorded = archive.tail.uncompacted()
    return any(b.key not in recorded and b.header.created_us < before.timestamp() * 10**6 for b in batches)


def _detail(report: CompactionReport) -> dict[str, object]:
    return {
        "damaged": list(report.damaged[:20]),
        "rows": report.rows,
        "segments": [segment.segment for segment in report.segments[:1000]],
    }


@contextmanager
def _alone(archive: Archive) -> Iterator[None]:
    lock = try_lock(lock_file(archive.home / _LOCK, instead=archive.home / _LOCK_INSTEAD))
    if lock is None:
        raise Busy("another process of this home compacts now", hint="Wait for it to end.")
    with lock:
        yield
