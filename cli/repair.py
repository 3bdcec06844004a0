"""``vanvault repair``: verify, then copy from the good site what the other lacks or holds damaged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table, warn
from vanvault.cli.progress import watched_terminal
from vanvault.cli.verify import SHOWN, show_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vanvault.recovery.repair import RepairAction, RepairPlan, RepairReport
    from vanvault.recovery.verify import Finding


@click.command("repair")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@json_option
@click.pass_obj
def command(home: Path, dry_run: bool, workers: int, as_json: bool) -> int:
    """Verify both sites, then copy what one lacks or holds damaged from the other.

    Nothing is removed: a good version is put on top of a damaged one. Exits 0 when all that was wrong is
    mended and verify would end with 0, 3 when something is beyond repair, or lies at a site and is not the
    archive's (it is left alone, and named).
    """
    from vanvault.recovery.repair import RepairPlan, RepairRequest, repair
    from vanvault.recovery.running import RunningVerb
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        running = RunningVerb("repair", who=account())
        with watched_terminal(archive, running, quiet=as_json) as observer:
            done = repair(archive, RepairRequest(dry_run, workers, account()), observer)
    if as_json:
        emit_json(done.as_json())
    elif isinstance(done, RepairPlan):
        _show_plan(done)
    else:
        _show(done)
    return done.exit_code


def _show_plan(plan: RepairPlan) -> None:
    _show_actions(plan.actions)
    show_findings((*plan.beyond, *plan.aside))
    click.echo(f"would repair {len(plan.actions)}; {len(plan.beyond)} beyond repair{_left_alone(plan.aside)}")


def _show(report: RepairReport) -> None:
    _show_actions(report.repaired)
    for failure in report.failed:
        warn(f"{failure.action.key} at {failure.action.target}: {failure.reason}")
    show_findings((*report.beyond, *report.aside))
    verdict = "whole" if report.whole else "NOT WHOLE"
    click.echo(
        f"{verdict}: repaired {len(report.repaired)}, failed {len(report.failed)},"
        f" beyond repair {len(report.beyond)}{_left_alone(report.aside)};"
        f" {human_size(report.bytes)} copied in {human_duration(report.seconds)}"
    )


def _left_alone(aside: Sequence[Finding]) -> str:
    """A site is not whole while this lies there, and only a person may remove it."""
    return f", {len(aside)} not the archive's: remove them by the store's own tools" if aside else ""


def _show_actions(actions: tuple[RepairAction, ...]) -> None:
    from vanvault.recovery.repair import action_fields

    if actions:
        rows = [
            (fields["action"], fields["site"], fields["key"], fields["from"])
            for fields in map(action_fields, actions)
        ]
        print_table(("action", "site", "object", "from"), rows[:SHOWN])
        if len(rows) > SHOWN:
            click.echo(f"and {len(rows) - SHOWN} more; --json gives all")
