"""``vanvault hold``: what must not be let go, whatever its period of keeping says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import from_us
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.output import emit_json, json_option, print_pairs, print_table, warn
from vanvault.cli.query_options import TIMES, exact, query_options
from vanvault.cli.requester import requester_of

if TYPE_CHECKING:
    from datetime import datetime

    from vanvault.archiver.appliance import ArchiveReader
    from vanvault.archiver.retention import Hold

NOTHING: Mapping[str, int | None] = MappingProxyType({})


@click.group()
def command() -> None:
    """Hold entries: one person places a hold, another confirms it, two others release it.

    Who is meant is the person who signed on here (vanvault login), else the account of the operating system.
    """


@command.command()
@click.option("--case", required=True, metavar="TEXT", help="The case, as its papers name it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it goes on record.")
@click.option(
    "--authority",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The document that asks for it; its SHA-256 goes on record.",
)
@click.option("--id", "entries", multiple=True, metavar="ID", help="An entry by its id; once for each.")
@click.option("--no-future", is_flag=True, help="Not what is received after this moment.")
@query_options(TIMES)
@json_option
@click.pass_obj
def place(home: Path, /, as_json: bool, **given: Any) -> None:
    """Hold entries by id, or all that a search finds; it is in force at once, and needs one site."""
    import hashlib

    from vanvault.archiver.catalogue import Query
    from vanvault.archiver.retention import HoldReason, HoldScope
    from vanvault.recovery.holds import place_hold

    authority: Path | None = given["authority"]
    digest = hashlib.sha256(authority.read_bytes()).hexdigest() if authority else ""
    asked = [
        (name.removeprefix("query_"), value)
        for name, value in given.items()
        if name.startswith("query_") and value is not None
    ]
    with open_archive(home) as archive:
        catch_up(archive)
        query = Query.parse(exact(archive, asked), archive.search.cursor_key)
        to_us = None if query.to_us == Query.NO_END_US else query.to_us
        scope = HoldScope(given["entries"], query.filters, query.from_us, to_us, not given["no_future"])
        hold = place_hold(
            archive, requester_of(archive), HoldReason(given["case"], given["reason"], digest), scope
        )
        over = _over(archive, hold)
        _tell(hold, archive.clock.now(), as_json, {"over": over})
    if over is None:
        warn("how many entries it is over is not known now: not all of the archive can be read")
    elif over == 0:
        warn("nothing in the archive is what it is about; check the values. What comes later is held, too")


@command.command()
@click.argument("id", metavar="HOLD")
@json_option
@click.pass_obj
def confirm(home: Path, id: str, as_json: bool) -> None:
    """Confirm a hold that another person placed; without that it is told as late after 72 hours."""
    from vanvault.recovery.holds import confirm_hold

    with open_archive(home) as archive:
        catch_up(archive)
        _tell(confirm_hold(archive, requester_of(archive), id), archive.clock.now(), as_json)


@command.command()
@click.argument("id", metavar="HOLD")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is needed no longer; goes on record.")
@json_option
@click.pass_obj
def release(home: Path, id: str, reason: str, as_json: bool) -> None:
    """Release a hold: it ends when two people have done so who did not place it."""
    from vanvault.recovery.holds import release_hold

    with open_archive(home) as archive:
        catch_up(archive)
        _tell(release_hold(archive, requester_of(archive), id, reason), archive.clock.now(), as_json)


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those too that are released.")
@json_option
@click.pass_obj
def list_holds(home: Path, everything: bool, as_json: bool) -> None:
    """List holds: state, case, what they are about, who placed, confirmed and released them."""
    from vanvault.recovery.holds import known_holds

    with open_archive(home) as archive, looking(archive, "display", {"holds": "all"}) as look:
        complete = catch_up(archive)
        book, now = known_holds(archive), archive.clock.now()
        look.shows()
    shown = [hold for hold in book.by_id.values() if everything or hold.holds]
    for event in book.unclear:
        warn(f"the event {event} tells of a hold in a form that this version cannot read")
    if as_json:
        told = [hold.as_json(now) for hold in shown]
        emit_json({"holds": told, "unclear": list(book.unclear), "partial": not complete})
        return
    rows = [
        (
            hold.id,
            f"{hold.state}, not confirmed in time" if hold.is_late(now) else hold.state,
            hold.why.case,
            _about(hold),
            f"{hold.placed.who} {hold.placed.at:%Y-%m-%d}",
            ", ".join(one.who for one in hold.confirmed),
            ", ".join(one.who for one in hold.released),
        )
        for hold in shown
    ]
    print_table(("hold", "state", "case", "about", "placed by", "confirmed by", "released by"), rows)


@command.command()
@click.argument("id", metavar="HOLD")
@json_option
@click.pass_obj
def show(home: Path, id: str, as_json: bool) -> None:
    """Show one hold, with how many entries it is over now."""
    from vanvault.recovery.holds import count_held, known_holds

    with open_archive(home) as archive, looking(archive, "count", {"hold": id}) as look:
        complete = catch_up(archive)
        hold = known_holds(archive).get(id)
        count = count_held(archive, hold) if hold.holds else 0
        now = archive.clock.now()
        look.shows(count=count)
    if as_json:
        emit_json({**hold.as_json(now), "over": count, "partial": not complete})
        return
    print_pairs([*_lines(hold, now), ("over", f"{count} entries")])


@command.command()
@json_option
@click.pass_obj
def keep(home: Path, as_json: bool) -> int:
    """Prolong the locks of what is held, as a serving node does. Ends with 3 where some failed."""
    from vanvault.recovery.holds import roll_locks

    with open_archive(home) as archive:
        catch_up(archive)
        done = roll_locks(archive)
    if as_json:
        emit_json(done.as_json())
    else:
        about = f"{done.holds} holds over {done.copies} copies of objects"
        click.echo(f"{about}; {done.extended} locks prolonged")
        for failure in done.failures:
            warn(failure)
    return ExitCode.CHECK_FAILED if done.failures else ExitCode.OK


def _over(archive: ArchiveReader, hold: Hold) -> int | None:
    """How many entries a hold is over now; None: not all can be read, which ends no hold."""
    from vanvault.archiver.core.errors import VanVaultError
    from vanvault.recovery.holds import count_held

    try:
        return count_held(archive, hold)
    except VanVaultError:
        return None


def _lines(hold: Hold, now: datetime) -> list[tuple[str, str]]:
    """What is known of a hold, for a terminal."""
    scope = hold.scope
    until = f"before {from_us(scope.to_us):%Y-%m-%d %H:%M}Z" if scope.to_us is not None else ""
    since = f"from {from_us(scope.from_us):%Y-%m-%d %H:%M}Z" if scope.from_us else ""
    said = [("placed", hold.placed), *(("confirmed", one) for one in hold.confirmed)]
    said += [("released", one) for one in hold.released]
    lines = [
        ("hold", hold.id),
        ("state", f"{hold.state}, not confirmed in time" if hold.is_late(now) else hold.state),
        ("in force", "yes" if hold.holds else "no"),
        ("case", hold.why.case),
        ("reason", hold.why.reason),
        ("authority", f"sha256 {hold.why.authority}" if hold.why.authority else ""),
        ("about", _about(hold)),
        *(("entry", id) for id in scope.entries),
        ("received", " ".join(filter(None, (since, until)))),
        ("to come", "held, too" if scope.future and not scope.entries else "not held"),
        *((did, f"{one.at:%Y-%m-%d %H:%M}Z by {one.who} {one.reason}".rstrip()) for did, one in said),
    ]
    return [(name, value) for name, value in lines if value]


def _tell(hold: Hold, now: datetime, as_json: bool, beside: Mapping[str, int | None] = NOTHING) -> None:
    if as_json:
        emit_json({**hold.as_json(now), **beside})
        return
    click.echo(f"{hold.id}: {hold.state}, {_about(hold)}")
    if beside.get("over") is not None:
        click.echo(f"It is over {beside['over']} entries now.")
    if hold.state == "placed":
        click.echo(f"In force. Within 72 hours another person confirms it: vanvault hold confirm {hold.id}")
    elif hold.state == "release-asked":
        click.echo("It is in force until one more person, who did not place it, releases it.")


def _about(hold: Hold) -> str:
    scope = hold.scope.filters
    if hold.scope.entries:
        return f"{len(hold.scope.entries)} entries"
    return " ".join(f"{name}={value}" for name, value in scope.items()) or "all that was received in a time"
