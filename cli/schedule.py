"""``vanvault schedule``: the jobs that run again and again."""

from __future__ import annotations

import getpass
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, human_duration, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.schedule import JobStanding, Lease, ScheduleEntry


@click.group()
def command() -> None:
    """List the jobs that run again and again, run one now, or make systemd timers of them."""


@command.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> None:
    """List every job: its last run and result, when it is due next, and whether it is failing or overdue.

    Ends with 0 whatever the jobs came to: the answer is in ``failing`` and ``overdue``.
    """
    from vanvault.recovery.schedule import entries_of, has_verb, too_slow

    with open_archive(home) as archive:
        complete = catch_up(archive)
        entries = entries_of(archive.settings, has_verb)
        found, leases = standings(archive, entries)
        slow = too_slow(archive.settings, {one.job.name: one.job for one in entries if one.on})
        in_serve, now = archive.settings.schedule.in_serve, archive.clock.now()
    running = {lease.job: lease for lease in reversed(leases) if lease.until > now}
    if as_json:
        emit_json(
            {
                "in_serve": in_serve,
                "jobs": [_fields(one, found.get(one.job.name), running.get(one.job.name)) for one in entries],
                "failing": [name for name, one in found.items() if one.failing],
                "overdue": [name for name, one in found.items() if one.overdue_since],
                "partial": not complete,
            }
        )
    else:
        columns = ("job", "every", "last run", "result", "took", "next", "")
        print_table(
            columns, [_row(one, found.get(one.job.name), running.get(one.job.name)) for one in entries]
        )
        if not in_serve:
            click.echo("No serving node starts them (schedule.in_serve); timers: vanvault schedule units")
    for line in alarms(found):
        warn(line)
    if slow:
        warn(slow)


@command.command("run")
@click.argument("name")
@click.option("--if-due", is_flag=True, help="Only if it is due; else end with 0 and do nothing.")
@json_option
@click.pass_obj
def run_(home: Path, name: str, if_due: bool, as_json: bool) -> int:
    """Run the job NAME now, on record, and end with its exit code.

    It may be off: then only this runs it. Ends with 8 while it is running here or on another host, and with
    130 when it was stopped or took longer than its deadline.
    """
    from vanvault.recovery.schedule import run_named

    sys.stdout.flush()
    finished = run_named(home, name, if_due=if_due, as_json=as_json)
    if finished is None:
        if as_json:
            emit_json({"job": name, "ran": False})
        else:
            click.echo(f"{name} is not due")
        return ExitCode.OK
    if not finished.recorded:
        warn(f"this could not be put on record in the archive: {finished.why_not}")
    if as_json:
        emit_json(finished.as_json())
    else:
        run = finished.run
        click.echo(f"{run.job}: {run.result} in {human_duration(run.seconds)}, exit code {run.exit_code}")
    return finished.exit_code


@command.command("units")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write them to this folder, such as /etc/systemd/system, instead of printing them.",
)
@click.option("--user", default=None, help="Account that runs the jobs; by default the one that asks.")
@click.option(
    "--program", type=click.Path(dir_okay=False, path_type=Path), help="Path of vanvault on that host."
)
@json_option
@click.pass_obj
def units(home: Path, output: Path | None, user: str | None, program: Path | None, as_json: bool) -> None:
    """Make systemd services and timers of the jobs that are on. Enable the timers afterwards."""
    from vanvault.archiver.home_files import load_settings
    from vanvault.recovery.schedule import Host, has_verb, jobs_on
    from vanvault.recovery.schedule import units as units_of

    settings = load_settings(home)
    host = Host(
        program=[str(program)] if program else _own_program(),
        home=home.absolute(),
        user=getpass.getuser() if user is None else user,
        archive=settings.archive,
    )
    found = units_of(jobs_on(settings, has_verb), host)
    if settings.schedule.in_serve:
        warn("schedule.in_serve is on: a serving node starts these jobs, too; one of the two is enough")
    changed = _written(output, found) if output is not None else []
    if as_json:
        listed = found if output is None else sorted(found)
        emit_json({"units": listed, "folder": str(output or ""), "changed": changed})
        return
    for name, text in found.items():
        click.echo(f"# {name}\n{text}" if output is None else name)
    if output is not None:
        timers = " ".join(name for name in found if name.endswith(".timer"))
        click.echo(f"next: systemctl daemon-reload && systemctl enable --now {timers}")


def _written(folder: Path, found: dict[str, str]) -> list[str]:
    """Write what is not there yet, word for word; the names of what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, text in found.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def standings(archive: Archive, entries: list[ScheduleEntry]) -> tuple[dict[str, JobStanding], list[Lease]]:
    """How the jobs stand that are on, and the leases without an end on record."""
    from vanvault.recovery.schedule import reach_of, read_history, standing

    now = archive.clock.now()
    history = read_history(archive.search, now, reach_of([entry.job for entry in entries]))
    name = archive.settings.archive
    found = {one.job.name: standing(one.job, history, now, name) for one in entries if one.on}
    return found, list(history.leases)


def alarms(found: dict[str, JobStanding]) -> list[str]:
    """One line for each job that is failing or overdue."""
    lines = []
    for name, one in found.items():
        if one.failing and one.last is not None:
            ended = "took too long" if one.last.result == "overran" else f"ended with {one.last.exit_code}"
            lines.append(f"the job {name} {ended} on {one.last.host}; run: vanvault schedule run {name}")
        elif one.overdue_since is not None:
            since = rfc3339_seconds(one.overdue_since)
            lines.append(f"the job {name} is overdue since {since}; run: vanvault schedule run {name}")
    return lines


def _own_program() -> list[str]:
    script = Path(sys.executable).with_name("vanvault")
    return [str(script)] if script.exists() else [sys.executable, "-m", "vanvault.cli"]


def _moment(moment: datetime | None) -> str | None:
    return rfc3339_seconds(moment) if moment else None


def _fields(entry: ScheduleEntry, one: JobStanding | None, lease: Lease | None) -> dict[str, Any]:
    from vanvault.recovery.schedule import span_text

    job = entry.job
    last = one.last if one else None
    return {
        "name": job.name,
        "on": entry.on,
        "why_off": entry.why_off,
        "commands": [" ".join(command) for command in job.commands],
        "every": span_text(job.every),
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
        "last_ok": _moment(one.last_ok.started) if one and one.last_ok else None,
        "due": bool(one and one.due_since),
        "next": _moment(one.next_at) if one else None,
        "failing": bool(one and one.failing),
        "overdue_since": _moment(one.overdue_since) if one else None,
        "running": {"host": lease.host, "since": _moment(lease.since), "until": _moment(lease.until)}
        if lease
        else None,
    }


def _row(entry: ScheduleEntry, one: JobStanding | None, lease: Lease | None) -> tuple[str, ...]:
    from vanvault.recovery.schedule import span_text

    job = entry.job
    if one is None:
        return (job.name, span_text(job.every), "", "", "", "", f"off: {entry.why_off}")
    last = one.last
    state = "OVERDUE" if one.overdue_since else ""
    if lease is not None:
        state = f"running on {lease.host}"
    return (
        job.name,
        span_text(job.every),
        rfc3339_seconds(last.started) if last else "never",
        "" if last is None else last.result.upper() if one.failing else last.result,
        human_duration(last.seconds) if last else "",
        "now" if one.due_since else rfc3339_seconds(one.next_at),
        state,
    )
