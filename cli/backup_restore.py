"""``vanvault backup restore``: the way back from the third copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, warn
from vanvault.cli.progress import Terminal
from vanvault.cli.verify import show_findings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from vanvault.recovery.backup import ControlRequest, LoadRequest

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
    from vanvault.recovery.backup import ControlRequest, Elsewhere, LoadRequest
    from vanvault.recovery.work import account

    place = Elsewhere(repository, password_file, password_command)
    if target is not None:
        return _restore_control(home, ControlRequest(target, backup, _keys(public), place), as_json)
    request = LoadRequest(sites, backup, add, dry_run, workers, place, account())
    return _restore_objects(home, request, as_json)


def _keys(public: tuple[Path, ...]) -> dict[str, Ed25519PublicKey] | None:
    from vanvault.archiver.keys import load_public_keys

    return load_public_keys(public) if public else None


def _restore_control(home: Path, request: ControlRequest, as_json: bool) -> ExitCode:
    from vanvault.recovery.backup import backup_restore_control

    report = backup_restore_control(home, request, Terminal(quiet=as_json))
    made = rfc3339_seconds(report.record.created)
    if as_json:
        emit_json(
            {
                "archive": report.record.archive,
                "created": made,
                "files": list(report.files),
                "signature_proved": report.proved,
                "target": str(request.target),
            }
        )
    else:
        click.echo(f"{len(report.files)} files of {made} are in {request.target}:")
        click.echo("  " + ", ".join(report.files))
        click.echo("Next: the keys (vanvault keys escrow restore), then vanvault backup restore --objects")
    return ExitCode.OK


def _restore_objects(home: Path, request: LoadRequest, as_json: bool) -> ExitCode:
    from vanvault.recovery.backup import ObjectsPlan, backup_load

    with open_archive(home) as archive:
        done = backup_load(archive, request, Terminal(quiet=as_json))
    if as_json:
        emit_json(done.as_json())
    elif isinstance(done, ObjectsPlan):
        click.echo(
            f"would load {done.todo.objects} objects, {human_size(done.todo.bytes)}, of {done.total.objects}"
            f" into {', '.join(done.sites)}, as of {rfc3339_seconds(done.record.created)}"
        )
    else:
        show_findings(done.failures)
        for key in done.plan.record.left_out:
            warn(f"{key} was not whole when the backup was made, and is not in it")
        left_out = len(done.plan.record.left_out)
        click.echo(
            f"{'' if done.whole else 'NOT fully restored: '}{done.restored.objects} objects,"
            f" {human_size(done.restored.bytes)}, restored in {human_duration(done.seconds)};"
            f" {len(done.failures)} lost{f', {left_out} not in the backup' if left_out else ''}."
            " Next: vanvault verify"
        )
    return done.exit_code
