"""One run of a job: its verbs as processes of the same program, one after the other.

The lock of the home goes to the processes, so it is held until the last of them has ended, even when this one
is killed. SIGTERM and SIGINT end the run: the process in hand gets SIGTERM, and SIGKILL when it does not end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.ports import Stopwatch, SystemStopwatch
from vanvault.recovery.schedule.lease import end_lease, home_lock, take_lease
from vanvault.recovery.schedule.model import Command, Job, Lease, Result, Run
from vanvault.recovery.schedule.planner import standing
from vanvault.recovery.schedule.record import read_history

#: Added to the priority of jobs: intake comes first.
NICE = 10
#: Seconds that a process gets to end by itself.
GRACE_S = 20.0
#: Exit code of a run that was stopped or took too long: that of a verb that was interrupted.
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run came to."""

    run: Run
    recorded: bool
    why_not: str = ""  # recorded


def program(home: Path) -> tuple[str, ...]:
    """This program as a process of its own; the folder it is started from adds no modules to it."""
    return (sys.executable, "-P", "-m", "vanvault.cli", "--home", str(home))


def has_verb(verb: str) -> bool:
    """Does this program know the verb? Each is a module of ``vanvault.cli`` with its name."""
    return verb.isidentifier() and find_spec(f"vanvault.cli.{verb}") is not None


def run_job(
    open_archive: Callable[[], Archive],
    home: Path,
    job: Job,
    *,
    if_due: bool = False,
    extra: Sequence[str] = (),
    grace_s: float = GRACE_S,
    stopwatch: Stopwatch | None = None,
) -> Finished | None:
    """Run a job now; None when it is not due and only that was asked for.

    Args:
        open_archive: opens the home. It is closed while the verbs run.
        extra: more arguments for every verb, such as ``--json``.
        grace_s: what a process gets to end after SIGTERM.

    Raises Busy (it is running, here or elsewhere), SiteUnavailable (the lease cannot be put on record),
    KeyUnavailable, SettingsError. Must be called in the main thread.
    """
    with home_lock(home, job.name) as lock:
        with open_archive() as archive:
            archive.catch_up()
            if if_due and not _is_due(archive, job):
                return None
            lease = take_lease(archive, job)
            started = archive.clock.now()
            if if_due and not _is_due(archive, job):  # another node's run ended between the two looks
                end_lease(archive, _run_of(lease, started, started, "stopped", 0, 0.0))
                return None
        watch = stopwatch or SystemStopwatch()
        began = watch.seconds()
        result, code = _Processes(home, job, lock, extra, grace_s, watch).run()
        took = watch.seconds() - began
        with open_archive() as archive:
            run = _run_of(lease, started, archive.clock.now(), result, code, took)
            try:
                end_lease(archive, run)
            except VanVaultError as error:
                return Finished(run, recorded=False, why_not=error.message)
    return Finished(run, recorded=True)


def _is_due(archive: Archive, job: Job) -> bool:
    now = archive.clock.now()
    history = read_history(archive.search, now, reach_of([job]))
    return standing(job, history, now, archive.settings.archive).due_since is not None


def reach_of(jobs: Sequence[Job]) -> timedelta:
    """How far back a history must go: whoever did not run for so long is due in any case."""
    return max((2 * job.every + job.deadline for job in jobs), default=timedelta()) + timedelta(days=2)


def _run_of(
    lease: Lease, started: datetime, finished: datetime, result: Result, code: int, seconds: float
) -> Run:
    return Run(lease.run, lease.job, lease.host, started, finished, result, code, seconds)


class _Processes:
    """The processes of one run."""

    def __init__(
        self, home: Path, job: Job, lock: int, extra: Sequence[str], grace_s: float, watch: Stopwatch
    ) -> None:
        self._home = home
        self._job = job
        self._lock = lock
        self._extra = tuple(extra)
        self._grace_s = grace_s
        self._watch = watch
        self._process: subprocess.Popen[bytes] | None = None
        self._killer: threading.Timer | None = None
        self._ended_by: Result | None = None

    def run(self) -> tuple[Result, int]:
        """The result, and the exit code of the first verb that did not end well; a failure stops no other."""
        deadline = self._watch.seconds() + self._job.deadline.total_seconds()
        with self._signals():
            codes = [self._one(command, deadline) for command in self._job.commands if self._ended_by is None]
        if self._ended_by is not None:
            return self._ended_by, INTERRUPTED
        wrong = [code for code in codes if code not in self._job.accepted]
        return ("failed", wrong[0]) if wrong else ("ok", max(codes))

    def _one(self, command: Command, deadline: float) -> int:
        timer = threading.Timer(max(0.0, deadline - self._watch.seconds()), self._end, ["overran"])
        timer.daemon = True
        self._process = subprocess.Popen(
            [*program(self._home), *command, *self._extra],
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
    def _signals(self) -> Iterator[None]:
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
