"""One compaction as an operator or a schedule asks for it: days become segments, other locks are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.upkeep import CompactionReport, DayPlan, KeeperReport, keep_locks, plan_compaction
from vanvault.archiver.upkeep import compact as compact_days
from vanvault.recovery.maintenance.kept import Kept, keep_index, kept_fields
from vanvault.recovery.work import QUIET, Extent, Observer, open_others


@dataclass(frozen=True, slots=True)
class CompactRequest:
    """What to compact."""

    until: datetime | None = None  # what came before; None: days that are over and settled
    dry_run: bool = False
    keep_only: bool = False  # only extend locks

    def __post_init__(self) -> None:
        """Raises InvalidInput: the options contradict each other."""
        if self.keep_only and (self.dry_run or self.until is not None):
            raise InvalidInput("--keep-only goes with neither --dry-run nor --until.", field="keep_only")


@dataclass(frozen=True, slots=True)
class PlannedCompaction:
    """The days that would be compacted; nothing was done."""

    days: tuple[DayPlan, ...]

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "days": [
                {
                    "day": day.day,
                    "batches": len(day.batches),
                    "rows": sum(batch.header.rows for batch in day.batches),
                }
                for day in self.days
            ]
        }


@dataclass(frozen=True, slots=True)
class Compaction:
    """A compaction that is over."""

    report: CompactionReport | None  # None: only locks were kept
    kept: KeeperReport
    index_kept: Kept = ()  # index files beside the sites

    @property
    def exit_code(self) -> ExitCode:
        """Damage comes first; a lock that could not be extended counts as a site that is away."""
        if self.kept.alarms or (self.report and self.report.damaged):
            return ExitCode.CHECK_FAILED
        return ExitCode.SITE if self.kept.failures else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        segments = self.report.segments if self.report else ()
        return {
            "segments": len(segments),
            "rows": sum(segment.rows for segment in segments),
            "bytes": sum(part.size for segment in segments for part in segment.parts),
            "damaged": list(self.report.damaged) if self.report else [],
            "keeper": {
                "uncompacted": self.kept.uncompacted,
                "extended": self.kept.extended,
                "alarms": [
                    {
                        "site": held.site,
                        "key": held.key,
                        "retain_until": rfc3339_seconds(held.retain_until) if held.retain_until else "",
                    }
                    for held in self.kept.alarms
                ],
                "failures": list(self.kept.failures),
            },
            "index_kept": kept_fields(self.index_kept),
        }


def compact(
    archive: Archive, request: CompactRequest, observer: Observer = QUIET
) -> Compaction | PlannedCompaction:
    """Make day segments of batches, prove them, and keep the locks of all other batches.

    Killed at any moment it is simply begun again. Raises Busy (another process of this home compacts),
    SiteUnavailable, SiteFull, KeyUnavailable, SettingsError.
    """
    if request.keep_only:
        return Compaction(None, keep_locks(archive))
    days = plan_compaction(archive, request.until)
    if request.dry_run:
        return PlannedCompaction(tuple(days))
    rows = sum(batch.header.rows for day in days for batch in day.batches)
    with (
        open_others(archive.home, archive.settings.jobs) as jobs,
        observer.progress("compacting rows", Extent(rows)) as step,
    ):
        done = compact_days(archive, request.until, jobs=jobs, done=lambda one: step(one.rows, one.raw_bytes))
    return Compaction(done.report, keep_locks(archive), keep_index(archive, observer))
