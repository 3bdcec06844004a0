"""When each job is due, from what is on record of it. Pure.

Time is cut into slots: the same for every node and host of an archive, whenever they were started, so none
must tell another when the next run is. A job is due when its newest slot has begun and no run began since.
So a missed run is made up for once, however many slots went by.

A run that, by its times, began in the future is of a clock that was wrong: it counts for nothing, and the
job is due by what else is on record. When its date comes, it may take the place of one run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vanvault.recovery.schedule.model import History, Job, JobRun, Lease

#: Slots are counted from a Monday, so that jobs of 7 days run in the night to Monday.
_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
#: Clocks of hosts may differ by so much: a run that began by another host's clock just after now is real.
SKEW = timedelta(minutes=2)
#: What could not be done is tried again after a 24th of its period, but within these bounds.
RETRY_LEAST, RETRY_MOST = timedelta(minutes=15), timedelta(days=1)
#: A job is overdue so long after the end of the run that should have been; or a tenth of its period.
PATIENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JobStanding:
    """How one job stands."""

    job: Job
    last: JobRun | None
    last_ok: JobRun | None
    due_since: datetime | None  # None: not due now
    next_at: datetime  # when it is due next, now or later
    overdue_since: datetime | None  # since when a good run is missed, None: it is not

    @property
    def failing(self) -> bool:
        """Did the last run that came to an end go wrong?"""
        return self.last is not None and self.last.result in ("failed", "overran")


def offset_of(job: Job, archive: str) -> timedelta:
    """How long after the start of its period a job runs in this archive; whole seconds."""
    spread = int(job.spread.total_seconds())
    digest = hashlib.sha256(f"{archive}/{job.name}".encode()).digest()
    return job.at + timedelta(seconds=int.from_bytes(digest[:8]) % spread if spread else 0)


def slot(job: Job, now: datetime, archive: str) -> datetime:
    """The start of the newest slot that has begun by ``now``."""
    first = _EPOCH + offset_of(job, archive)
    return first + (now - first) // job.every * job.every


def standing(job: Job, history: History, now: datetime, archive: str) -> JobStanding:
    """How a job stands ``now``. A run that a person asked for may be a small part: it is passed by."""
    runs = sorted(
        (run for run in history.runs.get(job.name, ()) if run.started <= now + SKEW and not run.asked),
        key=lambda run: run.started,
        reverse=True,
    )
    last = runs[0] if runs else None
    last_ok = next((run for run in runs if run.result == "ok"), None)
    begun, following = slot(job, now, archive), slot(job, now, archive) + job.every
    due_since = _due_since(job, runs, begun, history.since, now)
    retry = _retry_at(job, _counted(runs), now)
    return JobStanding(
        job=job,
        last=last,
        last_ok=last_ok,
        due_since=due_since,
        next_at=_next_at(due_since, retry, following, now),
        overdue_since=_overdue_since(job, last_ok, history.since, now, archive),
    )


def standing_or_why(job: Job, history: History, now: datetime, archive: str) -> JobStanding | str:
    """How a job stands, or why that cannot be told, for people: what is wrong with one stops no other."""
    try:
        return standing(job, history, now, archive)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return f"when it is due cannot be computed: {error or type(error).__name__}"


def due(jobs: Iterable[Job], history: History, now: datetime, archive: str) -> list[Job]:
    """The jobs to be started ``now``, the one that has waited longest first."""
    found = [standing(job, history, now, archive) for job in jobs]
    waiting = [(one.due_since, one.job) for one in found if one.due_since is not None]
    return [job for _, job in sorted(waiting, key=lambda pair: (pair[0], pair[1].name))]


def blocking(job: str, leases: Iterable[Lease], node: str, now: datetime) -> Lease | None:
    """The lease because of which this node must not start a job now.

    A lease of this node is none: its lock, which this node holds by now, shows that its run is over. One that
    would last from the future on, by a clock that was wrong, lasts no longer than it would from now.
    """
    for lease in leases:
        lasts = now - SKEW < lease.until and lease.until - lease.since > -SKEW
        if lease.job == job and lease.node != node and lasts:
            return lease
    return None


def _due_since(
    job: Job, runs: Sequence[JobRun], begun: datetime, since: datetime, now: datetime
) -> datetime | None:
    counted = _counted(runs)
    retry = _retry_at(job, counted, now)
    late = job.missed == "report" and now >= begun + window(job)
    if begun > (counted.started if counted else since):
        return None if late else begun
    if retry is not None and retry <= now and not late:
        return retry
    return None


def _counted(runs: Sequence[JobRun]) -> JobRun | None:
    """The newest run that stands for a slot: one that was stopped is to be run again."""
    return next((run for run in runs if run.result != "stopped"), None)


def _next_at(
    due_since: datetime | None, retry: datetime | None, following: datetime, now: datetime
) -> datetime:
    if due_since is not None:
        return now
    return min(following, retry) if retry is not None and retry > now else following


def window(job: Job) -> timedelta:
    """How long after its time a job that is only to be reported as missed may still start."""
    return min(job.every / 4, max(timedelta(hours=1), job.every / 24))


def _retry_at(job: Job, run: JobRun | None, now: datetime) -> datetime | None:
    if run is None or not run.may_be_retried:
        return None
    return min(run.finished, now + SKEW) + min(job.every, max(RETRY_LEAST, min(RETRY_MOST, job.every / 24)))


def _overdue_since(
    job: Job, last_ok: JobRun | None, since: datetime, now: datetime, archive: str
) -> datetime | None:
    start = last_ok.started if last_ok else since
    expected = slot(job, start, archive) + job.every
    at = expected + job.deadline + max(PATIENCE, job.every / 10)
    return at if at <= now else None
