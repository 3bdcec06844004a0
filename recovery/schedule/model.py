"""Jobs, their runs, and words for times. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput

Command = tuple[str, ...]
Missed = Literal["catch-up", "report"]
Result = Literal[
    "ok",
    "failed",  # it ran, and its exit code says that something is wrong
    "overran",  # it took longer than its deadline and was ended
    "stopped",  # it was ended because the node drains or an operator said so; it is due again at once
]

#: Exit codes of what could not be done, such as while a site is away: worth another try before the next
#: time. Any other says what the job found, and it would find it again.
COULD_NOT = frozenset(
    (ExitCode.INTERNAL, ExitCode.BUSY, ExitCode.SITE, ExitCode.MACHINE, ExitCode.PROBE_UNREACHABLE)
)

#: The longest duration of a run that a deadline may allow.
LONGEST_RUN = timedelta(days=366)
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done again and again."""

    name: str
    commands: tuple[Command, ...]  # verbs with their arguments, run one after the other
    every: timedelta
    at: timedelta = timedelta()  # after midnight UTC, of the first time of a day
    spread: timedelta = timedelta()  # archives start up to so much later, each at a time of its own
    deadline: timedelta = timedelta(hours=1)
    missed: Missed = "catch-up"
    accepted: frozenset[int] = frozenset((0,))  # exit codes with which all is well
    asked: str = ""  # id under which a person asked for it: its steps are those on record
    apart: bool = False  # needs the disposers' credentials: a timer of the host runs it, and no node


@dataclass(frozen=True, slots=True)
class JobRun:
    """A run on record."""

    id: str
    job: str
    host: str
    started: datetime
    finished: datetime
    result: Result
    exit_code: int
    seconds: float
    asked: str = ""  # as of Job: no run of the schedule

    @property
    def may_be_retried(self) -> bool:
        """Could it not be done at all?"""
        return self.result == "failed" and self.exit_code in COULD_NOT


@dataclass(frozen=True, slots=True)
class Lease:
    """Somebody runs a job, or did when this was put on record."""

    run: str
    job: str
    node: str  # the home from which it runs
    host: str
    since: datetime
    until: datetime  # by then it is over, or was ended
    asked: str = ""  # as of Job


@dataclass(frozen=True, slots=True)
class History:
    """What is on record of all jobs."""

    since: datetime  # when the archive began: no job was due before
    runs: Mapping[str, Sequence[JobRun]]  # job -> its runs, newest first
    leases: Sequence[Lease] = ()  # of runs without an end on record, newest first


def parse_time_of_day(text: str, field: str) -> timedelta:
    """``02:30`` as the time after midnight UTC. Raises InvalidInput."""
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        raise InvalidInput(f"{field} is an hour and a minute, such as 02:30 (UTC)", field=field)
    return timedelta(hours=int(match[1]), minutes=int(match[2]))
