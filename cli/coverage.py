"""``vanvault coverage``: how much of the archive was verified lately, and what was not for too long."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.recovery.coverage import CoverageReport, SiteCoverage, Tally, VerifyRun


@click.command("coverage")
@json_option
@click.pass_obj
def command(home: Path, as_json: bool) -> ExitCode:
    """Say how much of each site was verified within verify.max_age_days, from the runs on record.

    Ends with 3 when an object has gone unverified for longer, with 10 when a site is away.
    """
    from vanvault.recovery.coverage import coverage, next_share, verify_runs

    with open_archive(home) as archive:
        catch_up(archive)
        settings, now = archive.settings.verify, archive.clock.now()
        limit = now - timedelta(days=settings.max_age_days)
        # An object that was found damaged counts from the run before, which may be older than the limit.
        runs = list(verify_runs(archive.search, since=now - 2 * timedelta(days=settings.max_age_days)))
        report = coverage(archive.sites, runs, limit)
        turn = next_share(runs, settings.subsets, archive.sites)
    fields = _fields(report, runs, settings.max_age_days, now)
    if as_json:
        emit_json({**fields, "next": f"{turn.number}/{turn.of}"})
    else:
        _show(report, fields)
        click.echo(f"next: vanvault verify --share {turn.number}/{turn.of}")
    for site, why in report.away.items():
        warn(f"the site {site} is away ({why}); nothing is known of it")
    if report.overdue:
        days = f"{settings.max_age_days:g}"
        warn(f"objects have gone unverified for more than {days} days; run: vanvault verify --next")
        return ExitCode.CHECK_FAILED
    return ExitCode.SITE if report.away else ExitCode.OK


def _fields(
    report: CoverageReport, runs: list[VerifyRun], max_age_days: float, now: datetime
) -> dict[str, Any]:
    return {
        "max_age_days": max_age_days,
        "overdue": report.overdue,
        "runs": len(runs),
        "last_run": rfc3339_seconds(runs[0].finished) if runs else None,
        "sites": {site.site: _site_fields(site, now) for site in report.sites},
        "away": sorted(report.away),
    }


def _site_fields(site: SiteCoverage, now: datetime) -> dict[str, Any]:
    oldest = None
    if site.oldest is not None:
        since, key = site.oldest
        days = round((now - since) / timedelta(days=1), 3)
        oldest = {"key": key, "since": rfc3339_seconds(since), "days": days}
    return {
        **_tally(site.total),
        "verified": {**_tally(site.verified), "share": round(site.verified.share_of(site.total), 6)},
        "young": _tally(site.young),
        "overdue": _tally(site.overdue),
        "oldest_unverified": oldest,
    }


def _tally(tally: Tally) -> dict[str, int]:
    return {"objects": tally.objects, "bytes": tally.bytes}


def _show(report: CoverageReport, fields: dict[str, Any]) -> None:
    rows = []
    for site in report.sites:
        oldest = fields["sites"][site.site]["oldest_unverified"]
        rows.append(
            (
                site.site,
                f"{site.verified.objects} of {site.total.objects}",
                f"{human_size(site.verified.bytes)} ({site.verified.share_of(site.total):.1%})",
                str(site.young.objects),
                str(site.overdue.objects),
                f"{oldest['since']} {oldest['key']}" if oldest else "",
            )
        )
    within = f"verified within {fields['max_age_days']:g} days"
    print_table(("site", within, "bytes", "new", "overdue", "longest without"), rows)
    last = fields["last_run"] or "never"
    click.echo(f"last verification on record: {last}; runs that count: {fields['runs']}")
