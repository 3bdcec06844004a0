"""``vanvault forecast``: how long a restore takes today and in years, and when 8 hours will be broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, human_duration, human_size, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.recovery.forecast import Cost, Forecast, Growth, Remedy


@click.command("forecast")
@json_option
@click.pass_obj
def command(home: Path, as_json: bool) -> ExitCode:
    """Say how long a restore of everything takes today and in 1, 3 and 10 years, and when 8 hours break.

    From the archive's growth and from what drills and restores on record took. Ends with 3 when a restore
    takes longer than 8 hours already.
    """
    from vanvault.recovery.drill import measured
    from vanvault.recovery.forecast import Measurement, cost_of, forecast, growth, stored

    with open_archive(home) as archive:
        catch_up(archive)
        today = archive.clock.now().date()
        grown = growth(stored(archive.sites), today)
        taken = [Measurement(one.objects, one.bytes, one.seconds) for one in measured(archive.search)]
    cost = cost_of(taken)
    found = forecast(grown, cost, today) if cost else None
    if as_json:
        emit_json(_fields(grown, cost, found, len(taken)))
    else:
        _show(grown, found)
    if found is None:
        warn("no drill or restore is on record; run: vanvault drill run primary-lost")
        return ExitCode.OK
    return ExitCode.CHECK_FAILED if found.restores[0].late(found.limit_s) else ExitCode.OK


def _show(grown: Growth, found: Forecast | None) -> None:
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


def _fields(grown: Growth, cost: Cost | None, found: Forecast | None, taken: int) -> dict[str, Any]:
    return {
        "growth": {
            "objects": grown.total.objects,
            "bytes": grown.total.bytes,
            "first": grown.first.isoformat() if grown.first else None,
            "window_days": grown.window_days,
            "objects_per_day": round(grown.objects_per_day, 3),
            "bytes_per_day": round(grown.bytes_per_day),
            "error": round(grown.error, 4),
        },
        "measured": taken,
        "cost": {
            "us_per_object": round(cost.per_object * 1e6, 3),
            "ns_per_byte": round(cost.per_byte * 1e9, 3),
            "error": round(cost.error, 4),
        }
        if cost
        else None,
        **(_forecast_fields(found) if found else {"restores": [], "breaks_on": None, "remedies": []}),
    }


def _forecast_fields(found: Forecast) -> dict[str, Any]:
    dates = (found.breaks_on, found.breaks_earliest, found.breaks_latest)
    on, earliest, latest = (day.isoformat() if day else None for day in dates)
    return {
        "limit_seconds": found.limit_s,
        "restores": [
            {
                "years": one.years,
                "objects": one.objects,
                "bytes": one.bytes,
                "seconds": round(one.seconds, 3),
                "low": round(one.low, 3),
                "high": round(one.high, 3),
                "in_time": not one.late(found.limit_s),
            }
            for one in found.restores
        ],
        "breaks_on": on,
        "breaks_earliest": earliest,
        "breaks_latest": latest,
        "remedies": [
            {"kind": one.kind, "enough": one.enough, "value": round(one.value, 3), "now": round(one.now, 3)}
            for one in found.remedies
        ],
    }
