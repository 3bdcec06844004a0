"""The scheduler within a serving node: starts the jobs that are due, one at a time, as own processes.

A job is ``python -m vanvault.recovery.schedule``, the same as a timer of the host would run: the lock, the
lease, the record and the decision are made there, and this task only decides when to ask. What a job wrote
last is in ``cache/schedule/NAME.log`` of the home.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.log_lines import Logger
from vanvault.recovery.schedule.lease import FOLDER
from vanvault.recovery.schedule.model import Job
from vanvault.recovery.schedule.planner import JobStanding, due, standing_or_why
from vanvault.recovery.schedule.program import has_verb, job_process
from vanvault.recovery.schedule.record import read_history
from vanvault.recovery.schedule.run import GRACE_S, reach_of
from vanvault.recovery.schedule.table import jobs_on

_log = Logger("vanvault.schedule")

#: A job that came to nothing (another host has it, a site is away) is not asked for again at once.
NOT_AGAIN = timedelta(minutes=5)
#: The record is read at least so often, whatever it said last.
_READ_EVERY = timedelta(hours=1)
#: Seconds between two looks whether a process has ended.
_POLL_S = 0.25
#: What a run gets to put its end on record, beyond what its verb gets to end.
_LAST_WORDS_S = 10.0


def open_scheduler(archive: Archive, draining: Signal) -> Scheduler | None:
    """The scheduler of a node, as its settings say; None when they say that there is none.

    Raises SettingsError (the table of jobs).
    """
    every = jobs_on(archive.settings, has_verb)  # a wrong table shows here, whoever starts the jobs
    jobs = [job for job in every if not job.apart]
    if not archive.settings.schedule.in_serve:
        return None
    return Scheduler(archive, jobs, draining=draining, look_s=archive.settings.schedule.check_interval_s)


class Scheduler:
    """Starts one job at a time; told to stop, it ends the job that runs."""

    def __init__(
        self,
        archive: Archive,
        jobs: Sequence[Job],
        *,
        draining: Signal,
        look_s: float,
        command: Callable[[Job], Sequence[str]] | None = None,
    ) -> None:
        """``draining``: once it is set, no job is started and the one that runs is ended."""
        self._archive = archive
        self._jobs = tuple(jobs)
        self._draining = draining
        self._look_s = look_s
        self._command = command or self._schedule_run
        self._not_before: dict[str, datetime] = {}
        self._read_at: datetime | None = None  # when the record was last read
        self._quiet_until = datetime.min.replace(tzinfo=UTC)  # nothing is due before

    @property
    def task(self) -> Task:
        """One look for a job that is due, ``look_s`` from the start on; a job is part of its round."""
        return Task(
            "scheduler",
            self.round,
            every_s=self._look_s,
            ask=self._draining.set,
            stop_s=GRACE_S + _LAST_WORDS_S + 5,
        )

    def round(self, stop: Signal) -> None:
        """Start the job that is due, if any, and wait for its end. Raises VanVaultError, OSError."""
        if self._draining.is_set():
            return
        job = self._next()
        if job is not None:
            self._start(job)

    def _next(self) -> Job | None:
        """The job that has waited longest; the node's own intake keeps the hot tail level with the sites."""
        now = self._archive.clock.now()
        # What other nodes put on record meanwhile only moves jobs back, so there is no need to read it yet.
        if self._read_at is not None and self._read_at <= now < self._quiet_until:
            return None
        self._read_at = now
        history = read_history(self._archive.search, now, reach_of(self._jobs))
        archive = self._archive.settings.archive
        times: dict[str, datetime] = {}
        for job in self._jobs:
            found = standing_or_why(job, history, now, archive)
            if isinstance(found, JobStanding):
                times[job.name] = max(found.next_at, self._not_before.get(job.name, now))
            else:
                _log.error("a job cannot be planned", job=job.name, error=found)
        self._quiet_until = min([now + _READ_EVERY, *times.values()])
        ready = [job for job in self._jobs if times.get(job.name, now + _READ_EVERY) <= now]
        return next(iter(due(ready, history, now, archive)), None)

    def _start(self, job: Job) -> None:
        folder = self._archive.home / FOLDER
        now = self._archive.clock.now()
        # Whatever comes of it: a run that is on record is not due, and one that is not must not be hammered.
        self._not_before[job.name] = now + min(NOT_AGAIN, job.every)
        self._read_at = None
        try:
            with opened_log(folder / f"{job.name}.log") as log:
                process = subprocess.Popen(
                    self._command(job),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            _log.error("a job could not be started", job=job.name, error=error.strerror)
            return
        _log.info("job started", job=job.name)
        code = self._wait(process)
        say = _log.info if code in job.accepted else _log.warning
        say("job ended", job=job.name, exit_code=code, log=str(FOLDER / f"{job.name}.log"))

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while not self._draining.wait(_POLL_S):
            code = process.poll()
            if code is not None:
                return code
        process.terminate()
        try:
            return process.wait(GRACE_S + _LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _schedule_run(self, job: Job) -> Sequence[str]:
        return job_process(self._archive.home, job.name)


def opened_log(path: Path) -> BinaryIO:
    """The emptied log of a job; where the cache cannot be used, the job runs without one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A pipe in its place is not waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, 0o600), "wb")
    except OSError as error:
        raise_limit(error)
        _log.warning("a job runs without a log", path=str(path), error=error.strerror)
        return Path(os.devnull).open("wb")
