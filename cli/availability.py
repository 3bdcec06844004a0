"""``vanvault availability``: how long the service was up, and what the law leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.cli.context import open_archive
from vanvault.cli.output import emit_json, human_duration, json_option, print_pairs, print_table, warn
from vanvault.cli.progress import Terminal


class _Default(click.Group):
    """Without a word of its own it is ``report``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["report", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Default)
def command() -> None:
    """Show how long the service was up, announce planned downtime, note what an outside probe saw.

    Without a further word it shows the report of this year.
    """


@command.command()
@click.option("--year", type=click.IntRange(1971, 9997), help="This year unless told (Vietnam's calendar).")
@click.option("--month", type=click.IntRange(1, 12), help="This month of the year only.")
@json_option
@click.pass_obj
def report(home: Path, year: int | None, month: int | None, as_json: bool) -> None:
    """Up, degraded, planned and unplanned time by month, against the profile's limit, with a forecast."""
    from vanvault.recovery.availability import AvailabilityRequest, availability

    with open_archive(home) as archive:
        shown = availability(archive, AvailabilityRequest(year, month), Terminal(quiet=as_json)).as_json()
    if as_json:
        emit_json(shown)
    else:
        _print(shown)


@command.group()
def window() -> None:
    """Planned downtime, announced ahead."""


@window.command()
@click.option("--from", "start", help="Begin, RFC 3339; not in the past.")
@click.option("--to", "end", help="End, RFC 3339.")
@click.option("--for", "lasts", metavar="SPAN", help="In place of both: from now on, so long, such as 30m.")
@click.option("--reason", required=True, help="What is done meanwhile.")
@json_option
@click.pass_obj
def add(
    home: Path, start: str | None, end: str | None, lasts: str | None, reason: str, as_json: bool
) -> None:
    """Announce a window, on record, before it begins."""
    from vanvault.archiver.core.times import parse_span
    from vanvault.recovery.availability import announce_from_now, announce_window
    from vanvault.recovery.work import account

    if lasts is not None and not start and not end:
        span = parse_span(lasts, "for")
        with open_archive(home) as archive:
            detail = announce_from_now(archive, span, reason=reason, who=account())
    elif lasts is None and start and end:
        begins, ends = _moment(start, "from"), _moment(end, "to")
        with open_archive(home) as archive:
            detail = announce_window(archive, begins, ends, reason=reason, who=account())
            _warn_late(begins - archive.clock.now())
    else:
        raise click.UsageError("a window has --from and --to, or --for")
    if as_json:
        emit_json(detail)
    else:
        already = " already" if detail.get("already") else ""
        click.echo(
            f"{detail['window']}: {detail['from']} to {detail['to']} is announced{already}, on record."
        )


@window.command()
@click.option("--window", "only", default="", metavar="ID", help="Only this one, however far it is.")
@click.option("--by-hand", default="", metavar="TEXT", help="People were told otherwise: how. With --window.")
@json_option
@click.pass_obj
def notify(home: Path, only: str, by_hand: str, as_json: bool) -> ExitCode:
    """Announce planned stops by mail to the addresses set, ten days ahead, on record.

    Without --window: all that begin within eleven days and of which people were not told, and those that were
    called off since. Ends with 3 when the mail server refused an address, with 8 when it took nothing.
    """
    from vanvault.recovery.notices import NoticeRequest, give_notices
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        request = NoticeRequest(only, by_hand, account())
        done = give_notices(archive, request, Terminal(quiet=as_json))
    if as_json:
        emit_json(done.as_json())
        return done.exit_code
    for one in done.given:
        click.echo(f"{one['window']}: {one['about']}, {one['days_ahead']} days ahead, by {one['how']}")
    if not done.given:
        click.echo("nothing is to be announced now", err=True)
    return done.exit_code


@window.command("list")
@click.option("--all", "past", is_flag=True, help="Those that are over or cancelled too.")
@json_option
@click.pass_obj
def list_windows(home: Path, past: bool, as_json: bool) -> None:
    """Show the windows that are to come."""
    from vanvault.recovery.availability import window_fields, windows

    with open_archive(home) as archive:
        rows = [window_fields(window) for window in windows(archive, Terminal(quiet=as_json), past=past)]
    if as_json:
        emit_json({"windows": rows})
    elif rows:
        columns = ("window", "from", "to", "announced", "cancelled", "who", "reason")
        print_table(columns, [tuple(str(row[name] or "") for name in columns) for row in rows])
    else:
        click.echo("no window", err=True)


@window.command()
@click.argument("id")
@click.option("--reason", required=True, help="Why it is called off.")
@json_option
@click.pass_obj
def cancel(home: Path, id: str, reason: str, as_json: bool) -> None:
    """Call a window off, or end it early: what comes after is not planned any more."""
    from vanvault.recovery.availability import cancel_window
    from vanvault.recovery.work import account

    terminal = Terminal(quiet=as_json)
    with open_archive(home) as archive:
        detail = cancel_window(archive, id, reason=reason, who=account(), observer=terminal)
    if as_json:
        emit_json(detail)
    else:
        click.echo(f"{id} is cancelled, on record.")


@command.command()
@click.argument("level", type=click.Choice(["up", "degraded", "down"]))
@click.option("--source", required=True, help="Who saw it: the name of the probe.")
@click.option("--at", help="When, RFC 3339; now unless told.")
@click.option(
    "--valid",
    type=int,
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long it holds, unless the same source says otherwise before.",
)
@json_option
@click.pass_obj
def note(home: Path, level: str, source: str, at: str | None, valid: int, as_json: bool) -> None:
    """Put on record what a probe outside saw, so that an external monitor counts."""
    from vanvault.recovery.availability import note_seen
    from vanvault.recovery.work import account

    moment = _moment(at, "at") if at else None
    with open_archive(home) as archive:
        detail = note_seen(archive, level, moment, source=source, valid_s=valid, who=account())
    if as_json:
        emit_json(detail)
    else:
        click.echo(f"{detail['source']} saw it {level} at {detail['at']}, on record.")


def _warn_late(ahead: timedelta) -> None:
    """A window nearer than the law asks for is put on record all the same."""
    from vanvault.archiver.core.law import citation
    from vanvault.recovery.notices import DAYS_AHEAD

    if ahead < timedelta(days=DAYS_AHEAD):
        cited = citation("maintenance-notice", text="QD08-2015")
        warn(f"people are to be told {DAYS_AHEAD} days ahead ({cited}); this is nearer")


def _print(shown: dict[str, Any]) -> None:
    names = ("up_s", "degraded_s", "planned_s", "unplanned_s")
    rows = [
        (row["month"], *(human_duration(row[name]) for name in names), f"{row['down_percent']:.3f} %")
        for row in shown["months"]
        if any(row[name] for name in names)
    ]
    if rows:
        print_table(("month", "up", "degraded", "planned", "unplanned", "down"), rows)
    limit = shown["limit_percent"]
    pairs: list[tuple[str, object]] = [("used", human_duration(shown["used_s"]))]
    if limit is None:
        pairs.append(("limit", f"{shown['profile']} knows none"))
    else:
        left = shown["remaining_s"]
        pairs += [
            ("limit", f"{limit:g} % of the year's hours ({shown['profile']}); planned downtime counts too"),
            ("allowance", human_duration(shown["allowance_s"])),
            ("remaining", human_duration(left) if left >= 0 else f"OVERSPENT by {human_duration(-left)}"),
        ]
    within = {True: " (within the limit)", False: " (BEYOND THE LIMIT)", None: ""}
    forecast = human_duration(shown["forecast_s"]) + within[shown["forecast_within_limit"]]
    pairs.append((f"forecast {shown['year']}", forecast))
    if shown["provisional"]:
        last = human_duration(shown["provisional"]["seconds"])
        pairs.append(("provisional", f"the last {last}: nothing is on record of them yet; they may change"))
    print_pairs(pairs)


def _moment(text: str, field: str) -> datetime:
    from vanvault.archiver.core.times import parse_rfc3339

    if len(text) == 10:
        raise InvalidInput(f"{field} needs a time of day", field=field, hint="2026-11-22T22:00:00+07:00")
    return parse_rfc3339(text, field=field)
