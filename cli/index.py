"""``vanvault index``: the ten-year index, which can be rebuilt from segments at any time."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn
from vanvault.cli.progress import Terminal


@click.group()
def command() -> None:
    """Show the index, or rebuild it from segments."""


@command.command()
@json_option
@click.pass_obj
def status(home: Path, as_json: bool) -> None:
    """Show index files by tier, and segments that are not indexed."""
    from vanvault.archiver.upkeep import index_status

    with open_archive(home) as archive:
        found = index_status(archive)
    if as_json:
        emit_json({**asdict(found), "rows": found.rows, "bytes": found.bytes})
        return
    rows = [
        (one.tier, f"{one.files:,}", f"{one.segments:,}", f"{one.rows:,}", human_size(one.bytes))
        for one in found.tiers
    ]
    print_table(("tier", "files", "segments", "rows", "size"), rows)
    lacking = len(found.not_indexed)
    click.echo(f"{found.segments:,} segments in the archive, {lacking:,} of them not indexed", err=True)
    if lacking:
        warn("searches do not find everything until they are indexed; run: vanvault index rebuild")


@command.command()
@click.option(
    "--discard", is_flag=True, help="Delete all index files first; searches lack much until the end."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 1,
    help="Processes that index segments.  [default: one for each processor]",
)
@json_option
@click.pass_obj
def rebuild(home: Path, discard: bool, workers: int, as_json: bool) -> ExitCode:
    """Index every segment that is not: fetch what sites keep of the index, make the rest from the segments.

    With --discard all of it is made from the segments alone. Where jobs.dask is set, the workers of that
    scheduler do it. It may be stopped and begun again at any moment: without --discard it goes on where it
    was. Ends with 3 when a segment could be read at no site; its entries are found in batches as long as
    these last.
    """
    from vanvault.recovery.maintenance import RebuildRequest, rebuild_index

    with open_archive(home) as archive:
        report = rebuild_index(archive, RebuildRequest(discard, workers), Terminal(quiet=as_json))
    if as_json:
        emit_json(report.as_json())
    else:
        for log in report.unreadable:
            warn(f"{log} can be read at no site; run: vanvault verify")
        click.echo(f"{report.indexed:,} segments indexed, {report.merged:,} files merged into larger ones")
    return report.exit_code
