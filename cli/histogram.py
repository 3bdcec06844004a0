"""``vanvault histogram``: counts and bytes over the whole archive, without reading a row."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn


@click.command()
@click.option("--by", "query_by", metavar="WHAT", help="day (default), month, year, or one of the fields.")
@click.option("--gateway", "query_gateway", metavar="VALUE", help="Only this gateway.")
@click.option("--entry", "query_entry", metavar="VALUE", help="Only message, or only event.")
@click.option("--kind", "query_kind", metavar="VALUE", help="Only this kind.")
@click.option("--procedure", "query_procedure", metavar="VALUE", help="Only this procedure.")
@click.option("--state", "query_state", metavar="VALUE", help="Only this state.")
@click.option("--from", "query_from", metavar="DAY", help="First day of receipt (YYYY-MM-DD, UTC).")
@click.option("--to", "query_to", metavar="DAY", help="Last day of receipt, included.")
@click.option("--during", "query_during", metavar="PERIOD", help="Days of 03/2026, Q1/2026 or 2026 (UTC).")
@json_option
@click.pass_obj
def command(home: Path, /, as_json: bool, **given: str | None) -> None:
    """Count entries and bytes by day, month, year, gateway, entry, kind, procedure or state.

    With --json it prints one object: by, bars (value, entries, bytes), entries, bytes, unread and partial
    (true when something may be missing). Days are those of UTC, whose counts alone are kept.
    """
    from vanvault.archiver.catalogue import HistogramQuery

    fields = {name.removeprefix("query_"): value for name, value in given.items() if value is not None}
    asked = HistogramQuery.parse(fields.items())
    with open_archive(home) as archive, looking(archive, "count", fields) as look:
        complete = catch_up(archive)
        found = archive.histograms.of(asked)
        look.shows(count=found.entries)
    for one in found.unread:
        warn(f"{one.object} is {one.reason}: its entries from {one.first} to {one.last} are not counted")
    if as_json:
        emit_json({**asdict(found), "partial": not complete or bool(found.unread), **asked.days_json()})
        return
    if found.bars:
        rows = [(bar.value or "(unknown)", f"{bar.entries:,}", human_size(bar.bytes)) for bar in found.bars]
        print_table((found.by, "entries", "size"), rows)
    click.echo(f"{found.entries:,} entries, {human_size(found.bytes)}", err=True)
    click.echo(f"received {asked.from_day} to {asked.to_day}, both included; days of UTC", err=True)
