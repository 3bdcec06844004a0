"""The door of schedule."""

from __future__ import annotations

from vanvault.recovery.schedule.in_serve import open_scheduler
from vanvault.recovery.schedule.model import Lease, span_text
from vanvault.recovery.schedule.planner import JobStanding, standing
from vanvault.recovery.schedule.program import has_verb
from vanvault.recovery.schedule.record import read_history
from vanvault.recovery.schedule.run import FinishedJob, reach_of, run_named
from vanvault.recovery.schedule.table import ScheduleEntry, entries_of, entry_named, jobs_on, too_slow
from vanvault.recovery.schedule.units import Host, units

__all__ = [
    "FinishedJob",
    "Host",
    "JobStanding",
    "Lease",
    "ScheduleEntry",
    "entries_of",
    "entry_named",
    "has_verb",
    "jobs_on",
    "open_scheduler",
    "reach_of",
    "read_history",
    "run_named",
    "span_text",
    "standing",
    "too_slow",
    "units",
]
