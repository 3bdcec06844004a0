"""``vanvault push``: files as messages, through the API."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vanvault.archiver.core.error_table import ExitCode, error_object, exit_code_of
from vanvault.archiver.core.errors import InvalidInput, VanVaultError
from vanvault.archiver.core.model import BUSINESS_FIELDS
from vanvault.cli.client import Outgoing, ReceiptObject, message_id_of, sha256_of
from vanvault.cli.connection import connect, server_options
from vanvault.cli.errors import show_error
from vanvault.cli.files import write_json
from vanvault.cli.output import emit_json, json_option, shown
from vanvault.cli.progress import progress
from vanvault.cli.pushing import in_parallel

_REPEATED = "insurance_numbers"
_NAMED = 10  # files in one message


def _metadata_options(command: Any) -> Any:
    for name in reversed(BUSINESS_FIELDS):
        repeated = name == _REPEATED
        option = "--insurance-number" if repeated else "--" + name.replace("_", "-")
        help_text = f"Metadata: {name.replace('_', ' ')}" + (" (repeatable)." if repeated else ".")
        command = click.option(option, name, multiple=repeated, metavar="TEXT", help=help_text)(command)
    return command


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))  # each is told by itself
@server_options
@click.option("--message-id", metavar="ID", help="Its id, for one file. Default: name and start of SHA-256.")
@click.option("--content-type", metavar="TYPE", help="Media type. Default: by the name of the file.")
@click.option(
    "--receipts",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also save each receipt as DIR/ID.json.",
)
@_metadata_options
@json_option
def command(
    files: tuple[Path, ...],
    url: str,
    token_file: Path | None,
    ca_file: Path | None,
    wait: float,
    jobs: int,
    message_id: str | None,
    content_type: str | None,
    receipts: Path | None,
    as_json: bool,
    **metadata: str | Sequence[str] | None,
) -> ExitCode:
    """Push files as messages through the API, and print their receipts.

    A receipt means: the original lies, locked, at both sites. Pushing the same file again is safe and
    gives the first receipt. With --json each line is a receipt or {"error": ..., "file": ...}.
    """
    if message_id is not None and len(files) > 1:
        raise InvalidInput("--message-id is for one file", field="message_id")
    if not any(path.exists() for path in files):
        raise click.UsageError("no such file: " + ", ".join(shown(str(path)) for path in files[:_NAMED]))
    known = {name: value for name, value in metadata.items() if value}

    def push(path: Path) -> ReceiptObject:
        identity = message_id or message_id_of(path.name, sha256_of(path))
        media_type = content_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        receipt = client.push(Outgoing(identity, path, media_type, known))
        if receipts is not None:
            write_json(receipts / f"{receipt['id']}.json", receipt)
        return receipt

    code = ExitCode.OK
    sizes = {path: _size(path) for path in files}
    total_bytes = sum(sizes.values())
    quiet = as_json or len(files) == 1
    with (
        connect(url, token_file, ca_file, wait, jobs) as client,
        progress("pushing", total=len(files), total_bytes=total_bytes, quiet=quiet) as step,
    ):
        for path, result in in_parallel(client, push, files, jobs=jobs):
            step(1, sizes[path])
            if isinstance(result, VanVaultError):
                code = code or exit_code_of(result)
            _show(path, result, as_json)
    return code


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it went meanwhile: its push says so
        return 0


def _show(path: Path, result: ReceiptObject | VanVaultError, as_json: bool) -> None:
    if isinstance(result, VanVaultError):
        show_error(f"{path}: {result.message}", result.hint)
        if as_json:
            emit_json({"error": error_object(result), "file": str(path)})
    elif as_json:
        emit_json(result)
    else:
        until = min(placement["retain_until"] for placement in result["placements"])
        sites = ", ".join(dict.fromkeys(placement["site"] for placement in result["placements"]))
        click.echo(f"{shown(str(path))}  {result['id']}  locked until {until[:10]} at {sites}")
