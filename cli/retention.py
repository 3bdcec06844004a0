"""``vanvault retention``: until when something is kept, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_us
from vanvault.cli.context import catch_up, looking, open_archive
from vanvault.cli.lookup import found_case
from vanvault.cli.output import emit_json, json_option, print_table, shown, warn
from vanvault.cli.requester import requester_of


@click.group()
def command() -> None:
    """Say until when a transaction is kept, and by which rule."""


@command.command()
@click.argument("id", metavar="TRANSACTION|DOSSIER|ENTRY")
@click.option("--gateway", metavar="NAME", help="Whose transaction, where several have one of this id.")
@click.option("--lang", type=click.Choice(["en", "vi"]), default="en", show_default=True, help="Language.")
@json_option
@click.pass_obj
def show(home: Path, id: str, gateway: str | None, lang: str, as_json: bool) -> None:
    """Explain what is owed for a transaction: the rule, what started it, the last day, the lock that stands.

    Takes the id of a transaction, a dossier number, or the archive's id of an entry, whose transaction is
    shown. Days are Vietnam's.
    """
    from vanvault.archiver.core.retention import source_in
    from vanvault.recovery.retention import retention_of

    asked = {"retention_of": id, "gateway": gateway}
    with open_archive(home) as archive, looking(archive, "timeline", asked) as look:
        complete = catch_up(archive)
        case = found_case(archive, id, gateway or "")
        told = retention_of(archive, case)
        look.shows(case.ids)
    for object in told.unread:
        warn(f"{object} could not be read: entries of the transaction may be missing")
    if as_json:
        emit_json({**told.as_json(), "partial": bool(told.unread) or not complete})
        return
    for sentence in told.sentences(lang):
        click.echo(shown(sentence))
    click.echo(shown(source_in(told.clause, lang)))


@command.command("open")
@click.option(
    "--older-than",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Days since the first entry; else as the setting says.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Name so many at most."
)
@click.option("--after", default="", metavar="NEXT", help="Name those that follow: next of the list before.")
@json_option
@click.pass_obj
def open_(home: Path, older_than: int | None, limit: int, after: str, as_json: bool) -> int:
    """List transactions that have been open for longer than a setting allows, the oldest first.

    Nothing of them ever becomes due. All logs are read, which takes minutes for years of entries; without
    --older-than the counts go on record, and vanvault status tells them. Ends with 3 where something could
    not be read.
    """
    from vanvault.recovery.retention import open_transactions

    asked = {"open_transactions": str(older_than) if older_than is not None else ""}
    asked |= {"after": after} if after else {}
    with open_archive(home) as archive, looking(archive, "search", asked) as look:
        complete = catch_up(archive)
        found = open_transactions(archive, older_than=older_than, most=limit, after=after)
        look.shows([one.entry for one in found.named])
    for object in found.unread:
        warn(f"{object}: could not be read, so the list may be wrong")
    if as_json:
        emit_json({**found.as_json(), "partial": bool(found.unread) or not complete})
    else:
        for one in found.named:
            told = f"{one.transaction or one.entry} of {one.gateway}: {one.why}, {one.entries} entries"
            click.echo(shown(f"{told} from {rfc3339_us(one.first_us)} to {rfc3339_us(one.last_us)}"))
        click.echo(
            f"{found.count} transactions, and {found.alone} entries of none, have been open for more than"
            f" {found.older_than_days} days"
        )
        if found.more:
            again = f" --older-than {older_than}" if older_than is not None else ""
            warn(f"{found.more} more are there; see: vanvault retention open{again} --after {found.next}")
    return ExitCode.OK if complete and not found.unread else ExitCode.CHECK_FAILED


@command.command()
@click.option("--profile", required=True, metavar="NAME", help="The profile that is to be in force.")
@click.option(
    "--originals-years", type=click.IntRange(1, 200), metavar="N", help="Another period for originals."
)
@click.option("--in-force", is_flag=True, help="Put it in force, on record; with --reason.")
@click.option("--reason", default="", metavar="TEXT", help="Why; it goes on record.")
@json_option
@click.pass_obj
def change(home: Path, /, as_json: bool, **given: Any) -> int:
    """Show what another retention profile would do to what is archived; with --in-force, put it in force.

    One that asks for less needs the approval of others, whatever the table of acts says. No lock is ever
    shortened. The settings of each node must then name the same profile. Ends with 3 where something could
    not be read, and with 12 where others must approve first.
    """
    from vanvault.recovery.retention import plan_change, put_in_force

    with open_archive(home) as archive:
        complete = catch_up(archive)
        plan = plan_change(archive, given["profile"], given["originals_years"])
        for object in plan.unread:
            warn(f"{object}: could not be read, so the effect is not known whole")
        if given["in_force"]:
            put_in_force(archive, plan, requester_of(archive), given["reason"])
    if as_json:
        emit_json({**plan.as_json(), "in_force": given["in_force"], "partial": not complete})
    else:
        for line in plan.sentences():
            click.echo(shown(line))
        if given["in_force"]:
            click.echo(f"{plan.after.name} is in force; name it in the settings of each node")
    return ExitCode.OK if complete and not plan.unread else ExitCode.CHECK_FAILED


@command.command()
@json_option
@click.pass_obj
def report(home: Path, as_json: bool) -> int:
    """Tell why everything is kept that is archived, by reason and duty: counts, and nothing of its contents.

    What nothing keeps any more waits for a disposal. All logs are read, which takes minutes for years of
    entries. Ends with 3 where something could not be read.
    """
    from vanvault.recovery.standings import kept_data

    with open_archive(home) as archive, looking(archive, "count", {"kept_data": ""}) as look:
        complete = catch_up(archive)
        kept = kept_data(archive)
        look.shows(count=sum(line.entries for line in kept.lines))
    for segment in kept.unread:
        warn(f"{segment}: could not be read whole, and is not counted")
    if as_json:
        emit_json({**kept.as_json(), "partial": bool(kept.unread) or not complete})
        return ExitCode.OK if complete and not kept.unread else ExitCode.CHECK_FAILED
    rows = [
        (
            line.reason,
            line.duty,
            str(line.entries),
            str(line.transactions),
            str(line.insured),
            str(line.bytes),
            line.last_day.isoformat() if line.last_day else "",
        )
        for line in kept.lines
    ]
    print_table(("reason", "duty", "entries", "transactions", "insured", "bytes", "last end"), rows)
    for id, state in kept.disposals:
        click.echo(shown(f"disposal {id}: {state}"))
    return ExitCode.OK if complete and not kept.unread else ExitCode.CHECK_FAILED


@command.command()
@json_option
@click.pass_obj
def keep(home: Path, as_json: bool) -> int:
    """Prolong the locks of segments that are needed longer than they last, as a serving node does.

    Ends with 3 where a lock could not be prolonged, something could not be read, or a lock is about to end.
    """
    from vanvault.recovery.retention import keep_clocks

    with open_archive(home) as archive:
        complete = catch_up(archive)
        done = keep_clocks(archive)
    if as_json:
        emit_json(done.as_json())
    else:
        for line in (*done.failures, *(f"a lock is about to end: {one}" for one in done.ending)):
            warn(line)
        click.echo(
            f"{done.segments} segments whose locks end within 180 days: {done.open} with something open,"
            f" {done.extended} locks prolonged"
        )
    return ExitCode.OK if complete and not done.failures and not done.ending else ExitCode.CHECK_FAILED
