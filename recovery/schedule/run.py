"""One run of a job: its steps as processes of their own (``child.py``), one after the other.

The lock of the home goes to the processes, so it is held until the last of them has ended, even when this one
is killed. SIGTERM and SIGINT end the run: the process in hand gets SIGTERM, and SIGKILL when it does not end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Conflict, InvalidInput, VanVaultError
from vanvault.archiver.core.ports import Stopwatch, SystemStopwatch
from vanvault.archiver.home_files import load_settings
from vanvault.recovery.schedule.asked import asked_job
from vanvault.recovery.schedule.lease import end_lease, home_lock, take_lease
from vanvault.recovery.schedule.model import Job, JobRun, Lease, Result
from vanvault.recovery.schedule.planner import standing
from vanvault.recovery.schedule.program import has_verb, step_process
from vanvault.recovery.schedule.record import read_history
from vanvault.recovery.schedule.table import entries_of, entry_named

#: Added to the priority of jobs: intake comes first.
NICE = 10
#: Seconds that a process gets to end by itself.
GRACE_S = 20.0


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """What a run came to."""

    run: JobRun
    recorded: bool
    why_not: str = ""  # recorded

    @property
    def exit_code(self) -> ExitCode:
        """The run's; INTERNAL for one that no verb has: a signal ended the process."""
        code = self.run.exit_code
        return ExitCode(code) if code in set(ExitCode) else ExitCode.INTERNAL

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "job": self.run.job,
            "ran": True,
            "run": self.run.id,
            "result": self.run.result,
            "exit_code": self.run.exit_code,
            "seconds": round(self.run.seconds, 3),
            "recorded": self.recorded,
        }


def run_named(home: Path, name: str, *, if_due: bool = False, as_json: bool = False) -> FinishedJob | None:
    """Run the job of a home that has this name. Raises InvalidInput, SettingsError, and as ``run_job``."""
    entry = entry_named(entries_of(load_settings(home), has_verb), name)
    if not entry.job.commands or not all(has_verb(words[0]) for words in entry.job.commands):
        raise InvalidInput(f"the job {name} has nothing to run: {entry.why_off}", field="name")
    return run_job(lambda: Archive.open(home), home, entry.job, if_due=if_due, as_json=as_json)


def run_asked(home: Path, id: str) -> FinishedJob:
    """Run what a person asked for under this id, once: it runs under that person's name.

    Raises NotFound, InvalidInput, Conflict (it ran), and as ``run_job``.
    """
    with Archive.open(home) as archive:
        archive.catch_up()
        job = asked_job(archive, id).job
        history = read_history(archive.search, archive.clock.now(), reach_of([job]))
        if any(run.asked == id for run in history.runs.get(job.name, ())):
            raise Conflict(f"what was asked for under {id} has run", hint="Ask for it anew.")
    finished = run_job(lambda: Archive.open(home), home, job, as_json=True)
    assert finished is not None  # noqa: S101 - whether it is due was not asked
    return finished


def run_job(
    open_archive: Callable[[], Archive],
    home: Path,
    job: Job,
    *,
    if_due: bool = False,
    as_json: bool = False,
    grace_s: float = GRACE_S,
    stopwatch: Stopwatch | None = None,
) -> FinishedJob | None:
    """Run a job now; None when it is not due and only that was asked for.

    Args:
        open_archive: opens the home. It is closed while the verbs run.
        as_json: steps that are the program itself print JSON; the others always do.
        grace_s: what a process gets to end after SIGTERM.

    Raises Busy (it is running, here or elsewhere), SiteUnavailable (the lease cannot be put on record),
    KeyUnavailable, SettingsError. Must be called in the main thread.
    """
    watch = stopwatch or SystemStopwatch()
    with home_lock(home, job.name) as lock, ExitStack() as until_recorded:
        processes = _Processes(_Place(home, job, lock, as_json), grace_s, watch)
        with open_archive() as archive:
            archive.catch_up()
            if if_due and not _is_due(archive, job):
                return None
            # A signal between the lease and the end of the run must not leave a lease that nobody ends.
            until_recorded.enter_context(processes.ended_by_signals())
            lease = take_lease(archive, job)
            started = archive.clock.now()
            if if_due and not _is_due(archive, job):  # another node's run ended between the two looks
                end_lease(archive, _run_of(lease, started, started, "stopped", 0, 0.0))
                return None
        began = watch.seconds()
        result, code = processes.run()
        took = watch.seconds() - began
        with open_archive() as archive:
            run = _run_of(lease, started, archive.clock.now(), result, code, took)
            try:
                end_lease(archive, run)
            except VanVaultError as error:
                return FinishedJob(run, recorded=False, why_not=error.message)
    return FinishedJob(run, recorded=True)


def _is_due(archive: Archive, job: Job) -> bool:
    now = archive.clock.now()
    history = read_history(archive.search, now, reach_of([job]))
    return standing(job, history, now, archive.settings.archive).due_since is not None


def reach_of(jobs: Sequence[Job]) -> timedelta:
    """How far back a history must go: whoever did not run for so long is due in any case."""
    return max((2 * job.every + job.deadline for job in jobs), default=timedelta()) + timedelta(days=2)


def _run_of(
    lease: Lease, started: datetime, finished: datetime, result: Result, code: int, seconds: float
) -> JobRun:
    return JobRun(
        lease.run, lease.job, lease.host, started, finished, result, code, seconds, asked=lease.asked
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a run's processes run."""

    home: Path
    job: Job
    lock: int  # descriptor that every process inherits
    as_json: bool


class _Processes:
    """The processes of one run."""

    def __init__(self, place: _Place, grace_s: float, watch: Stopwatch) -> None:
        self._home = place.home
        self._job = place.job
        self._lock = place.lock
        self._as_json = place.as_json
        self._grace_s = grace_s
        self._watch = watch
        self._process: subprocess.Popen[bytes] | None = None
        self._killer: threading.Timer | None = None
        self._ended_by: Result | None = None

    def run(self) -> tuple[Result, int]:
        """The result, and the exit code of the first step that did not end well; a failure stops no other."""
        deadline = self._watch.seconds() + self._job.deadline.total_seconds()
        steps = range(len(self._job.commands))
        codes = [self._one(step, deadline) for step in steps if self._ended_by is None]
        if self._ended_by is not None:
            return self._ended_by, ExitCode.INTERRUPTED.value
        wrong = [code for code in codes if code not in self._job.accepted]
        return ("failed", wrong[0]) if wrong else ("ok", max(codes))

    def _one(self, step: int, deadline: float) -> int:
        timer = threading.Timer(max(0.0, deadline - self._watch.seconds()), self._end, ["overran"])
        timer.daemon = True
        self._process = subprocess.Popen(
            step_process(self._home, self._job, step, as_json=self._as_json),
            stdin=subprocess.DEVNULL,
            pass_fds=[self._lock],
            start_new_session=True,
        )
        if self._ended_by is not None:  # the signal came just before there was a process
            self._terminate()
        _lower_priority(self._process.pid)
        timer.start()
        try:
            code = self._process.wait()
        finally:
            timer.cancel()
            if self._killer is not None:
                self._killer.cancel()
            self._process = None  # its number may be another's from now on
        return code if code >= 0 else 128 - code

    def _end(self, why: Result) -> None:
        self._ended_by = self._ended_by or why
        self._terminate()

    def _terminate(self) -> None:
        process = self._process
        if process is None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        if self._killer is None:
            self._killer = threading.Timer(self._grace_s, _signal_group, [process.pid, signal.SIGKILL])
            self._killer.daemon = True
            self._killer.start()

    @contextmanager
    def ended_by_signals(self) -> Iterator[None]:
        """Within, SIGTERM and SIGINT end the run, also one of which no process runs yet."""

        def stop(number: int, frame: FrameType | None) -> None:
            self._end("stopped")

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _signal_group(leader: int, number: int) -> None:
    """To the verb and whatever it started; one that has ended meanwhile needs none."""
    with suppress(ProcessLookupError):
        os.killpg(leader, number)


def _lower_priority(process: int) -> None:
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
