"""``vanvault restore``: rebuild an empty site from the other; start it again to resume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.loading import loading
from vanvault.cli.output import emit_json, human_duration, human_size, json_option
from vanvault.cli.progress import Terminal, watched_terminal
from vanvault.cli.verify import show, show_findings

if TYPE_CHECKING:
    from vanvault.recovery.restore import RestoreEstimate, RestoreReport


@click.command("restore")
@click.option("--from", "source", required=True, metavar="SITE", help="The good site; the other is rebuilt.")
@click.option("--dry-run", is_flag=True, help="Say what would be copied, and do nothing.")
@click.option(
    "--incident", metavar="TIME", help="When data was lost (RFC 3339): the 8 hours count from there."
)
@click.option(
    "--verify/--no-verify",
    "verify_after",
    default=True,
    show_default=True,
    help="Verify both sites at the end.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=8, show_default=True, help="Objects at once.")
@json_option
@click.pass_obj
def command(
    home: Path,
    source: str,
    dry_run: bool,
    incident: str | None,
    verify_after: bool,
    workers: int,
    as_json: bool,
) -> int:
    """Rebuild an empty site from the other.

    What the target holds already is not copied again, so a restore that was interrupted is resumed by
    the same command. A server that runs meanwhile serves from the site as soon as it is there. Exits 0
    when the target holds all that the source holds (and, unless told otherwise, both verify), else 3: also
    where all is restored and something lies at a site that is not the archive's.
    """
    with loading():
        from vanvault.recovery.restore import RestoreRequest, estimate_restore, restore
        from vanvault.recovery.running import RunningVerb
        from vanvault.recovery.work import account

    lost = parse_rfc3339(incident, field="incident") if incident else None
    request = RestoreRequest(source, lost, verify_after, workers, account())
    terminal = Terminal(quiet=as_json)
    with open_archive(home) as archive:
        if dry_run:
            from vanvault.recovery.drill import last_rate  # of all drills, for one figure

            catch_up(archive)
            estimate = estimate_restore(archive, request, last_rate(archive.search), terminal)
            if as_json:
                emit_json(estimate.as_json())
            else:
                _show_estimate(estimate, terminal)
            return ExitCode.OK
        lost_at = "" if lost is None else rfc3339_seconds(lost)
        running = RunningVerb("restore", who=request.who, lost_at=lost_at)
        with watched_terminal(archive, running, quiet=as_json) as observer:
            done = restore(archive, request, observer)
    if as_json:
        emit_json(done.as_json())
    else:
        _show(done.report)
        if done.verified:
            show(done.verified)
    return done.exit_code


def _show_estimate(estimate: RestoreEstimate, terminal: Terminal) -> None:
    plan, fields = estimate.plan, estimate.as_json()
    click.echo(
        f"would copy {plan.todo.objects} of {plan.total.objects} objects ({human_size(plan.todo.bytes)})"
        f" from {plan.source} to {plan.target}"
    )
    if estimate.seconds is None:
        click.echo("how long it takes was not measured yet: vanvault drill run primary-lost")
    else:
        click.echo(f"at the last measured rate it takes {human_duration(estimate.seconds)}")
    if fields["in_time"] is False:
        terminal.alarm(f"that is after the limit of 8 hours, {fields['deadline']}")


def _show(report: RestoreReport) -> None:
    show_findings(report.failures)
    kept = report.plan.total.objects - report.plan.todo.objects
    speed = f", {human_size(round(report.copied.bytes / report.seconds))}/s" if report.seconds >= 1 else ""
    done = "restored" if report.whole else "NOT fully restored"
    click.echo(
        f"{report.plan.target} {done} from {report.plan.source}:"
        f" {report.copied.objects} objects copied ({human_size(report.copied.bytes)}), {kept} were there,"
        f" {len(report.failures)} failed, in {human_duration(report.seconds)}{speed}"
    )
