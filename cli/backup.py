"""``vanvault backup``: the third copy, in a restic repository elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.backup_restore import command as restore
from vanvault.cli.bounded import BoundedFloat
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table, warn
from vanvault.cli.progress import Terminal, watched_terminal

if TYPE_CHECKING:
    from vanvault.recovery.backup import BackupPlan, BackupReport

_SHOWN_ID = 12


@click.group()
def command() -> None:
    """Keep a third copy in a restic repository, check it, and restore from it."""


command.add_command(restore)


@command.command()
@json_option
@click.pass_obj
def init(home: Path, as_json: bool) -> None:
    """Make the repository that the settings name. Ends with 5 when there is one already."""
    from vanvault.recovery.backup import backup_init
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        version = backup_init(archive, who=account(), observer=Terminal(quiet=as_json))
    if as_json:
        emit_json({"made": True, "restic": version})
    else:
        click.echo("The repository is made. Next: vanvault backup run")


@command.command()
@click.option("--full", is_flag=True, help="Save everything anew, whatever earlier runs saved.")
@click.option("--dry-run", is_flag=True, help="Say what would be saved, and do nothing.")
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@json_option
@click.pass_obj
def run(home: Path, full: bool, dry_run: bool, workers: int, as_json: bool) -> ExitCode:
    """Save the control plane and, as set, the objects of one site.

    Only what is new is saved; a run that was killed is resumed by the same command. What the site lacks
    comes from the other one. Ends with 3 when an object had to be left out, because no site gives it whole
    or lists it any more. Ends with 3, too, while a key in use lies in no verified escrow bundle although an
    escrow was made: what it wrote would come back unreadable.
    """
    from vanvault.recovery.backup import BackupPlan, BackupRequest, backup
    from vanvault.recovery.running import RunningVerb
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        running = RunningVerb("backup", who=account())
        with watched_terminal(archive, running, quiet=as_json) as observer:
            done = backup(archive, BackupRequest(full, dry_run, workers, account()), observer)
    if as_json:
        emit_json(done.as_json())
    elif isinstance(done, BackupPlan):
        _show_plan(done)
    else:
        _show_report(done)
    return done.exit_code


@command.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> None:
    """List the backups, newest first."""
    from vanvault.recovery.backup import backup_list

    with open_archive(home) as archive:
        found = backup_list(archive)
    if as_json:
        emit_json({"backups": [one.as_json() for one in found]})
        return
    rows = [
        (one.id[:_SHOWN_ID], rfc3339_seconds(one.made), str(one.objects), "" if one.good else "not whole")
        for one in found
    ]
    print_table(("backup", "made", "objects", ""), rows)


@command.command()
@click.option(
    "--read-data",
    "percent",
    type=BoundedFloat(0, 100),
    default=5,
    show_default=True,
    metavar="PERCENT",
    help="Share of the repository's data to read.",
)
@json_option
@click.pass_obj
def check(home: Path, percent: float, as_json: bool) -> ExitCode:
    """Check the repository, the last good run's signature and age, and that it lacks no older object.

    Ends with 3 when something is wrong: also when the last good run is older than backup.max_age_days, and
    when a key in use lies in no verified escrow bundle although an escrow was made.
    """
    from vanvault.recovery.backup import BackupCheckRequest, backup_check
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        found = backup_check(archive, BackupCheckRequest(percent, account()), Terminal(quiet=as_json))
    if as_json:
        emit_json(found.as_json())
    else:
        for problem in found.problems:
            warn(problem)
        if found.last_good and found.age is not None:
            age = human_duration(found.age.total_seconds())
            click.echo(f"last good run: {rfc3339_seconds(found.last_good.made)}, {age} ago")
        click.echo("whole" if found.whole else "NOT whole")
    return found.exit_code


@command.command()
@click.option("--keep-days", type=int, metavar="N", help="Keep what is younger; not below the floor.")
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and do nothing.")
@json_option
@click.pass_obj
def forget(home: Path, keep_days: int | None, dry_run: bool, as_json: bool) -> None:
    """Forget backups older than N days, counted from the newest, which always stays.

    Without --keep-days it is backup.min_keep_days, below which nothing is forgotten. Nothing is pruned.
    """
    from vanvault.recovery.backup import ForgetRequest, backup_forget
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        done = backup_forget(archive, ForgetRequest(keep_days, dry_run, account()), Terminal(quiet=as_json))
    found = done.found
    if as_json:
        emit_json(done.as_json())
    else:
        verb = "would forget" if dry_run else "forgot"
        click.echo(f"{verb} {len(found.backups)} backups and {len(found.slices)} slices")


def _show_plan(plan: BackupPlan) -> None:
    click.echo(f"control plane: {', '.join(sorted(plan.control))}")
    click.echo(
        f"would save {plan.todo.objects} objects, {human_size(plan.todo.bytes)}, of"
        f" {plan.total.objects} objects, {human_size(plan.total.bytes)}, at {plan.site}"
    )


def _show_report(report: BackupReport) -> None:
    lacking = set(report.record.lacking)
    for key in report.record.left_out:
        then = "it was left out" if key in lacking else "the copy of an earlier run stays in the backup"
        warn(f"no site gives {key} whole: {then}; run: vanvault verify")
    click.echo(
        f"backup {report.snapshot[:_SHOWN_ID]}: {report.saved.objects} objects,"
        f" {human_size(report.saved.bytes)}, and {len(report.record.control)} control files saved"
        f" in {human_duration(report.seconds)}"
    )
