"""``vanvault compact``: days that are over become segments, and the locks of the other batches are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn
from vanvault.cli.progress import progress

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.upkeep import CompactionReport, DayPlan, KeeperReport

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
    from vanvault.archiver.upkeep import keep_locks

    if keep_only and (dry_run or until is not None):
        raise click.UsageError("--keep-only goes with neither --dry-run nor --until.")
    before = parse_rfc3339(until, field="until") if until is not None else None
    with open_archive(home) as archive:
        if dry_run:
            return _dry_run(archive, before, as_json)
        report = None if keep_only else _compact(archive, before, as_json)
        kept = keep_locks(archive)
    if as_json:
        emit_json(summary(report, kept))
    else:
        _show(report, kept)
    return exit_code(report, kept)


def summary(report: CompactionReport | None, kept: KeeperReport) -> dict[str, Any]:
    """The JSON object that the verb ends with."""
    segments = report.segments if report else ()
    return {
        "segments": len(segments),
        "rows": sum(segment.rows for segment in segments),
        "bytes": sum(part.size for segment in segments for part in segment.parts),
        "damaged": list(report.damaged) if report else [],
        "keeper": {
            "uncompacted": kept.uncompacted,
            "extended": kept.extended,
            "alarms": [
                {"site": held.site, "key": held.key, "retain_until": _when(held.retain_until)}
                for held in kept.alarms
            ],
            "failures": list(kept.failures),
        },
    }


def exit_code(report: CompactionReport | None, kept: KeeperReport) -> ExitCode:
    """A lock that nobody could extend is a site that is away; what is damaged comes first."""
    if kept.alarms or (report and report.damaged):
        return ExitCode.CHECK_FAILED
    return ExitCode.SITE if kept.failures else ExitCode.OK


def _compact(archive: Archive, until: datetime | None, quiet: bool) -> CompactionReport:
    from vanvault.archiver.upkeep import compact, plan_compaction
    from vanvault.recovery.work import open_others

    days = plan_compaction(archive, until)
    rows = sum(batch.header.rows for day in days for batch in day.batches)
    with (
        open_others(archive.home, archive.settings.jobs) as jobs,
        progress("compacting rows", total=rows, quiet=quiet) as step,
    ):
        done = compact(archive, until, jobs=jobs, done=lambda one: step(one.rows, one.raw_bytes))
    return done.report


def _dry_run(archive: Archive, until: datetime | None, as_json: bool) -> ExitCode:
    from vanvault.archiver.upkeep import plan_compaction

    days = [_day(day) for day in plan_compaction(archive, until)]
    if as_json:
        emit_json({"days": days})
    elif days:
        print_table(("day", "batches", "rows"), [(d["day"], str(d["batches"]), str(d["rows"])) for d in days])
    else:
        click.echo("nothing to compact")
    return ExitCode.OK


def _day(day: DayPlan) -> dict[str, Any]:
    return {
        "day": day.day,
        "batches": len(day.batches),
        "rows": sum(batch.header.rows for batch in day.batches),
    }


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
