"""``vanvault backup``: the third copy, in a restic repository elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.backup_context import extent_fields, opened, stage_of
from vanvault.cli.backup_restore import command as restore
from vanvault.cli.context import put_on_record
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table, warn
from vanvault.cli.progress import progress

if TYPE_CHECKING:
    from vanvault.recovery.backup import Backup, BackupPlan, BackupReport

_F = TypeVar("_F", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
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
    with opened(home) as (archive, repository):
        repository.init()
        put_on_record(archive, "backup.initialised", {"restic": repository.restic.version_text})
    if as_json:
        emit_json({"made": True, "restic": repository.restic.version_text})
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

    Only what is new is saved; a run that was killed is resumed by the same command. Ends with 3 when an
    object had to be left out, because the site does not hold it whole.
    """
    from vanvault.recovery.backup import plan_backup, run_backup
    from vanvault.recovery.work import Effort

    with opened(home) as (archive, repository), stage_of(archive) as stage:
        plan = plan_backup(archive, repository, full=full)
        if dry_run:
            _show_plan(plan, as_json)
            return ExitCode.OK
        if not plan.has_escrow and not archive.settings.backup.keys:
            warn("no escrow bundle is saved: after the loss of this host, keys come only from elsewhere")
        with progress(
            "saving",
            total=plan.todo.objects,
            total_bytes=plan.todo.bytes,
            quiet=as_json or not plan.todo.objects,
        ) as step:
            report = run_backup(archive, repository, plan, stage, effort=Effort(workers), step=step)
        found = _report_fields(report, plan)
        put_on_record(archive, "backup.ran", {**found, "left_out": len(report.record.left_out)})
    _show_report(report, found, as_json)
    return ExitCode.OK if report.whole else ExitCode.CHECK_FAILED


@command.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> None:
    """List the backups, newest first."""
    from vanvault.recovery.backup import list_backups

    with opened(home) as (_, repository):
        found = list_backups(repository)
    if as_json:
        emit_json({"backups": [_backup_fields(one) for one in found]})
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
    type=click.FloatRange(0, 100),
    default=5,
    show_default=True,
    metavar="PERCENT",
    help="Share of the repository's data to read.",
)
@json_option
@click.pass_obj
def check(home: Path, percent: float, as_json: bool) -> ExitCode:
    """Check the repository, the signature of the last good run, and its age.

    Ends with 3 when something is wrong, a last good run older than backup.max_age_days included.
    """
    from vanvault.recovery.backup import check_backup

    with opened(home) as (archive, repository):
        found = check_backup(archive, repository, read_percent=percent)
        fields: dict[str, Any] = {
            "whole": found.whole,
            "last_good": _backup_fields(found.last_good) if found.last_good else None,
            "age_seconds": round(found.age.total_seconds()) if found.age is not None else None,
            "problems": list(found.problems),
        }
        put_on_record(archive, "backup.checked", {**fields, "read_percent": f"{percent:g}"})
    if as_json:
        emit_json({**fields, "read_percent": percent})
    else:
        for problem in found.problems:
            warn(problem)
        if found.last_good and found.age is not None:
            age = human_duration(found.age.total_seconds())
            click.echo(f"last good run: {rfc3339_seconds(found.last_good.made)}, {age} ago")
        click.echo("whole" if found.whole else "NOT whole")
    return ExitCode.OK if found.whole else ExitCode.CHECK_FAILED


@command.command()
@click.option("--keep-days", type=int, metavar="N", help="Keep what is younger; not below the floor.")
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and do nothing.")
@json_option
@click.pass_obj
def forget(home: Path, keep_days: int | None, dry_run: bool, as_json: bool) -> None:
    """Forget backups older than N days, counted from the newest, which always stays.

    Without --keep-days it is backup.min_keep_days, below which nothing is forgotten. Nothing is pruned.
    """
    from vanvault.recovery.backup import check_floor, forget_backups

    with opened(home) as (archive, repository):
        days = archive.settings.backup.min_keep_days if keep_days is None else keep_days
        check_floor(days, archive.settings.backup.min_keep_days)
        found = forget_backups(archive, repository, keep_days=days, dry_run=dry_run)
        fields = {"backups": list(found.backups), "keep_days": days, "slices": len(found.slices)}
        if not dry_run:
            put_on_record(archive, "backup.forgotten", dict(fields))
    if as_json:
        emit_json({**fields, "dry_run": dry_run})
    else:
        verb = "would forget" if dry_run else "forgot"
        click.echo(f"{verb} {len(found.backups)} backups and {len(found.slices)} slices")


def _show_plan(plan: BackupPlan, as_json: bool) -> None:
    fields = {
        "control": sorted(plan.control),
        "ignored": plan.ignored,
        "site": plan.site,
        "to_save": extent_fields(plan.todo),
        "total": extent_fields(plan.total),
        "what": plan.what,
    }
    if as_json:
        emit_json(fields)
        return
    click.echo(f"control plane: {', '.join(sorted(plan.control))}")
    click.echo(
        f"would save {plan.todo.objects} objects, {human_size(plan.todo.bytes)}, of"
        f" {plan.total.objects} objects, {human_size(plan.total.bytes)}, at {plan.site}"
    )


def _report_fields(report: BackupReport, plan: BackupPlan) -> dict[str, Any]:
    return {
        "backup": report.snapshot,
        "control": sorted(plan.control),
        "saved": extent_fields(report.saved),
        "slices": {
            "kept": len(plan.slices.kept),
            "saved": report.slices_saved,
            "taken": report.slices_taken,
        },
        "total": extent_fields(plan.total),
        "what": plan.what,
        "whole": report.whole,
    }


def _show_report(report: BackupReport, fields: dict[str, Any], as_json: bool) -> None:
    if as_json:
        left_out = list(report.record.left_out)
        emit_json({**fields, "left_out": left_out, "seconds": round(report.seconds, 3)})
        return
    for key in report.record.left_out:
        warn(f"{key} is not whole at {report.record.site} and was left out; run: vanvault verify")
    click.echo(
        f"backup {report.snapshot[:_SHOWN_ID]}: {report.saved.objects} objects,"
        f" {human_size(report.saved.bytes)}, and {len(report.record.control)} control files saved"
        f" in {human_duration(report.seconds)}"
    )


def _backup_fields(one: Backup) -> dict[str, Any]:
    return {"good": one.good, "id": one.id, "made": rfc3339_seconds(one.made), "objects": one.objects}
