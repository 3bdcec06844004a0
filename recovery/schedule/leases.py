"""What runs now: by the notes of this home, and of other homes by their leases on record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.recovery.running import RunningJob, verbs_here
from vanvault.recovery.schedule.lease import GRACE, node_id
from vanvault.recovery.schedule.model import Lease
from vanvault.recovery.schedule.program import has_verb
from vanvault.recovery.schedule.record import read_history
from vanvault.recovery.schedule.table import entries_of


@dataclass(frozen=True, slots=True)
class LeasedRun:
    """A run of which the record says that it goes on, and no more."""

    lease: Lease
    this_home: bool

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "job": self.lease.job,
            "run": self.lease.run,
            "host": self.lease.host,
            "since": rfc3339_seconds(self.lease.since),
            "until": rfc3339_seconds(self.lease.until),
            "this_home": self.this_home,
        }


@dataclass(frozen=True, slots=True)
class RunningJobs:
    """What runs now."""

    at: datetime
    here: tuple[RunningJob, ...]
    leased: tuple[LeasedRun, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "at": rfc3339_seconds(self.at),
            "here": [one.as_json() for one in self.here],
            "leased": [one.as_json() for one in self.leased],
        }


def running_jobs(archive: Archive) -> RunningJobs:
    """What runs now: by the notes of this home, and by leases on record. Raises SiteUnavailable, Damaged."""
    here = verbs_here(archive.home)
    leased = _leased(archive, {one.verb.job for one in here})
    return RunningJobs(archive.clock.now(), tuple(here), tuple(leased))


def _leased(archive: Archive, seen: Collection[str]) -> list[LeasedRun]:
    """Runs that are not seen, without an end on record and with a lease that is not over, newest first."""
    now, own = archive.clock.now(), node_id(archive.home, archive.entropy)
    longest = max((entry.job.deadline for entry in entries_of(archive.settings, has_verb)), default=GRACE)
    history = read_history(archive.search, now, longest + GRACE + timedelta(days=1))
    return [
        LeasedRun(lease, lease.node == own)
        for lease in history.leases
        if lease.until > now and not (lease.node == own and lease.job in seen)
    ]
