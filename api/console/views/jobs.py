"""The pages of jobs: what was run, when, with what outcome. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.recovery.job_record import JobsPage
from vanvault.recovery.schedule import RunningJobs


@dataclass(frozen=True, slots=True)
class JobsView:
    """The list."""

    page: JobsPage
    running: RunningJobs
    next: str  # address of the next page
    sees_exports: bool  # may this person see jobs of which the access log tells?
    sees_exports_roles: tuple[str, ...]
    starts: bool = False  # has this person the permission to start jobs?
    starts_here: bool = True  # does this node start jobs?
    fresh: bool = False  # did they sign on just now, with two factors?
    scenarios: tuple[str, ...] = ()
    poll: int = 1  # which request for the part that shows what runs comes next; 0: none by itself


@dataclass(frozen=True, slots=True)
class RunningView:
    """What runs now."""

    running: RunningJobs
    poll: int
