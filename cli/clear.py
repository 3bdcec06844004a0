"""``vanvault clear``: batches that a proved segment holds are removed once their locks are long over."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_size, json_option, warn
from vanvault.cli.progress import Terminal

#: What is left, of which people are shown so much; ``--json`` gives a hundred.
SHOWN = 20


@click.command("clear")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
@click.pass_obj
def command(home: Path, dry_run: bool, as_json: bool) -> ExitCode:
    """Remove, at both sites, batches whose rows a proved segment holds and whose locks ended long ago.

    Needs the credentials of each site's disposer (vanvault site init), but for --dry-run. Each batch is
    compared with its segment at the same site before it is removed. Ends with 3 when something is not clean,
    so that nothing is removed, or when something that should go was left.
    """
    from vanvault.recovery.clearing import ClearRequest, clear

    with open_archive(home) as archive:
        done = clear(archive, ClearRequest(dry_run), Terminal(quiet=as_json))
        sites = tuple(archive.sites)
    if as_json:
        emit_json(done.as_json())
        return done.exit_code
    for why in done.halted:
        warn(f"nothing is removed: {why}")
    for one in done.left[:SHOWN]:
        warn(f"left{f' at {one.site}' if one.site else ''}: {one.key}: {one.why}")
    for site in sites:
        batches, size = done.total(site)
        what = "would be removed" if dry_run else "removed"
        click.echo(f"{site}: {batches} batches {what}, {human_size(size)}")
    if done.more:
        click.echo("there are more: run it again (clearing.most_batches)")
    return done.exit_code
