"""``vanvault get``: an original, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.errors import InvalidInput
from vanvault.cli.context import looking, open_archive
from vanvault.cli.files import write_json, write_whole
from vanvault.cli.lookup import find_entry, kept_beside, receipt_of
from vanvault.cli.output import emit_json, emit_pretty, human_size, json_option

if TYPE_CHECKING:
    from vanvault.archiver.people.looks import LookAct

_STDOUT = Path("-")


@click.command()
@click.argument("entry_id", metavar="ID")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Where to write it; '-' is stdout, the default.",
)
@click.option("--receipt", is_flag=True, help="Its receipt instead of the original.")
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@json_option
@click.pass_obj
def command(
    home: Path, entry_id: str, output: Path | None, receipt: bool, force: bool, as_json: bool
) -> None:
    """Fetch an original, byte for byte, or its receipt.

    Reads the archive itself: it works while the server is down, and while one site is. The bytes are
    checked against the digest before they leave. With --json it prints what is known about the entry,
    and writes the original only where --output says so.
    """
    if as_json and output == _STDOUT:
        raise InvalidInput("--json and the original cannot both be on stdout", field="output")
    act: LookAct = "receipt" if receipt else "display" if as_json and output is None else "original"
    with open_archive(home) as archive, looking(archive, act, {"id": entry_id}) as look:
        if receipt:
            found = receipt_of(archive, entry_id)
            look.shows([entry_id])
            _write_receipt(found, output, force, as_json)
            return
        item = find_entry(archive, entry_id)
        if act == "display":
            look.shows([entry_id])
            kept = kept_beside(archive, item)
            emit_json({**item, "kept": None if kept is None else kept.as_json()})
            return
        body = archive.original(item)
        look.shows([entry_id])
    if output is None or output == _STDOUT:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    write_whole(output, body, replace=force)
    if as_json:
        emit_json({**item, "output": str(output)})
    else:
        click.echo(f"{output}  {human_size(len(body))}  sha256 {item['sha256']}", err=True)


def _write_receipt(receipt: dict[str, object], output: Path | None, force: bool, as_json: bool) -> None:
    if output is not None and output != _STDOUT:
        write_json(output, receipt, replace=force)
    if as_json:
        emit_json(receipt)
    elif output is None or output == _STDOUT:
        emit_pretty(receipt)
