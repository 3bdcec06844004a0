"""``vanvault verify``: read everything back and name what is not whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import VanVaultError
from vanvault.cli.context import catch_up, open_archive, put_on_record
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table, warn
from vanvault.cli.progress import progress

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.verify import Finding, Share, VerifyReport

#: Findings that people are shown; ``--json`` gives all.
SHOWN = 50


@click.command("verify")
@click.option("--site", "sites", multiple=True, metavar="NAME", help="Only this site; may be repeated.")
@click.option(
    "--share",
    default="1/1",
    show_default=True,
    metavar="N/T",
    help="Read the Nth of T equal parts; names, presence and chains are checked whole each time.",
)
@click.option("--next", "take_turn", is_flag=True, help="Read the share that was read longest ago.")
@click.option("--no-record", is_flag=True, help="Write nothing: the run does not count as a verification.")
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Objects at once.")
@json_option
@click.pass_obj
def command(
    home: Path,
    sites: tuple[str, ...],
    share: str,
    take_turn: bool,
    no_record: bool,
    workers: int,
    as_json: bool,
) -> int:
    """Re-read every object at both sites and name what is not whole.

    The run is put on record in the archive. Exits 0 only when all is whole, 3 when it is not, 7 when a master
    key is missing or wrong.
    """
    from vanvault.recovery.coverage import FINISHED, finished_detail, site_times
    from vanvault.recovery.verify import Share, chosen_sites

    part = Share.parse(share)
    if take_turn and (sites or not part.is_whole):
        raise click.UsageError("--next goes with neither --site nor --share.")
    with open_archive(home) as archive:
        chosen = chosen_sites(archive.sites, sites)
        if take_turn:
            part = _next_share(archive)
        started, began = archive.clock.now(), site_times(chosen)
        report = run_verify(archive, sites=sites, share=part, workers=workers, quiet=as_json)
        if not no_record:
            finished = archive.clock.now()
            detail = finished_detail(
                report, part, asked=chosen, began=began, started=started, finished=finished
            )
            _put_on_record(archive, FINISHED, detail)
    if as_json:
        emit_json({**summary(report), "share": f"{part.number}/{part.of}"})
    else:
        show(report)
    return exit_code(report)


def _next_share(archive: Archive) -> Share:
    from vanvault.recovery.coverage import next_share, verify_runs

    catch_up(archive)
    settings = archive.settings.verify
    # Twice the limit: a share that was not tried for so long is as good as never read.
    since = archive.clock.now() - 2 * timedelta(days=settings.max_age_days)
    return next_share(verify_runs(archive.search, since=since), settings.subsets, archive.sites)


def _put_on_record(archive: Archive, type: str, detail: dict[str, object]) -> None:
    """What was found stands, whether the archive can take the record of it or not."""
    try:
        put_on_record(archive, type, detail)
    except VanVaultError as error:
        warn(f"this could not be put on record in the archive: {error.message}")


def run_verify(
    archive: Archive,
    *,
    sites: Sequence[str] = (),
    share: Share | None = None,
    workers: int = 4,
    quiet: bool = False,
) -> VerifyReport:
    """Verify, where ``jobs`` of the settings says, with progress on stderr. Raises as ``verify_archive``."""
    from vanvault.recovery.verify import chosen_sites, extent_of, verify_archive
    from vanvault.recovery.work import Effort, open_others

    total = None if quiet else extent_of(chosen_sites(archive.sites, sites))
    with (
        open_others(archive.home, archive.settings.jobs) as jobs,
        progress(
            "verifying",
            total=total.objects if total else None,
            total_bytes=total.bytes if total else None,
            quiet=quiet,
        ) as step,
    ):
        return verify_archive(archive, sites=sites, share=share, effort=Effort(workers), jobs=jobs, step=step)


def summary(report: VerifyReport) -> dict[str, Any]:
    """The summary object that ``--json`` ends with."""
    return {
        "whole": report.whole,
        "objects": report.objects,
        "messages": report.messages,
        "events": report.events,
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "sites": {
            site: {"objects": extent.objects, "bytes": extent.bytes} for site, extent in report.sites.items()
        },
        "findings": [finding_fields(finding) for finding in report.findings],
    }


def finding_fields(finding: Finding) -> dict[str, Any]:
    """One finding as JSON values."""
    return {
        "site": finding.site,
        "key": finding.key,
        "problem": finding.problem,
        "detail": finding.detail,
        "failing": finding.failing,
    }


def show(report: VerifyReport) -> None:
    """The report for people."""
    show_findings(report.findings)
    speed = f", {human_size(round(report.bytes / report.seconds))}/s" if report.seconds >= 1 else ""
    click.echo(
        f"{'whole' if report.whole else 'NOT WHOLE'}: {report.objects} objects, {report.messages} messages,"
        f" {report.events} events, {human_size(report.bytes)} read at {', '.join(report.sites)}"
        f" in {human_duration(report.seconds)}{speed}"
    )
    if not report.whole:
        click.echo(
            "hint: vanvault repair copies from the good site; vanvault restore rebuilds an absent one."
        )


def show_findings(findings: Sequence[Finding]) -> None:
    """The first of them as a table."""
    if not findings:
        return
    print_table(
        ("problem", "site", "object", "detail"),
        [
            (
                finding.problem if finding.failing else f"({finding.problem})",
                finding.site,
                finding.key,
                finding.detail,
            )
            for finding in findings[:SHOWN]
        ],
    )
    if len(findings) > SHOWN:
        click.echo(f"and {len(findings) - SHOWN} more; --json gives all")


def exit_code(report: VerifyReport) -> ExitCode:
    """KEYS calls for another remedy than damage does, and comes first: without keys little else is known."""
    if report.whole:
        return ExitCode.OK
    if any(finding.problem == "key" for finding in report.findings):
        return ExitCode.KEYS
    return ExitCode.CHECK_FAILED
