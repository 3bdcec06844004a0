"""``vanvault search``: messages and events by any of their fields."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.times import parse_rfc3339
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import emit_json, human_size, json_option, one_line, print_table, warn
from vanvault.cli.query_options import TIMES, exact, query_options

if TYPE_CHECKING:
    from vanvault.archiver.core.asked_times import CalendarZone

_RANGE = {
    **TIMES,
    "order": "newest (the default) or oldest first.",
    "limit": "Entries of one page, 1 to 1000.  [default: 50]",
    "cursor": "The next page: what the page before ended with.",
}
_COLUMNS = (
    "received", "occurred", "what", "gateway", "transaction", "dossier", "employer", "procedure", "state",
    "size", "id",
)  # fmt: skip


@click.command()
@query_options(_RANGE)
@click.option(
    "--by",
    type=click.Choice(("receipt", "occurrence")),
    default="receipt",
    show_default=True,
    help="Which time is meant; occurrence: of events only, which alone tell it.",
)
@click.option("--due", is_flag=True, help="Say of each whether its transaction is open, and its last day.")
@json_option
@click.pass_obj
def command(home: Path, /, as_json: bool, by: str, due: bool, **given: str | None) -> None:
    """Find messages and events, newest first.

    Every field that is given must match exactly, but for --dossier-prefix. With --json it prints one object:
    items, next (the cursor of the next page, or null), partial (true when something may be missing or the
    search stopped before its end), unread (what could not be read), searched (fields and time) and near (what
    came close where nothing was found).
    """
    parameters = [(name.removeprefix("query_"), value) for name, value in given.items() if value is not None]
    with open_archive(home) as archive:
        exactly = exact(archive, parameters)
        asked = {**dict(parameters), **dict(exactly), **({} if by == "receipt" else {"by": by})}
        with looking(archive, "search", asked) as look:
            from vanvault.archiver.catalogue import Query
            from vanvault.recovery.searched import NearMisses, near_misses, searched_of

            query = Query.parse(exactly, archive.search.cursor_key, by_occurrence=by == "occurrence")
            complete = catch_up(archive)
            page = archive.search.page(query)
            if due:
                from vanvault.recovery.retention import with_due

                page = with_due(archive, page)
            empty = not page.items and page.next is None
            near = near_misses(archive, query, lambda item: True) if empty else NearMisses()
            look.shows([item["id"] for item in page.items], near.count if empty else None)
        searched = searched_of(query, archive.settings.search.calendar())
    if page.partial:
        warn(page.partial)
    for unread in page.unread:
        warn(
            f"{unread.object} is {unread.reason}: entries from {unread.first} to {unread.last} may be missing"
        )
    if as_json:
        partial = not complete or bool(page.partial) or bool(page.unread)
        unread_parts = [asdict(unread) for unread in page.unread]
        told = {"items": page.items, "next": page.next, "partial": partial, "unread": unread_parts}
        close = [one.as_json() for one in near.found]
        emit_json({**told, "searched": searched.as_json(), "near": close, "near_complete": near.complete})
        return
    if page.items:
        columns = (*_COLUMNS, "stands", "kept until", "at least") if due else _COLUMNS
        print_table(columns, (_row(item, searched.zone) for item in page.items))
    more = f"; next page: --cursor {page.next}" if page.next else ""
    found = f"{len(page.items)} found" if page.items else "nothing found"
    click.echo(f"{found}{more}", err=True)
    click.echo(one_line(searched.line()), err=True)
    for one in near.found:
        click.echo(one_line(one.line()), err=True)
    if not near.complete:
        click.echo("what else came close was not looked at to its end", err=True)


def _row(item: dict[str, Any], zone: CalendarZone) -> tuple[str, ...]:
    what = item["type"] if item["entry"] == "event" else item["kind"] or item["entry"]
    clock = item.get("retention")
    kept = () if clock is None else (clock["state"], clock["last_day"] or "", clock["at_least"])
    return (
        _local(item["received_at"], zone),
        _local(item["occurred_at"], zone) if item["entry"] == "event" else "",
        what,
        item["gateway"],
        item["transaction_id"],
        item["dossier_number"],
        item["employer_code"],
        item["procedure"],
        item["state"],
        human_size(item["size"]),
        item["id"],
        *kept,
    )


def _local(time: str, zone: CalendarZone) -> str:
    """A time in the archive's zone, to the second, with its offset."""
    return zone.told(parse_rfc3339(time).replace(microsecond=0))
