"""``vanvault reconcile``: bring the sites level, and deal with conflicts between them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, warn
from vanvault.cli.progress import Terminal

if TYPE_CHECKING:
    from vanvault.recovery.reconcile import Reconciliation

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
    from vanvault.recovery.reconcile import ReconcileRequest, reconcile
    from vanvault.recovery.work import account

    home: Path = context.obj
    with open_archive(home) as archive:
        done = reconcile(archive, ReconcileRequest(dry_run, workers, account()), Terminal(quiet=as_json))
    if as_json:
        emit_json(done.as_json())
    else:
        _show(done)
    return done.exit_code


@command.command("resolve")
@click.argument("entry_id")
@click.option("--reason", default="", metavar="TEXT", help="What was found; it goes on record. Required.")
@json_option
@click.pass_obj
def resolve(home: Path, entry_id: str, reason: str, as_json: bool) -> None:
    """Put on record that you looked at a conflict and what came of it; both entries are kept."""
    from vanvault.recovery.reconcile import resolve as put_resolution
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        catch_up(archive)
        conflict = put_resolution(archive, entry_id, reason=reason, who=account())
    if as_json:
        emit_json({"resolved": conflict.id, "first": conflict.first})
    else:
        click.echo(f"{conflict.id}: resolved on record; {conflict.first} stands under the id")


def _show(done: Reconciliation) -> None:
    report, upgraded, dry_run = done.report, done.upgraded, done.dry_run
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
    for conflict in done.conflicts[:_SHOWN]:
        late = conflict.id or f"an unreadable entry of {conflict.received_at}"
        first = conflict.first or f"an unreadable entry of {conflict.first_received_at}"
        warn(f"conflict: {late} repeats the id of {first} with other bytes")
    if done.conflicts:
        warn(
            f"{len(done.conflicts)} conflicts are open; look at both entries, then:"
            " vanvault reconcile resolve ID"
        )
    verb = "would copy" if dry_run else "copied"
    count = sum(lag.objects for lag in report.lags.values()) if dry_run else report.fetched.objects
    verdict = "reconciled" if done.whole else "NOT RECONCILED"
    click.echo(
        f"{verdict}: compared {report.compared} objects in {human_duration(report.seconds)}: {verb} {count},"
        f" {report.prolonged if not dry_run else report.shorter_locks} locks"
        f" {'to prolong' if dry_run else 'prolonged'}, {upgraded.batches} batches' receipts upgraded"
    )
