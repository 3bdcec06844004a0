"""``vanvault access``: who has looked at what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_span, rfc3339_seconds
from vanvault.archiver.people.looks import ACTS, OUTCOMES
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import emit_json, json_option, print_table
from vanvault.cli.query_options import exact

if TYPE_CHECKING:
    from vanvault.recovery.access import SeenLook

_COLUMNS = ("at", "who", "from", "act", "outcome", "asked", "shown")


@click.group()
def command() -> None:
    """Read the record of looks: nothing of the archive is shown that is not on it."""


@command.command("list")
@click.option("--who", metavar="NAME", help="Only this account, or this gateway.")
@click.option(
    "--message", metavar="ID", help="Who has seen this message: the archive's id, or its gateway's."
)
@click.option("--employer", metavar="CODE", help="Who has seen entries of this employer.")
@click.option("--act", type=click.Choice(ACTS), help="Only this.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only what came to this.")
@click.option(
    "--from",
    "begin",
    metavar="TIME",
    help="On record at this time or later (RFC 3339, or a date: its midnight in search.time_zone).",
)
@click.option("--to", "end", metavar="TIME", help="On record before this time, or before this date.")
@click.option("--during", metavar="PERIOD", help="On record in this period: 03/2026, Q1/2026, 2026-03-31.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Looks, at most.")
@json_option
@click.pass_obj
def list_looks(home: Path, /, as_json: bool, limit: int, **given: str | None) -> None:
    """Say who has looked at what, newest first; this is a look, too.

    With --json it prints one object: looks, more (true when older ones match, too), and partial (true when
    something may be missing).
    """
    from vanvault.recovery.access import look_query, seen_looks

    names = {"begin": "from", "end": "to"}
    asked = {names.get(name, name): value for name, value in given.items() if value is not None}
    with open_archive(home) as archive:
        exactly = dict(exact(archive, asked.items()))
        with looking(archive, "access", {**asked, **exactly}) as look:
            complete = catch_up(archive)
            found = seen_looks(archive.search, look_query(archive, {**exactly, "limit": str(limit)}))
            look.shows([one.id for one in found.looks])
    if as_json:
        emit_json({**found.as_json(), "partial": not complete})
        return
    if found.looks:
        print_table(_COLUMNS, map(_row, found.looks))
    more = "; there are more: raise --limit, or narrow it by --from and --to" if found.more else ""
    click.echo(f"{len(found.looks)} looks{more}" if found.looks else "no looks found", err=True)


@command.command()
@click.option("--reason", metavar="TEXT", help="Why; it goes on record. Required to declare.")
@click.option("--for", "span", default="4h", show_default=True, metavar="SPAN", help="How long, up to 24h.")
@click.option("--end", is_flag=True, help="End it before its time.")
@json_option
@click.pass_obj
def emergency(home: Path, /, reason: str | None, span: str, end: bool, as_json: bool) -> None:
    """Let this home show what it has although the look can be put on record nowhere, for some hours.

    Such looks wait in the home, and go on record as soon as a site takes them; so does the emergency itself.
    """
    from vanvault.archiver.core.ports import SystemClock, SystemEntropy
    from vanvault.archiver.home_files import load_settings
    from vanvault.recovery.access import LONGEST_EMERGENCY, EmergencyFiles
    from vanvault.recovery.work import account

    if end and reason is not None:
        raise InvalidInput("--reason is of a declaration; an end has none", field="reason")
    load_settings(home)
    files = EmergencyFiles(home, SystemClock())
    if end:
        told = files.end(who=account())
    else:
        asked = parse_span(span, "for", most=LONGEST_EMERGENCY)
        told = files.declare(reason or "", asked, who=account(), entropy=SystemEntropy())
    if as_json:
        emit_json({**told.as_json(), "in_force": not end})
    elif end:
        click.echo(
            "The emergency is over. What waits goes on record with the next look, or by a running node."
        )
    else:
        click.echo(
            f"Until {rfc3339_seconds(told.until)} looks that no site takes wait in {home}, and are shown."
        )


def _row(seen: SeenLook) -> tuple[str, ...]:
    look = seen.look
    asked = " ".join(f"{name}={value}" for name, value in look.asked.items())
    shown = look.shown[0] if len(look.shown) == 1 else str(look.count)
    return (
        seen.at[:19] + "Z",
        look.viewer.name,
        look.viewer.address or "this host",
        look.act,
        look.outcome,
        asked,
        shown if seen.requests == 1 else f"{look.count} in {seen.requests} requests",
    )
