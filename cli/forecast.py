"""``vanvault forecast``: how long a restore takes today and in years, and when 8 hours will be broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table
from vanvault.cli.progress import Terminal

if TYPE_CHECKING:
    from vanvault.recovery.forecast import ForecastReport, Remedy


@click.command("forecast")
@json_option
@click.pass_obj
def command(home: Path, as_json: bool) -> ExitCode:
    """Say how long a restore of everything takes today and in 1, 3 and 10 years, and when 8 hours break.

    From the archive's growth and from what drills and restores on record took. Ends with 3 when a restore
    takes longer than 8 hours already.
    """
    from vanvault.recovery.forecast import ForecastRequest, forecast

    with open_archive(home) as archive:
        found = forecast(archive, ForecastRequest(), Terminal(quiet=as_json))
    if as_json:
        emit_json(found.as_json())
    else:
        _show(found)
    return found.exit_code


def _show(report: ForecastReport) -> None:
    grown, found = report.growth, report.forecast
    click.echo(
        f"{grown.total.objects} objects, {human_size(grown.total.bytes)}; each day"
        f" {grown.objects_per_day:.0f} objects, {human_size(round(grown.bytes_per_day))}"
        f" (over the last {grown.window_days} days)"
    )
    if found is None:
        return
    rows = [
        (
            f"in {one.years} years" if one.years else "today",
            human_size(one.bytes),
            human_duration(one.seconds),
            f"{human_duration(one.low)} to {human_duration(one.high)}",
            "LATE" if one.late(found.limit_s) else "in time",
        )
        for one in found.restores
    ]
    print_table(("restore", "bytes", "takes", "between", f"limit {human_duration(found.limit_s)}"), rows)
    if report.parts:
        waits = [
            (
                f"in {one.years} years" if one.years else "today",
                *(human_duration(at) if at is not None else "" for at in report.times(one.seconds).values()),
            )
            for one in found.restores
        ]
        names = report.times(0.0)
        print_table(("until", *(name.replace("_", " ") for name in names)), waits)
    if found.breaks_on is None:
        click.echo("At this pace the limit is not broken within a hundred years.")
        return
    latest = found.breaks_latest or "not within a hundred years"
    click.echo(f"The limit is broken on {found.breaks_on} (between {found.breaks_earliest} and {latest}).")
    for remedy in found.remedies:
        click.echo(f"To hold it in 10 years: {_remedy(remedy)}")


def _remedy(remedy: Remedy) -> str:
    if not remedy.enough:
        return f"{remedy.kind} alone does not suffice"
    if remedy.kind == "parallelism":
        return f"parallelism: {remedy.value:.1f} times as many objects at once"
    if remedy.kind == "larger-objects":
        return (
            f"larger objects: {human_size(round(remedy.value))} on average"
            f" instead of {human_size(round(remedy.now))}"
        )
    return f"faster link: {human_size(round(remedy.value))}/s instead of {human_size(round(remedy.now))}/s"
