"""``vanvault search``: messages and events by any of their fields."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn
from vanvault.cli.query_options import query_options

_RANGE = {
    "from": "Received at this time or later (RFC 3339, or a date).",
    "to": "Received before this time.",
    "order": "newest (the default) or oldest first.",
    "limit": "Entries of one page, 1 to 1000.  [default: 50]",
    "cursor": "The next page: what the page before ended with.",
}
_COLUMNS = ("received", "what", "gateway", "dossier", "employer", "procedure", "state", "size", "id")


@click.command()
@query_options(_RANGE)
@click.option("--due", is_flag=True, help="Say of each whether its transaction is open, and its last day.")
@json_option
@click.pass_obj
def command(home: Path, /, as_json: bool, due: bool, **given: str | None) -> None:
    """Find messages and events, newest first.

    Every field that is given must match exactly, but for --dossier-prefix. With --json it prints one object:
    items, next (the cursor of the next page, or null), partial (true when something may be missing or the
    search stopped before its end) and unread (what could not be read).
    """
    parameters = [(name.removeprefix("query_"), value) for name, value in given.items() if value is not None]
    with open_archive(home) as archive, looking(archive, "search", dict(parameters)) as look:
        from vanvault.archiver.catalogue import Query

        query = Query.parse(parameters, archive.search.cursor_key)
        complete = catch_up(archive)
        page = archive.search.page(query)
        if due:
            from vanvault.recovery.retention import clock_beside

            for item in page.items:
                item["retention"] = clock_beside(archive, item).as_json()
        look.shows([item["id"] for item in page.items])
    if page.partial:
        warn(page.partial)
    for unread in page.unread:
        warn(
            f"{unread.object} is {unread.reason}: entries from {unread.first} to {unread.last} may be missing"
        )
    if as_json:
        partial = not complete or bool(page.partial) or bool(page.unread)
        unread_parts = [asdict(unread) for unread in page.unread]
        emit_json({"items": page.items, "next": page.next, "partial": partial, "unread": unread_parts})
        return
    if page.items:
        columns = (*_COLUMNS, "transaction", "kept until") if due else _COLUMNS
        print_table(columns, map(_row, page.items))
    more = f"; next page: --cursor {page.next}" if page.next else ""
    found = f"{len(page.items)} found" if page.items else "nothing found"
    click.echo(f"{found}{more}", err=True)


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    what = item["type"] if item["entry"] == "event" else item["kind"] or "message"
    clock = item.get("retention")
    kept = () if clock is None else (clock["state"], clock["last_day"] or "")
    return (
        item["received_at"][:19] + "Z",
        what,
        item["gateway"],
        item["dossier_number"],
        item["employer_code"],
        item["procedure"],
        item["state"],
        human_size(item["size"]),
        item["id"],
        *kept,
    )
