"""``vanvault restore``: rebuild an empty site from the other; start it again to resume."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.cli.context import catch_up, open_archive, put_on_record
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, warn
from vanvault.cli.progress import progress
from vanvault.cli.verify import exit_code, finding_fields, run_verify, show, show_findings, summary

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.cli.progress import Step
    from vanvault.recovery.restore import Deadline, RestorePlan, RestoreReport
    from vanvault.recovery.verify import VerifyReport


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
    when the target holds all that the source holds (and, unless told otherwise, both verify), else 3.
    """
    from vanvault.recovery.restore import Deadline, restore, survey
    from vanvault.recovery.work import Effort

    deadline = Deadline(parse_rfc3339(incident, field="incident")) if incident else None
    with open_archive(home) as archive:
        plan = survey(archive, source, create=not dry_run)
        if dry_run:
            _show_plan(plan, _estimate(archive, plan, deadline), as_json)
            return ExitCode.OK
        _note(plan)
        with progress(
            f"restoring {plan.target}",
            total=plan.todo.objects,
            total_bytes=plan.todo.bytes,
            quiet=as_json or not plan.todo.objects,
        ) as step:
            report = restore(
                plan,
                archive.sites[source],
                archive.sites[plan.target],
                effort=Effort(workers),
                step=_watched(step, deadline, plan, archive),
            )
        catch_up(archive)
        if report.copied.objects:
            put_on_record(archive, "site.restored", _recorded(report))
        if not as_json:
            _show(report)
        verified = run_verify(archive, quiet=as_json) if verify_after else None
        timing = _timing(deadline, archive.clock.now())
    if timing["in_time"] is False:
        _red(f"this ended after the limit of 8 hours, which was {timing['deadline']}")
    if as_json:
        emit_json({**_summary(report, verified), **timing})
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


def _estimate(archive: Archive, plan: RestorePlan, deadline: Deadline | None) -> dict[str, Any]:
    """How long the plan takes at the last measured rate, and whether that is in time; None: not known."""
    from vanvault.recovery.drill import last_rate

    catch_up(archive)
    rate = last_rate(archive.search)
    seconds = plan.todo.bytes / rate if rate else None
    now = archive.clock.now()
    ends = now + timedelta(seconds=seconds) if seconds is not None else None
    timing = _timing(deadline, ends or now)
    if ends is None and timing["in_time"]:
        timing["in_time"] = None
    return {
        "estimated_seconds": round(seconds, 3) if seconds is not None else None,
        "estimated_end": rfc3339_seconds(ends) if ends else None,
        **timing,
    }


def _timing(deadline: Deadline | None, end: datetime) -> dict[str, Any]:
    if deadline is None:
        return {"incident": None, "deadline": None, "in_time": None}
    return {
        "incident": rfc3339_seconds(deadline.incident),
        "deadline": rfc3339_seconds(deadline.at),
        "in_time": deadline.met_by(end),
    }


def _watched(step: Step, deadline: Deadline | None, plan: RestorePlan, archive: Archive) -> Step:
    from vanvault.recovery.restore import Pace

    if deadline is None:
        return step
    limit = rfc3339_seconds(deadline.at)

    def alarm(end: datetime) -> None:
        _red(f"at this pace it ends at {rfc3339_seconds(end)}, after the limit of 8 hours, {limit}")

    return Pace(step, deadline, plan.todo, archive.clock, alarm)


def _red(line: str) -> None:
    """On stderr; the colour is left out where that is no terminal."""
    click.secho(f"LATE: {line}", fg="red", bold=True, err=True)


def _show_plan(plan: RestorePlan, estimate: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json({"dry_run": True, **_plan_fields(plan), **estimate})
        return
    _note(plan)
    click.echo(
        f"would copy {plan.todo.objects} of {plan.total.objects} objects ({human_size(plan.todo.bytes)})"
        f" from {plan.source} to {plan.target}"
    )
    seconds = estimate["estimated_seconds"]
    if seconds is None:
        click.echo("how long it takes was not measured yet: vanvault drill run primary-lost")
    else:
        click.echo(f"at the last measured rate it takes {human_duration(seconds)}")
    if estimate["in_time"] is False:
        _red(f"that is after the limit of 8 hours, {estimate['deadline']}")


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
        "ms": round(report.seconds * 1000),
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
