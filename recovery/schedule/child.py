"""One step of a job as a process: ``python -m vanvault.recovery.schedule.child --home DIR JOB STEP``.

It ends with the verb's exit code, and the last line on stdout is the verb's report as one JSON object, or
``{"error": ...}``. Warnings go to stderr. The lock of the home, which it inherits, is held until it ends.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import NoReturn

import orjson

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.caches import again_where_lost
from vanvault.archiver.core.error_table import ExitCode, described
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core_dumps import forbid_core_dumps
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.standard_streams import OutputLost, guard_streams
from vanvault.recovery.running import RunningVerb, watched
from vanvault.recovery.schedule.asked import asked_job
from vanvault.recovery.schedule.program import has_verb
from vanvault.recovery.schedule.table import entries_of, entry_named
from vanvault.recovery.schedule.verbs import VerbReport, task_of
from vanvault.recovery.work import Extent, Step, account, silent


class StderrObserver:
    """Warnings of a verb that nobody watches: on stderr, which the schedule keeps in the job's log."""

    shows_progress = False

    def warn(self, message: str) -> None:
        _tell(f"warning: {message}")

    def alarm(self, message: str) -> None:
        _tell(f"LATE: {message}")

    def progress(self, label: str, total: Extent | None = None) -> AbstractContextManager[Step]:
        return nullcontext(silent)


def run_step(home: Path, name: str, step: int, asked: str = "") -> VerbReport:
    """Do one step of a job; ``asked``: of one that a person asked for under this id.

    Raises SettingsError (no such step) and what its verb raises.
    """
    who = account()
    if asked:
        with Archive.open(home) as archive:
            archive.catch_up()
            found = asked_job(archive, asked)
        job, who = found.job, found.who
    else:
        job = entry_named(entries_of(load_settings(home), has_verb), name).job
    task = task_of(job.commands[step], who) if 0 <= step < len(job.commands) else None
    if task is None:
        raise SettingsError(f"the job {name} has no step {step} that is a function of recovery")
    with (
        Archive.open(home) as archive,
        watched(
            StderrObserver(),
            home,
            RunningVerb(job.commands[step][0], " ".join(job.commands[step][1:]), who, job=name, asked=asked),
            clock=archive.clock,
            id=archive.entropy.token(8).hex(),
            counts=True,
        ) as observer,
    ):
        return task(archive, observer)


def at_edge(run: Callable[[], tuple[int, dict[str, object]]]) -> int:
    """Run; print what came of it as the last line of JSON; the exit code. Errors are told, never raised."""
    try:
        code, told = again_where_lost(run, lambda lost: _tell(f"warning: {lost.message}; begun again"))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the edge: no bare traceback
        code, failure = described(error)
        _tell(f"error: {' '.join(failure['message'].split())}")
        told = {"error": failure}
    with suppress(OutputLost):  # the exit code goes on record all the same
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
        sys.stdout.flush()
    return int(code)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def end_process(code: int) -> NoReturn:
    """End now, although a read from a site may still hang in some thread."""
    sys.stdout.flush()
    sys.stderr.flush()
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(thread.is_alive() and not thread.daemon for thread in others):
        os._exit(code)
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """The process. Returns its exit code."""
    parser = argparse.ArgumentParser(description="One step of a scheduled job.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--asked", default="")
    parser.add_argument("job")
    parser.add_argument("step", type=int)
    given = parser.parse_args(arguments)

    def run() -> tuple[ExitCode, dict[str, object]]:
        report = run_step(given.home, given.job, given.step, given.asked)
        return report.exit_code, report.as_json()

    return at_edge(run)


if __name__ == "__main__":
    forbid_core_dumps()
    guard_streams()
    end_process(main())
