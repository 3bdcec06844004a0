"""The table of jobs: what runs by default, and what the settings of a home make of it. Pure.

Why these paces: a probe is taken for 8 days (``probe.max_age_days``), so it runs each week; verification goes
round in 30 runs, so three times within the 90 days that an object may go without; a backup is too old after
two days, so it runs each day. Reports are due before the 10th of a month, and made in its first night. Each
job that reads much starts at an hour of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.settings import SITE_NAMES, JobSettings, Settings
from vanvault.archiver.core.times import parse_span
from vanvault.archiver.stores import S3Url, parse_site_url
from vanvault.recovery.schedule.model import LONGEST_RUN, Command, Job, parse_time_of_day
from vanvault.recovery.schedule.verbs import task_of

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_WEEK = 7 * _DAY

TABLE = (
    Job("compaction", (("compact",),), 3 * _HOUR, spread=_HOUR, deadline=6 * _HOUR),
    Job("clearing", (("clear",),), _DAY, at=22 * _HOUR, spread=_HOUR, deadline=12 * _HOUR, apart=True),
    Job("index", (("index", "rebuild"),), 6 * _HOUR, spread=_HOUR, deadline=6 * _HOUR),
    Job("reconcile", (("reconcile",),), _DAY, at=16 * _HOUR, spread=_HOUR, deadline=12 * _HOUR),
    Job("verify", (("verify", "--next"),), _DAY, at=18 * _HOUR, spread=2 * _HOUR, deadline=20 * _HOUR),
    Job("backup", (("backup", "run"),), _DAY, at=14 * _HOUR, spread=_HOUR, deadline=20 * _HOUR),
    Job("backup-check", (("backup", "check"),), _WEEK, at=15 * _HOUR, spread=_HOUR, deadline=12 * _HOUR),
    Job("probe", (), _WEEK, at=12 * _HOUR, spread=2 * _HOUR, deadline=_HOUR),
    Job("drill", (("drill", "run", "node-lost"),), 30 * _DAY, at=20 * _HOUR, spread=_HOUR, deadline=_DAY),
    Job(
        "duty-reports", (("report", "due", "--make"),), _DAY, at=19 * _HOUR, spread=_HOUR, deadline=4 * _HOUR
    ),
    Job("notices", (("availability", "window", "notify"),), 6 * _HOUR, spread=_HOUR, deadline=_HOUR),
    Job("reports", (("forecast",), ("availability",)), _WEEK, at=13 * _HOUR, spread=_HOUR, deadline=_HOUR),
)


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """One line of a home's table."""

    job: Job
    why_off: str = ""  # for people; empty: the job is on
    wrong: SettingsError | None = None  # what its settings say cannot be: it is off for that

    @property
    def on(self) -> bool:
        return not self.why_off


def entries_of(settings: Settings, has_verb: Callable[[str], bool]) -> list[ScheduleEntry]:
    """Every job of a home, on or off; a job whose settings are wrong is off, and stops no other.

    ``has_verb``: does this program know a verb?
    """
    given = dict(settings.schedule.jobs)
    found = []
    for job in TABLE:
        make = partial(_entry, _ours(job, settings), given.pop(job.name, None), settings, has_verb)
        found.append(_entry_or_why(job, make))
    for name, said in given.items():
        found.append(_entry_or_why(Job(name, (), _DAY), partial(_own, name, said, has_verb)))
    return found


def jobs_on(settings: Settings, has_verb: Callable[[str], bool]) -> list[Job]:
    """The jobs of a home that are on. Raises SettingsError that names the first wrong setting of a job."""
    entries = entries_of(settings, has_verb)
    for entry in entries:
        if entry.wrong is not None:
            raise entry.wrong
    return [entry.job for entry in entries if entry.on]


def _entry_or_why(job: Job, make: Callable[[], ScheduleEntry]) -> ScheduleEntry:
    try:
        return make()
    except SettingsError as error:
        return ScheduleEntry(job, f"its settings are wrong: {error.message}", error)


def entry_named(entries: list[ScheduleEntry], name: str) -> ScheduleEntry:
    """Raises InvalidInput: no job has this name; SettingsError: its settings are wrong."""
    for entry in entries:
        if entry.job.name == name:
            if entry.wrong is not None:
                raise entry.wrong
            return entry
    names = ", ".join(entry.job.name for entry in entries)
    raise InvalidInput(f"there is no job {name[:40]!r}", field="name", hint=f"The jobs are {names}.")


def too_slow(settings: Settings, jobs: Mapping[str, Job]) -> str:
    """Why verification does not go round in time, for people; empty: it does."""
    job, verify = jobs.get("verify"), settings.verify
    if job is None or job.commands != (("verify", "--next"),):
        return ""
    if job.every * verify.parts <= timedelta(days=verify.max_age_days):
        return ""
    return (
        f"verify runs every {job.every / _DAY:g} days over {verify.parts} parts, which takes longer than"
        f" verify.max_age_days = {verify.max_age_days:g}"
    )


def _ours(job: Job, settings: Settings) -> Job:
    if job.name != "probe":
        return job
    sites = [name for name in SITE_NAMES if _is_probed(settings, name)]
    accepted = job.accepted | {ExitCode.PROBE_WEAK.value} if settings.probe.accept_weak else job.accepted
    return replace(job, commands=tuple(("probe", name) for name in sites), accepted=accepted)


def _is_probed(settings: Settings, site: str) -> bool:
    url: str = getattr(settings.sites, site).url
    return settings.probe.file_sites or isinstance(parse_site_url(url), S3Url)


def _entry(
    job: Job, said: JobSettings | None, settings: Settings, has_verb: Callable[[str], bool]
) -> ScheduleEntry:
    changed = _changed(job, said or JobSettings())
    known = tuple(command for command in changed.commands if has_verb(command[0]))
    if said is not None and said.commands is not None and known != changed.commands:
        raise _no_verb(changed, known)
    if said is not None and said.on is False:
        return ScheduleEntry(changed, "off in the settings")
    why = _why_off(changed, settings)
    if why:
        return ScheduleEntry(changed, why)
    if not known:
        return ScheduleEntry(changed, "this version has no verb for it")
    return ScheduleEntry(replace(changed, commands=known))


def _why_off(job: Job, settings: Settings) -> str:
    if job.name == "compaction" and settings.compaction.in_serve:
        return "a serving node does it (compaction.in_serve)"
    if job.name == "clearing" and not settings.clearing.scheduled:
        return "clearing.scheduled is off"
    if job.name.startswith("backup") and settings.backup.repository is None:
        return "there is no backup.repository"
    if job.name == "notices" and settings.mail.host is None:
        return "there is no mail.host"
    if not job.commands:
        return "no site asks for a probe"
    return ""


def _own(name: str, said: JobSettings, has_verb: Callable[[str], bool]) -> ScheduleEntry:
    if not name.replace("-", "").isalnum() or not name.isascii() or len(name) > 40:
        raise SettingsError(f"schedule.jobs.{name[:40]}: a name has letters, digits and dashes")
    if said.commands is None or said.every is None:
        raise SettingsError(
            f"schedule.jobs.{name}: there is no such job",
            hint=f"The jobs are {', '.join(job.name for job in TABLE)}; your own need commands and every.",
        )
    job = _changed(Job(name, (), _DAY), said)
    known = tuple(command for command in job.commands if has_verb(command[0]))
    if known != job.commands:
        raise _no_verb(job, known)
    return ScheduleEntry(job, "off in the settings" if said.on is False else "")


def _changed(job: Job, said: JobSettings) -> Job:
    """The job as the settings say it. Raises SettingsError."""
    where = f"schedule.jobs.{job.name}"
    try:
        job = replace(
            job,
            commands=job.commands if said.commands is None else _checked(said.commands, where),
            every=job.every if said.every is None else parse_span(said.every, f"{where}.every"),
            at=job.at if said.at is None else parse_time_of_day(said.at, f"{where}.at"),
            spread=job.spread if said.spread is None else parse_span(said.spread, f"{where}.spread"),
            deadline=job.deadline
            if said.deadline is None
            else parse_span(said.deadline, f"{where}.deadline", most=LONGEST_RUN),
            missed=said.missed or job.missed,
        )
    except InvalidInput as error:
        raise SettingsError(error.message, hint="Correct the settings file.") from error
    if job.spread > job.every:
        job = replace(job, spread=job.every)
    return job


def _checked(commands: tuple[Command, ...], where: str) -> tuple[Command, ...]:
    if not commands or not all(commands):
        raise SettingsError(f'{where}.commands lists verbs with arguments, such as [["verify", "--next"]]')
    if any(command[0] in ("serve", "schedule") or "--home" in command for command in commands):
        raise SettingsError(f"{where}.commands: serve and schedule are no jobs, and the home is given")
    for command in commands:
        try:
            task_of(command)
        except InvalidInput as error:
            raise SettingsError(f"{where}.commands: {error.message}", hint=error.hint) from error
    return commands


def _no_verb(job: Job, known: tuple[Command, ...]) -> SettingsError:
    wrong = next(command[0] for command in job.commands if command not in known)
    return SettingsError(f"schedule.jobs.{job.name}.commands: there is no verb {wrong[:40]!r}")
