"""``vanvault timeline``: all of one transaction, in the order in which it happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.times import parse_rfc3339
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.lookup import found_case
from vanvault.cli.output import emit_json, human_size, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.recovery.timeline import Case

_COLUMNS = ("occurred in Vietnam", "received", "what", "by", "state", "dossier", "size", "id")


@click.command()
@click.argument("id", metavar="TRANSACTION|DOSSIER|ID")
@click.option("--gateway", metavar="NAME", help="Whose transaction, where several have one of this id.")
@json_option
@click.pass_obj
def command(home: Path, id: str, gateway: str | None, as_json: bool) -> None:
    """Show all of a transaction by occurrence: messages, log lines, who sent them, and how it stands.

    Takes the id of the transaction, the number of its dossier, or the archive's id of one of its entries.
    """
    from vanvault.recovery.retention import clock_of_case

    asked = {"transaction_id": id, "gateway": gateway}
    with open_archive(home) as archive, looking(archive, "timeline", asked) as look:
        complete = catch_up(archive)
        case = found_case(archive, id, gateway or "")
        clock = clock_of_case(archive, case).as_json()
        look.shows(case.ids)
    for object in case.unread:
        warn(f"{object} could not be read: entries of the transaction may be missing")
    if as_json:
        told = {"transaction_id": case.subject.transaction_id, "gateway": case.subject.gateway}
        partial = not complete or bool(case.unread)
        unread = list(case.unread)
        emit_json(
            {**told, "items": list(case.items), "retention": clock, "unread": unread, "partial": partial}
        )
        return
    print_table(_COLUMNS, map(_row, case.items))
    if clock["state"] == "disposed":
        click.echo(f"{_name(case)}: {_gone(clock)}", err=True)
        return
    kept = f"kept until {clock['last_day']}" if clock["last_day"] else "nothing of it is due"
    least = f"until {clock['at_least']} at least, {clock['rule']} by {clock['clause']}"
    gone = f"; {_gone(clock)}" if clock["disposed"] else ""
    click.echo(f"{_name(case)}: {clock['state']}, {kept}; {least}{gone}", err=True)


def _name(case: Case) -> str:
    return f"{case.subject.transaction_id or 'no transaction'} of {case.subject.gateway}"


def _gone(clock: dict[str, Any]) -> str:
    """What of it was disposed of, when, and by which certificate."""
    told = []
    for one in clock["disposed"]:
        counts = ((one["entries"], "entries"), (one["originals"], "originals alone"))
        what = ", ".join(f"{count} {words}" for count, words in counts if count)
        told.append(f"{what} disposed of on {one['on'][:10]} by certificate {one['certificate']}")
    return "; ".join(told) or "disposed of"


def _what(item: dict[str, Any]) -> str:
    if item["entry"] == "disposed":
        return "disposed"
    return str(item["type"] if item["entry"] == "event" else item["kind"] or "message")


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    from vanvault.archiver.core.times import VIETNAM

    is_event = item["entry"] == "event"
    occurred = parse_rfc3339(item["occurred_at"] if is_event else item["received_at"])
    return (
        f"{occurred.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}",
        item["received_at"][:19] + "Z",
        _what(item),
        item["actor"] if is_event else item["gateway"],
        item["state"],
        item["dossier_number"],
        human_size(item["size"]),
        item["id"],
    )
