"""Jobs that run again and again: how they stand, one run of one, the scheduler of a node, and timers."""

from __future__ import annotations

from vanvault.recovery.schedule.asked import JobWish
from vanvault.recovery.schedule.asking import AskedJobs, StartedJob
from vanvault.recovery.schedule.in_serve import open_scheduler
from vanvault.recovery.schedule.leases import RunningJobs, running_jobs
from vanvault.recovery.schedule.overview import JobOverview, ScheduleOverview, overview
from vanvault.recovery.schedule.program import check_table
from vanvault.recovery.schedule.run import run_named
from vanvault.recovery.schedule.timers import UnitsReport, UnitsRequest, make_units

__all__ = [
    "AskedJobs",
    "JobOverview",
    "JobWish",
    "RunningJobs",
    "ScheduleOverview",
    "StartedJob",
    "UnitsReport",
    "UnitsRequest",
    "check_table",
    "make_units",
    "open_scheduler",
    "overview",
    "run_named",
    "running_jobs",
]
