"""``vanvault coverage``: how much of the archive was verified lately, and what was not for too long."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn
from vanvault.cli.progress import Terminal

if TYPE_CHECKING:
    from vanvault.recovery.coverage import CoverageReport


@click.command("coverage")
@json_option
@click.pass_obj
def command(home: Path, as_json: bool) -> ExitCode:
    """Say how much of each site was verified within verify.max_age_days, from the runs on record.

    Ends with 3 when an object has gone unverified for longer, or while damage is known that no later
    verification found whole; with 10 when a site is away.
    """
    from vanvault.recovery.coverage import CoverageRequest, coverage

    with open_archive(home) as archive:
        report = coverage(archive, CoverageRequest(), Terminal(quiet=as_json))
    fields = report.as_json()
    if as_json:
        emit_json(fields)
    else:
        _show(report, fields)
        click.echo(f"next: vanvault verify --subset {fields['next']}")
    for site, why in report.away.items():
        warn(f"the site {site} is away ({why}); nothing is known of it")
    for site, found in report.damaged.items():
        warn(
            f"a verification found {found.findings} things wrong at {site}, since"
            f" {rfc3339_seconds(found.since)}; run: vanvault repair, then vanvault verify"
        )
    if report.overdue:
        days = f"{report.max_age_days:g}"
        warn(f"objects have gone unverified for more than {days} days; run: vanvault verify --next")
    return report.exit_code


def _show(report: CoverageReport, fields: dict[str, Any]) -> None:
    rows = []
    for site in report.sites:
        oldest = fields["sites"][site.site]["oldest_unverified"]
        rows.append(
            (
                site.site,
                f"{site.verified.objects} of {site.total.objects}",
                f"{human_size(site.verified.bytes)} ({site.verified.fraction_of(site.total):.1%})",
                str(site.young.objects),
                str(site.overdue.objects),
                f"{oldest['since']} {oldest['key']}" if oldest else "",
            )
        )
    within = f"verified within {fields['max_age_days']:g} days"
    print_table(("site", within, "bytes", "new", "overdue", "longest without"), rows)
    last = fields["last_run"] or "never"
    click.echo(f"last verification on record: {last}; runs that count: {fields['runs']}")
