"""``vanvault backup restore``: the way back from the third copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.backup_context import Elsewhere, extent_fields, repository_of, stage_of
from vanvault.cli.context import keys_folder, open_archive, put_on_record
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, warn
from vanvault.cli.progress import progress
from vanvault.cli.verify import finding_fields, show_findings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from vanvault.recovery.backup import ObjectsPlan

_F = TypeVar("_F", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _elsewhere(verb: _F) -> _F:
    for name, metavar, text in (
        ("--password-command", "COMMAND", "Prints the password of that repository."),
        ("--password-file", "FILE", "Holds the password of that repository."),
        ("--repository", "PLACE", "Another repository than the settings name, or where no home is left."),
    ):
        verb = click.option(name, metavar=metavar, help=text)(verb)
    return verb


@click.command("restore")
@click.option(
    "--target",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Empty folder for the home.",
)
@click.option("--objects", "sites", multiple=True, metavar="SITE", help="Empty site to load; once for each.")
@click.option("--backup", default="", metavar="ID", help="Another backup than the newest.")
@click.option(
    "--public-key", "public", type=_FILE, multiple=True, metavar="FILE", help="With --target: who signed."
)
@click.option("--add", is_flag=True, help="With --objects: the site may hold more than the backup.")
@click.option("--dry-run", is_flag=True, help="With --objects: say what would be loaded, and do nothing.")
@click.option("--workers", type=click.IntRange(1, 64), default=8, show_default=True, help="Objects at once.")
@_elsewhere
@json_option
@click.pass_obj
def command(
    home: Path,
    target: Path | None,
    sites: tuple[str, ...],
    backup: str,
    public: tuple[Path, ...],
    add: bool,
    dry_run: bool,
    workers: int,
    repository: str | None,
    password_file: str | None,
    password_command: str | None,
    as_json: bool,
) -> ExitCode:
    """Bring the control plane back into a folder, or the objects back into sites with their locks.

    --target needs no home: where it is lost, name the repository. --objects needs the home and its keys;
    a load that was interrupted is resumed by the same command. Ends with 3 when an object is lost.
    """
    if (target is None) == (not sites):
        raise InvalidInput("name either --target or --objects", field="target")
    place = Elsewhere(repository, password_file, password_command)
    if target is not None:
        return _restore_control(home, target, backup, public, place, as_json)
    return _restore_objects(home, sites, backup, place, (add, dry_run, workers), as_json)


def _restore_control(
    home: Path,
    target: Path,
    backup: str,
    public: tuple[Path, ...],
    place: Elsewhere,
    as_json: bool,
) -> ExitCode:
    from vanvault.archiver.keys import SigningKeys, key_id_of, load_public
    from vanvault.recovery.backup import restore_control

    keys: dict[str, Ed25519PublicKey] | None = None
    if public:
        keys = {key_id_of(key): key for key in map(load_public, public)}
    elif keys_folder(home).is_dir():
        keys = SigningKeys(keys_folder(home)).public_keys()
    report = restore_control(repository_of(home, None, place), target, backup=backup, public=keys)
    if not report.proved:
        warn("the signature fits a key in the backup itself: that proves no more than that it is whole")
    if as_json:
        emit_json(
            {
                "archive": report.record.archive,
                "created": rfc3339_seconds(report.record.created),
                "files": list(report.files),
                "signature_proved": report.proved,
                "target": str(target),
            }
        )
    else:
        click.echo(f"{len(report.files)} files of {rfc3339_seconds(report.record.created)} are in {target}:")
        click.echo("  " + ", ".join(report.files))
        click.echo("Next: the keys (vanvault keys escrow restore), then vanvault backup restore --objects")
    return ExitCode.OK


def _restore_objects(
    home: Path,
    sites: tuple[str, ...],
    backup: str,
    place: Elsewhere,
    how: tuple[bool, bool, int],
    as_json: bool,
) -> ExitCode:
    from vanvault.recovery.backup import plan_objects, restore_objects
    from vanvault.recovery.work import Effort

    add, dry_run, workers = how
    with open_archive(home) as archive, stage_of(archive) as stage:
        repository = repository_of(home, archive, place)
        plan = plan_objects(archive, repository, sites, backup=backup, add=add, create=not dry_run)
        if dry_run:
            _show_objects_plan(plan, as_json)
            return ExitCode.OK
        with progress(
            "loading",
            total=plan.todo.objects,
            total_bytes=plan.todo.bytes,
            quiet=as_json or not plan.todo.objects,
        ) as step:
            report = restore_objects(archive, repository, plan, stage, effort=Effort(workers), step=step)
        fields: dict[str, Any] = {
            "backup_of": rfc3339_seconds(plan.record.created),
            "restored": extent_fields(report.restored),
            "sites": list(plan.sites),
            "whole": report.whole,
        }
        put_on_record(archive, "backup.restored", {**fields, "failures": len(report.failures)})
    if as_json:
        failures = [finding_fields(finding) for finding in report.failures]
        left_out = list(plan.record.left_out)
        emit_json({**fields, "failures": failures, "left_out": left_out, "seconds": round(report.seconds, 3)})
    else:
        show_findings(report.failures)
        for key in plan.record.left_out:
            warn(f"{key} was not whole when the backup was made, and is not in it")
        click.echo(
            f"{report.restored.objects} objects, {human_size(report.restored.bytes)}, restored in"
            f" {human_duration(report.seconds)}; {len(report.failures)} lost. Next: vanvault verify"
        )
    return ExitCode.OK if report.whole else ExitCode.CHECK_FAILED


def _show_objects_plan(plan: ObjectsPlan, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "sites": list(plan.sites),
                "to_load": extent_fields(plan.todo),
                "total": extent_fields(plan.total),
            }
        )
        return
    click.echo(
        f"would load {plan.todo.objects} objects, {human_size(plan.todo.bytes)}, of {plan.total.objects} into"
        f" {', '.join(plan.sites)}, as of {rfc3339_seconds(plan.record.created)}"
    )
