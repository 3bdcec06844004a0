"""``vanvault reconcile``: bring the sites level, and deal with conflicts between them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import account, catch_up, open_archive, put_on_record
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, warn
from vanvault.cli.progress import progress

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.reconcile import Conflict, ReconcileReport, Upgraded

#: Conflicts that are shown to people; --json gives all.
_SHOWN = 20


@click.group("reconcile", invoke_without_command=True)
@click.option("--dry-run", is_flag=True, help="Say what each site lacks, and copy nothing.")
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@json_option
@click.pass_context
def command(context: click.Context, dry_run: bool, workers: int, as_json: bool) -> int | None:
    """Compare the names at both sites, copy what one lacks with its lock, and carry later locks over.

    Degraded receipts of what lies at both sites then are upgraded. Repeating it does no harm. Exits 0 only
    when both sites are level and no conflict is open, else 3.
    """
    if context.invoked_subcommand is not None:
        return None
    from vanvault.recovery.reconcile import Upgraded, open_conflicts, reconcile, upgrade_all
    from vanvault.recovery.work import Effort

    home: Path = context.obj
    with open_archive(home) as archive:
        with progress("reconciling", quiet=as_json) as step:
            report = reconcile(archive.sites, dry_run=dry_run, effort=Effort(workers), step=step)
        catch_up(archive)
        upgraded = Upgraded(0, ()) if dry_run else upgrade_all(archive, effort=Effort(workers))
        _put_on_record(archive, report, upgraded)
        still_open = open_conflicts(archive)
    _show(report, upgraded, still_open, dry_run=dry_run, as_json=as_json)
    whole = report.level and not upgraded.damaged and not still_open
    return ExitCode.OK if whole else ExitCode.CHECK_FAILED


@command.command("resolve")
@click.argument("entry_id")
@click.option("--reason", default="", metavar="TEXT", help="What was found; it goes on record. Required.")
@json_option
@click.pass_obj
def resolve(home: Path, entry_id: str, reason: str, as_json: bool) -> None:
    """Put on record that you looked at a conflict and what came of it; both entries are kept."""
    from vanvault.recovery.reconcile import resolve as put_resolution

    with open_archive(home) as archive:
        catch_up(archive)
        conflict = put_resolution(archive, entry_id, reason=reason, who=account())
    if as_json:
        emit_json({"resolved": conflict.id, "first": conflict.first})
    else:
        click.echo(f"{conflict.id}: resolved on record; {conflict.first} stands under the id")


def _put_on_record(archive: Archive, report: ReconcileReport, upgraded: Upgraded) -> None:
    if report.fetched.objects or report.prolonged or upgraded.batches:
        detail: dict[str, object] = {
            "objects": report.fetched.objects,
            "bytes": report.fetched.bytes,
            "prolonged": report.prolonged,
            "upgraded": upgraded.batches,
            "failures": report.failures,
        }
        put_on_record(archive, "site.reconciled", detail)


def _show(
    report: ReconcileReport,
    upgraded: Upgraded,
    still_open: list[Conflict],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    if as_json:
        emit_json(_fields(report, upgraded, still_open, dry_run))
        return
    for site, lag in report.lags.items():
        if lag.objects:
            oldest = human_duration(lag.seconds)
            click.echo(
                f"{site} lacked {lag.objects} objects, {human_size(lag.bytes)}, the oldest of {oldest} ago"
            )
    for failure in report.named:
        warn(f"{failure.action.key} at {failure.action.target}: {failure.error.message}")
    for key in upgraded.damaged:
        warn(f"{key} could not be brought whole to every site; run: vanvault verify")
    for conflict in still_open[:_SHOWN]:
        late = conflict.id or f"an unreadable entry of {conflict.received_at}"
        first = conflict.first or f"an unreadable entry of {conflict.first_received_at}"
        warn(f"conflict: {late} repeats the id of {first} with other bytes")
    if still_open:
        warn(
            f"{len(still_open)} conflicts are open; look at both entries, then: vanvault reconcile resolve ID"
        )
    verb = "would copy" if dry_run else "copied"
    count = sum(lag.objects for lag in report.lags.values()) if dry_run else report.fetched.objects
    click.echo(
        f"compared {report.compared} objects in {human_duration(report.seconds)}: {verb} {count},"
        f" {report.prolonged if not dry_run else report.shorter_locks} locks"
        f" {'to prolong' if dry_run else 'prolonged'}, {upgraded.batches} batches' receipts upgraded"
    )


def _fields(
    report: ReconcileReport, upgraded: Upgraded, still_open: list[Conflict], dry_run: bool
) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "level": report.level,
        "compared": report.compared,
        "ignored": report.ignored,
        "lag": {site: asdict(lag) for site, lag in report.lags.items()},
        "left": {site: asdict(lag) for site, lag in report.left.items()},
        "copied": asdict(report.fetched),
        "shorter_locks": report.shorter_locks,
        "prolonged": report.prolonged,
        "upgraded": upgraded.batches,
        "damaged": list(upgraded.damaged),
        "failures": report.failures,
        "failed": [
            {"key": f.action.key, "site": f.action.target, "reason": f.error.message} for f in report.named
        ],
        "conflicts": [asdict(conflict) for conflict in still_open],
        "seconds": round(report.seconds, 3),
    }
