"""``vanvault restore``: rebuild an empty site from the other; start it again to resume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.cli.context import catch_up, open_archive, put_on_record
from vanvault.cli.errors import ExitCode
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, warn
from vanvault.cli.progress import progress
from vanvault.cli.verify import exit_code, finding_fields, run_verify, show, show_findings, summary

if TYPE_CHECKING:
    from vanvault.recovery.restore.plan import RestorePlan
    from vanvault.recovery.restore.restore import RestoreReport
    from vanvault.recovery.verify.model import VerifyReport


@click.command("restore")
@click.option("--from", "source", required=True, metavar="SITE", help="The good site; the other is rebuilt.")
@click.option("--dry-run", is_flag=True, help="Say what would be copied, and do nothing.")
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
def command(home: Path, source: str, dry_run: bool, verify_after: bool, workers: int, as_json: bool) -> int:
    """Rebuild an empty site from the other.

    What the target holds already is not copied again, so a restore that was interrupted is resumed by
    the same command. A server that runs meanwhile serves from the site as soon as it is there. Exits 0
    when the target holds all that the source holds (and, unless told otherwise, both verify), else 3.
    """
    from vanvault.recovery.pipeline import Effort
    from vanvault.recovery.restore.archive import survey
    from vanvault.recovery.restore.restore import restore

    with open_archive(home) as archive:
        plan = survey(archive, source, create=not dry_run)
        if dry_run:
            _show_plan(plan, as_json)
            return ExitCode.OK
        _note(plan)
        with progress(
            f"restoring {plan.target}",
            total=plan.todo.objects,
            total_bytes=plan.todo.bytes,
            quiet=as_json or not plan.todo.objects,
        ) as step:
            report = restore(
                plan, archive.sites[source], archive.sites[plan.target], effort=Effort(workers), step=step
            )
        catch_up(archive)
        if report.copied.objects:
            put_on_record(archive, "site.restored", _recorded(report))
        if not as_json:
            _show(report)
        verified = run_verify(archive, quiet=as_json) if verify_after else None
    if as_json:
        emit_json(_summary(report, verified))
    elif verified:
        show(verified)
    if not report.whole:
        return ExitCode.CHECK_FAILED
    return exit_code(verified) if verified else ExitCode.OK


def _note(plan: RestorePlan) -> None:
    if plan.surplus:
        warn(f"{plan.target} holds {plan.surplus} objects that {plan.source} lacks; run: vanvault repair")
    if plan.ignored:
        warn(f"{plan.ignored} names at {plan.source} are no objects of an archive and are not copied")
    if plan.left_out:
        warn(
            f"{plan.left_out} batches are not copied: segments hold what is in them, and their locks are over"
        )


def _show_plan(plan: RestorePlan, as_json: bool) -> None:
    if as_json:
        emit_json({"dry_run": True, **_plan_fields(plan)})
        return
    _note(plan)
    click.echo(
        f"would copy {plan.todo.objects} of {plan.total.objects} objects ({human_size(plan.todo.bytes)})"
        f" from {plan.source} to {plan.target}"
    )


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


def _recorded(report: RestoreReport) -> dict[str, object]:
    return {
        "site": report.plan.target,
        "from": report.plan.source,
        "objects": report.copied.objects,
        "bytes": report.copied.bytes,
        "failures": len(report.failures),
    }


def _plan_fields(plan: RestorePlan) -> dict[str, Any]:
    return {
        "source": plan.source,
        "target": plan.target,
        "objects": plan.total.objects,
        "bytes": plan.total.bytes,
        "to_copy": {"objects": plan.todo.objects, "bytes": plan.todo.bytes},
        "surplus": plan.surplus,
        "left_out": plan.left_out,
    }


def _summary(report: RestoreReport, verified: VerifyReport | None) -> dict[str, Any]:
    return {
        "whole": report.whole and (verified is None or verified.whole),
        **_plan_fields(report.plan),
        "copied": {"objects": report.copied.objects, "bytes": report.copied.bytes},
        "failures": [finding_fields(finding) for finding in report.failures],
        "seconds": round(report.seconds, 3),
        "verification": summary(verified) if verified else None,
    }
