"""The processes of a schedule: which program, with which arguments."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from vanvault.archiver.core.settings import Settings
from vanvault.recovery.schedule.model import Job
from vanvault.recovery.schedule.table import jobs_on
from vanvault.recovery.schedule.verbs import task_of

#: The folder from which a process is started adds no modules to it (-P).
_PYTHON = (sys.executable, "-P", "-m")


def has_verb(verb: str) -> bool:
    """Does this program know the verb? Each is a module of ``vanvault.cli`` with its name."""
    return verb.isidentifier() and find_spec(f"vanvault.cli.{verb}") is not None


def own_program() -> list[str]:
    """The words that start this very program: its script, or where there is none, its module."""
    script = Path(sys.executable).with_name("vanvault")
    return [str(script)] if script.exists() else [sys.executable, "-m", "vanvault.cli"]


def check_table(settings: Settings) -> None:
    """Raises SettingsError: a job of the table is not right."""
    jobs_on(settings, has_verb)


def job_process(home: Path, job: str) -> tuple[str, ...]:
    """The process that runs a job, if it is due: lock, lease, steps and record."""
    return (*_PYTHON, "vanvault.recovery.schedule", "--home", str(home), job)


def asked_process(home: Path, id: str, job: str) -> tuple[str, ...]:
    """The process that runs what a person asked for: lock, lease, steps and record."""
    return (*_PYTHON, "vanvault.recovery.schedule", "--home", str(home), "--asked", id, job)


def step_process(home: Path, job: Job, step: int, *, as_json: bool) -> tuple[str, ...]:
    """The process of one step of a job, by its number from 0.

    A step that is no function of recovery, such as ``push``, is the program itself.
    """
    command = job.commands[step]
    if task_of(command) is not None:
        return (
            *_PYTHON,
            "vanvault.recovery.schedule.child",
            "--home",
            str(home),
            *_asked(job),
            job.name,
            str(step),
        )
    words = (*command, "--json") if as_json else command
    return (*_PYTHON, "vanvault.cli", "--home", str(home), *words)


def _asked(job: Job) -> tuple[str, ...]:
    return ("--asked", job.asked) if job.asked else ()
