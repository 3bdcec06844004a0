"""Jobs on record: what was run on this archive, when, by whom, and what came of it."""

from __future__ import annotations

from vanvault.recovery.job_record.model import (
    JOB_KINDS,
    JobKind,
    JobOutcome,
    RecordedJob,
    before_of,
    recorded_job,
)
from vanvault.recovery.job_record.reading import PAGE_JOBS, JobsPage, OneJob, jobs_page, one_job

__all__ = [
    "JOB_KINDS",
    "PAGE_JOBS",
    "JobKind",
    "JobOutcome",
    "JobsPage",
    "OneJob",
    "RecordedJob",
    "before_of",
    "jobs_page",
    "one_job",
    "recorded_job",
]
