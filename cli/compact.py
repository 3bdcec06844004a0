"""``vanvault compact``: days that are over become segments, and the locks of the other batches are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn
from vanvault.cli.progress import watched_terminal

if TYPE_CHECKING:
    from vanvault.archiver.upkeep import CompactionReport, KeeperReport
    from vanvault.recovery.maintenance import PlannedCompaction

#: Alarms, failures and damaged batches that people are shown; ``--json`` gives all.
SHOWN = 20


@click.command("compact")
@click.option(
    "--until",
    metavar="TIME",
    help="Compact what came before this time, instead of days that are over and settled.",
)
@click.option("--dry-run", is_flag=True, help="Say which days would be compacted, and do nothing.")
@click.option("--keep-only", is_flag=True, help="Only extend the locks of batches that are still needed.")
@json_option
@click.pass_obj
def command(home: Path, until: str | None, dry_run: bool, keep_only: bool, as_json: bool) -> int:
    """Make day segments of batches, prove them at both sites, and keep the locks of all other batches.

    Killed at any moment it is simply begun again. Exits 3 when a batch is damaged at both sites or the lock
    of one is about to end, 8 when another process of this home compacts, 10 when a site is away.
    """
    from vanvault.archiver.core.times import parse_rfc3339
    from vanvault.recovery.maintenance import CompactRequest, PlannedCompaction, compact
    from vanvault.recovery.running import RunningVerb
    from vanvault.recovery.work import account

    if keep_only and (dry_run or until is not None):
        raise click.UsageError("--keep-only goes with neither --dry-run nor --until.")
    before = parse_rfc3339(until, field="until") if until is not None else None
    running = RunningVerb("compact", who=account())
    with open_archive(home) as archive, watched_terminal(archive, running, quiet=as_json) as observer:
        done = compact(archive, CompactRequest(before, dry_run, keep_only), observer)
    if as_json:
        emit_json(done.as_json())
    elif isinstance(done, PlannedCompaction):
        _show_days(done)
    else:
        _show(done.report, done.kept)
    return done.exit_code


def _show_days(planned: PlannedCompaction) -> None:
    days = planned.as_json()["days"]
    if days:
        print_table(("day", "batches", "rows"), [(d["day"], str(d["batches"]), str(d["rows"])) for d in days])
    else:
        click.echo("nothing to compact")


def _show(report: CompactionReport | None, kept: KeeperReport) -> None:
    if report is not None:
        for key in report.damaged[:SHOWN]:
            warn(f"damaged at both sites, kept as it is: {key}")
        stored = sum(part.size for segment in report.segments for part in segment.parts)
        raw = sum(segment.raw_bytes for segment in report.segments)
        click.echo(
            f"segments: {len(report.segments)}, {report.rows} rows,"
            f" {human_size(raw)} as received, {human_size(stored)} stored at each site"
        )
    for held in kept.alarms[:SHOWN]:
        warn(f"the lock at {held.site} was about to end ({_when(held.retain_until)}): {held.key}")
    for failure in kept.failures[:SHOWN]:
        warn(failure)
    click.echo(
        f"not compacted yet: {kept.uncompacted} copies of batches, the locks of {kept.extended} extended,"
        f" {len(kept.alarms)} alarms"
    )


def _when(moment: datetime | None) -> str:
    from vanvault.archiver.core.times import rfc3339_seconds

    return rfc3339_seconds(moment) if moment is not None else ""
