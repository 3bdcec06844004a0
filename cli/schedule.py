"""``vanvault schedule``: the jobs that run again and again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, human_duration, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.recovery.schedule import JobOverview


@click.group()
def command() -> None:
    """List the jobs that run again and again, run one now, or make systemd timers of them."""


@command.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> ExitCode:
    """List every job: its last run and result, when it is due next, and whether it is failing or overdue.

    Ends with 0 whatever the jobs came to: the answer is in ``failing`` and ``overdue``. Ends with 6 when the
    settings of a job are wrong: that job is not run, and the others are.
    """
    from vanvault.recovery.schedule import overview

    with open_archive(home) as archive:
        complete = catch_up(archive)
        found = overview(archive)
    if as_json:
        emit_json({**found.as_json(), "partial": not complete})
    else:
        columns = ("job", "every", "last run", "result", "took", "next", "")
        print_table(columns, [_row(job) for job in found.jobs])
        if not found.in_serve:
            click.echo("No serving node starts them (schedule.in_serve); timers: vanvault schedule units")
    for line in found.alarms():
        warn(line)
    if found.too_slow:
        warn(found.too_slow)
    return ExitCode.SETTINGS if found.wrong else ExitCode.OK


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
@click.option(
    "--environment-file",
    "environment_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File with credentials (NAME=value, mode 0600) that systemd reads for each job; may be repeated.",
)
@click.option(
    "--credential",
    "credentials",
    multiple=True,
    metavar="SETTING=FILE",
    help="File with a secret (mode 0600) that systemd hands to each job, as this setting names it.",
)
@json_option
@click.pass_obj
def units(
    home: Path,
    output: Path | None,
    user: str | None,
    program: Path | None,
    environment_files: tuple[Path, ...],
    credentials: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make systemd services and timers of the jobs that are on. Enable the timers afterwards.

    No secret stands in a unit: name the files that hold them.
    """
    from vanvault.recovery.schedule import UnitsRequest, make_units

    made = make_units(home, UnitsRequest(output, user, program, environment_files, credentials))
    if made.in_serve:
        warn("schedule.in_serve is on: a serving node starts these jobs, too; one of the two is enough")
    if as_json:
        emit_json(made.as_json())
        return
    for name, text in made.units.items():
        click.echo(f"# {name}\n{text}" if output is None else name)
    if output is not None:
        timers = " ".join(name for name in made.units if name.endswith(".timer"))
        click.echo(f"next: systemctl daemon-reload && systemctl enable --now {timers}")


def _row(job: JobOverview) -> tuple[str, ...]:
    name, every, one = job.job.name, job.every, job.standing
    if one is None:
        return (name, every, "", "", "", "", f"off: {job.why_off}")
    last = one.last
    state = "OVERDUE" if one.overdue_since else ""
    if job.lease is not None:
        state = f"running on {job.lease.host}"
    return (
        name,
        every,
        rfc3339_seconds(last.started) if last else "never",
        "" if last is None else last.result.upper() if one.failing else last.result,
        human_duration(last.seconds) if last else "",
        "now" if one.due_since else rfc3339_seconds(one.next_at),
        state,
    )
