"""The pages of jobs: what was run, when, with what outcome. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.recovery.job_record import JobsPage


@dataclass(frozen=True, slots=True)
class JobsView:
    """The list."""

    page: JobsPage
    next: str  # address of the next page
    sees_exports: bool  # may this person see jobs of which the access log tells?
    sees_exports_roles: tuple[str, ...]
