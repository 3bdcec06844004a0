"""The table of jobs of an open archive, with how each job stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.times import rfc3339_seconds, span_text
from vanvault.recovery.schedule.model import History, Job, Lease
from vanvault.recovery.schedule.planner import JobStanding, standing_or_why
from vanvault.recovery.schedule.program import has_verb
from vanvault.recovery.schedule.record import read_history
from vanvault.recovery.schedule.run import reach_of
from vanvault.recovery.schedule.table import ScheduleEntry, entries_of, too_slow


@dataclass(frozen=True, slots=True)
class JobOverview:
    """One job of the table."""

    job: Job
    why_off: str  # for people; empty: the job is on
    standing: JobStanding | None  # None: the job is off
    lease: Lease | None  # of the run that goes on now
    wrong: str = ""  # why it can never be run as it is set, for people

    @property
    def every(self) -> str:
        """The period, as settings spell it."""
        return span_text(self.job.every)

    def alarm(self) -> str:
        """What is wrong with the job, for people; empty: nothing is."""
        name, found = self.job.name, self.standing
        if self.wrong:
            return f"the job {name} is not run: {self.wrong}"
        if found is None:
            return ""
        if found.failing and found.last is not None:
            last = found.last
            ended = "took too long" if last.result == "overran" else f"ended with {last.exit_code}"
            return f"the job {name} {ended} on {last.host}; run: vanvault schedule run {name}"
        if found.overdue_since is not None:
            since = rfc3339_seconds(found.overdue_since)
            return f"the job {name} is overdue since {since}; run: vanvault schedule run {name}"
        return ""

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        job, found, lease = self.job, self.standing, self.lease
        last = found.last if found else None
        return {
            "name": job.name,
            "on": found is not None,
            "why_off": self.why_off,
            "commands": [" ".join(command) for command in job.commands],
            "every": self.every,
            "deadline": span_text(job.deadline),
            "missed": job.missed,
            "last": {
                "started": _moment(last.started),
                "finished": _moment(last.finished),
                "result": last.result,
                "exit_code": last.exit_code,
                "seconds": round(last.seconds, 3),
                "host": last.host,
            }
            if last
            else None,
            "last_ok": _moment(found.last_ok.started) if found and found.last_ok else None,
            "due": bool(found and found.due_since),
            "next": _moment(found.next_at) if found else None,
            "failing": bool(found and found.failing),
            "overdue_since": _moment(found.overdue_since) if found else None,
            "running": {"host": lease.host, "since": _moment(lease.since), "until": _moment(lease.until)}
            if lease
            else None,
        }


@dataclass(frozen=True, slots=True)
class ScheduleOverview:
    """The whole table."""

    jobs: tuple[JobOverview, ...]
    in_serve: bool  # a serving node starts the jobs
    too_slow: str  # why verification does not go round in time, for people; empty: it does

    @property
    def failing(self) -> list[str]:
        """Names of the jobs whose last run went wrong."""
        return [name for name, found in self._on() if found.failing]

    @property
    def overdue(self) -> list[str]:
        """Names of the jobs that miss a good run."""
        return [name for name, found in self._on() if found.overdue_since]

    @property
    def wrong(self) -> list[str]:
        """What is wrong in the settings of jobs: one text for each, which names the setting."""
        return [job.wrong for job in self.jobs if job.wrong]

    def alarms(self) -> list[str]:
        """One line for each job that is failing or overdue, or whose settings are wrong."""
        return [line for job in self.jobs if (line := job.alarm())]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "in_serve": self.in_serve,
            "jobs": [job.as_json() for job in self.jobs],
            "failing": self.failing,
            "overdue": self.overdue,
            "wrong": self.wrong,
        }

    def _on(self) -> Iterator[tuple[str, JobStanding]]:
        yield from ((job.job.name, job.standing) for job in self.jobs if job.standing is not None)


def overview(archive: Archive) -> ScheduleOverview:
    """Every job, on or off, by what is on record now. Raises SiteUnavailable, Damaged."""
    settings, now = archive.settings, archive.clock.now()
    entries = entries_of(settings, has_verb)
    history = read_history(archive.search, now, reach_of([entry.job for entry in entries]))
    running = {lease.job: lease for lease in reversed(history.leases) if lease.until > now}
    return ScheduleOverview(
        jobs=tuple(
            _overview_of(entry, history, now, settings.archive, running.get(entry.job.name))
            for entry in entries
        ),
        in_serve=settings.schedule.in_serve,
        too_slow=too_slow(settings, {entry.job.name: entry.job for entry in entries if entry.on}),
    )


def _overview_of(
    entry: ScheduleEntry, history: History, now: datetime, archive: str, lease: Lease | None
) -> JobOverview:
    wrong = entry.wrong.message if entry.wrong is not None else ""
    if not entry.on:
        return JobOverview(entry.job, entry.why_off, None, lease, wrong)
    found = standing_or_why(entry.job, history, now, archive)
    if isinstance(found, str):
        return JobOverview(entry.job, found, None, lease, found)
    return JobOverview(entry.job, "", found, lease)


def _moment(moment: datetime | None) -> str | None:
    return rfc3339_seconds(moment) if moment else None
