"""``vanvault availability``: how long the service was up, and what the law leaves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.cli.context import account, catch_up, open_archive
from vanvault.cli.output import emit_json, human_duration, json_option, print_pairs, print_table

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.journal.availability import Totals, Window, YearReport

_US = 1_000_000


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
    from vanvault.archiver.core.times import to_us
    from vanvault.archiver.journal.availability import (
        began_us,
        fold,
        read_evidence,
        year_bounds,
        year_of,
        year_report,
    )

    with open_archive(home) as archive:
        complete = catch_up(archive)
        now = archive.clock.now()
        asked = year or year_of(now)
        start, end = year_bounds(asked)
        began, now_us = began_us(archive.search), to_us(now)
        # A year more than asked, for the rate of the forecast.
        since = max(began or 0, start - (end - start))
        until = min(end, now_us)
        evidence = read_evidence(archive.search, archive.tail, from_us=since, to_us=until)
        known = began is not None and since < until
        intervals = fold(evidence, start_us=since, now_us=until) if known else ()
        found = year_report(
            intervals, evidence.windows, asked, limit_percent=archive.profile.downtime_limit_percent
        )
        profile = archive.profile.name
    shown = _shown(found, month) | {"profile": profile, "partial": not complete}
    if as_json:
        emit_json(shown)
    else:
        _print(shown)


@command.group()
def window() -> None:
    """Planned downtime, announced ahead."""


@window.command()
@click.option("--from", "start", required=True, help="Begin, RFC 3339; not in the past.")
@click.option("--to", "end", required=True, help="End, RFC 3339.")
@click.option("--reason", required=True, help="What is done meanwhile.")
@json_option
@click.pass_obj
def add(home: Path, start: str, end: str, reason: str, as_json: bool) -> None:
    """Announce a window, on record."""
    from vanvault.archiver.journal import EventType
    from vanvault.archiver.journal.availability import window_detail

    with open_archive(home) as archive:
        detail = window_detail(
            archive.entropy.token(6).hex(),
            _moment(start, "from"),
            _moment(end, "to"),
            reason=reason,
            who=account(),
            now=archive.clock.now(),
        )
        archive.record(EventType.AVAILABILITY_WINDOW, detail)
    if as_json:
        emit_json(detail)
    else:
        click.echo(f"{detail['window']}: {detail['from']} to {detail['to']} is announced, on record.")


@window.command("list")
@click.option("--all", "past", is_flag=True, help="Those that are over or cancelled too.")
@json_option
@click.pass_obj
def list_windows(home: Path, past: bool, as_json: bool) -> None:
    """Show the windows that are to come."""
    from vanvault.archiver.core.times import to_us

    with open_archive(home) as archive:
        now_us = to_us(archive.clock.now())
        found = [
            window
            for window in _windows(archive)
            if past or (window.end_us > now_us and window.cancelled_us is None)
        ]
    rows = [_window(window) for window in found]
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
    from vanvault.archiver.core.times import to_us
    from vanvault.archiver.journal import EventType
    from vanvault.archiver.journal.availability import cancelled_detail

    with open_archive(home) as archive:
        window = next((window for window in _windows(archive) if window.id == id), None)
        if window is None:
            raise NotFound(f"there is no window {id[:40]}", hint="vanvault availability window list")
        if window.cancelled_us is not None or window.end_us <= to_us(archive.clock.now()):
            raise Conflict(f"the window {id} is over already")
        detail = cancelled_detail(id, reason=reason, who=account())
        archive.record(EventType.AVAILABILITY_CANCELLED, detail)
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
    from vanvault.archiver.journal import EventType
    from vanvault.archiver.journal.availability import level_named, note_detail

    with open_archive(home) as archive:
        now = archive.clock.now()
        detail = note_detail(
            level_named(level),
            _moment(at, "at") if at else now,
            source=source,
            valid_s=valid,
            who=account(),
            now=now,
        )
        archive.record(EventType.AVAILABILITY_NOTE, detail)
    if as_json:
        emit_json(detail)
    else:
        click.echo(f"{detail['source']} saw it {level} at {detail['at']}, on record.")


def _windows(archive: Archive) -> tuple[Window, ...]:
    from vanvault.archiver.journal.availability import read_windows

    catch_up(archive)
    return read_windows(archive.search)


def _window(window: Window) -> dict[str, Any]:
    from vanvault.archiver.core.times import rfc3339_us

    return {
        "window": window.id,
        "from": rfc3339_us(window.start_us),
        "to": rfc3339_us(window.end_us),
        "announced": rfc3339_us(window.announced_us),
        "cancelled": rfc3339_us(window.cancelled_us) if window.cancelled_us is not None else None,
        "reason": window.reason,
        "who": window.who,
    }


def _shown(found: YearReport, month: int | None) -> dict[str, Any]:
    months = [
        {"month": f"{found.year}-{number:02d}", **_sums(sums)}
        for number, sums in enumerate(found.months, start=1)
        if month in (None, number)
    ]
    allowance, remaining = found.allowance, found.remaining
    return {
        "year": found.year,
        "months": months,
        "total": _sums(found.totals),
        "limit_percent": found.limit_percent,
        "allowance_s": None if allowance is None else allowance / _US,
        "used_s": found.totals.down / _US,
        "remaining_s": None if remaining is None else remaining / _US,
        "forecast_s": found.forecast / _US,
        "forecast_within_limit": found.forecast_within_limit,
    }


def _sums(sums: Totals) -> dict[str, float]:
    measured = sums.measured or 1
    return {
        "up_s": sums.up / _US,
        "degraded_s": sums.degraded / _US,
        "planned_s": sums.planned / _US,
        "unplanned_s": sums.unplanned / _US,
        "before_s": sums.before / _US,
        "ahead_s": sums.ahead / _US,
        "down_percent": round(100 * sums.down / measured, 4),
    }


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
    print_pairs([*pairs, (f"forecast {shown['year']}", forecast)])


def _moment(text: str, field: str) -> datetime:
    from vanvault.archiver.core.times import parse_rfc3339

    if len(text) == 10:
        raise InvalidInput(f"{field} needs a time of day", field=field, hint="2026-11-22T22:00:00+07:00")
    return parse_rfc3339(text, field=field)
