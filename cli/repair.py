"""``vanvault repair``: verify, then copy from the good site what the other lacks or holds damaged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import catch_up, open_archive, put_on_record
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table, warn
from vanvault.cli.progress import progress
from vanvault.cli.verify import SHOWN, finding_fields, run_verify, show_findings

if TYPE_CHECKING:
    from vanvault.recovery.repair import Action, RepairPlan, RepairReport


@click.command("repair")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@json_option
@click.pass_obj
def command(home: Path, dry_run: bool, workers: int, as_json: bool) -> int:
    """Verify both sites, then copy what one lacks or holds damaged from the other.

    Nothing is removed: a good version is put on top of a damaged one. Exits 0 when all that was wrong is
    mended (extra files are left alone), 3 when something is beyond repair.
    """
    from vanvault.recovery.repair import plan_repair, repair
    from vanvault.recovery.work import Effort

    with open_archive(home) as archive:
        plan = plan_repair(run_verify(archive, workers=workers, quiet=as_json))
        if dry_run:
            _show_plan(plan, as_json)
            return _code(not plan.beyond)
        with progress("repairing", total=len(plan.actions), quiet=as_json or not plan.actions) as step:
            report = repair(plan, archive.sites, effort=Effort(workers), step=step)
        if report.repaired:
            catch_up(archive)
            put_on_record(archive, "site.repaired", _recorded(report))
    _show(report, as_json)
    return _code(report.whole)


def _recorded(report: RepairReport) -> dict[str, object]:
    sites = sorted({action.target for action in report.repaired})
    return {
        "sites": list(sites),
        "objects": len(report.repaired),
        "bytes": report.bytes,
        "failures": len(report.failed),
        "beyond": len(report.beyond),
    }


def _code(whole: bool) -> ExitCode:
    return ExitCode.OK if whole else ExitCode.CHECK_FAILED


def _show_plan(plan: RepairPlan, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "dry_run": True,
                "actions": [_fields(action) for action in plan.actions],
                "beyond": [finding_fields(finding) for finding in plan.beyond],
            }
        )
        return
    _show_actions(plan.actions)
    show_findings(plan.beyond)
    click.echo(f"would repair {len(plan.actions)}; {len(plan.beyond)} beyond repair")


def _show(report: RepairReport, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "whole": report.whole,
                "repaired": [_fields(action) for action in report.repaired],
                "failed": [
                    {**_fields(failure.action), "reason": failure.reason} for failure in report.failed
                ],
                "beyond": [finding_fields(finding) for finding in report.beyond],
                "bytes": report.bytes,
                "seconds": round(report.seconds, 3),
            }
        )
        return
    _show_actions(report.repaired)
    for failure in report.failed:
        warn(f"{failure.action.key} at {failure.action.target}: {failure.reason}")
    show_findings(report.beyond)
    click.echo(
        f"repaired {len(report.repaired)}, failed {len(report.failed)}, beyond repair {len(report.beyond)};"
        f" {human_size(report.bytes)} copied in {human_duration(report.seconds)}"
    )


def _show_actions(actions: tuple[Action, ...]) -> None:
    if actions:
        rows = [
            (fields["action"], fields["site"], fields["key"], fields["from"])
            for fields in map(_fields, actions)
        ]
        print_table(("action", "site", "object", "from"), rows[:SHOWN])
        if len(rows) > SHOWN:
            click.echo(f"and {len(rows) - SHOWN} more; --json gives all")


def _fields(action: Action) -> dict[str, Any]:
    from vanvault.recovery.repair import Copy

    copied = isinstance(action, Copy)
    return {
        "action": "copy" if copied else "extend",
        "site": action.target,
        "key": action.key,
        "from": action.source if isinstance(action, Copy) else "",
        "problem": action.problem if isinstance(action, Copy) else "lock",
    }
