"""``vanvault clock``: how the clocks stand, and how an archive goes on after one that was ahead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.context import catch_up, open_archive
from vanvault.cli.output import emit_json, json_option, print_pairs

if TYPE_CHECKING:
    from vanvault.recovery.clock import ClockState


@click.group("clock")
def command() -> None:
    """Show the clocks of host and sites; go on after a clock that was ahead once.

    Nothing is archived before the time of what was archived last. A node that ran under a clock ahead leaves
    entries with times to come, and nothing is archived until then, or until somebody accepts them.
    """


@command.command("show")
@json_option
@click.pass_obj
def show_(home: Path, as_json: bool) -> ExitCode:
    """Show every clock, the latest time in the archive, and what was accepted.

    Ends with 3 when clocks disagree, or when entries have times to come that nobody accepted.
    """
    from vanvault.recovery.clock import show

    with open_archive(home) as archive:
        catch_up(archive)
        state = show(archive)
    if as_json:
        emit_json(state.as_json())
    else:
        print_pairs(_lines(state))
    return state.exit_code


@command.command("accept")
@click.option("--reason", required=True, metavar="TEXT", help="What happened, for the record.")
@click.option("--by", "who", default="", metavar="WHO", help="Who decides; by default your account.")
@click.option(
    "--approved-by",
    default="",
    metavar="WHO",
    help="Another person who agrees; required where failover.approval is on.",
)
@json_option
@click.pass_obj
def accept_(home: Path, reason: str, who: str, approved_by: str, as_json: bool) -> ExitCode:
    """Accept entries with times to come, on record, so that the archive goes on with the time of now.

    The clocks of host and sites must agree now: look at them with `vanvault clock show`, and compare them
    with a clock that you trust. No entry is changed.
    """
    from vanvault.recovery.clock import AcceptanceRequest, accept
    from vanvault.recovery.work import account

    with open_archive(home) as archive:
        catch_up(archive)
        done = accept(archive, AcceptanceRequest(reason, who or account(), approved_by))
    if as_json:
        emit_json(done.as_json())
    elif not done.writers:
        click.echo("nothing to accept: no entry has a time to come")
    else:
        click.echo(f"accepted: {len(done.writers)} writers had times to come. The archive goes on from now.")
    return done.exit_code


def _lines(state: ClockState) -> list[tuple[str, str]]:
    told = state.as_json()
    lines = [("host", str(told["now"]))]
    lines += [(name, time or "gives no time") for name, time in told["sites"].items()]
    lines.append(("clocks", state.verdict.detail))
    lines.append(("last archived", told["last_archived"] or "nothing yet"))
    for one in told["ahead"]:
        lines.append(("time to come", f"{one['until']} by writer {one['writer']}, not accepted"))
    for one in told["accepted"]:
        names = f"{one['who']}, approved by {one['approved_by']}" if one["approved_by"] else one["who"]
        lines.append(("accepted", f"{one['at']} by {names}: {one['reason']}"))
    return lines
