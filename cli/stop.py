"""``vanvault stop``: end the nodes of a home on purpose, with the downtime on record before."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.cli.bounded import BoundedFloat
from vanvault.cli.output import emit_json, json_option, warn


@click.command()
@click.option("--reason", metavar="TEXT", help="What is done meanwhile; with --for. It goes on record.")
@click.option("--for", "lasts", metavar="SPAN", help="How long it may take, such as 30m or 2h.")
@click.option(
    "--wait",
    "wait_s",
    default=360.0,
    show_default=True,
    type=BoundedFloat(0, 3600),
    metavar="SECONDS",
    help="How long to wait for the nodes to drain and end.",
)
@json_option
@click.pass_obj
def command(home: Path, reason: str | None, lasts: str | None, wait_s: float, as_json: bool) -> ExitCode:
    """Stop the nodes of this home that run on this machine.

    With --reason and --for the downtime is announced first, as a planned window; without them it counts as
    unplanned. Ends with 3 when a node had not ended in time, with 0 when none runs.
    """
    from vanvault.archiver.core.times import parse_span
    from vanvault.recovery.availability import PlannedStop, stop_nodes
    from vanvault.recovery.work import account

    if (reason is None) != (lasts is None):
        raise click.UsageError("a planned stop has --reason and --for")
    planned = None
    if reason is not None and lasts is not None:
        planned = PlannedStop(reason, parse_span(lasts, "for"), account())
    done = stop_nodes(home, planned, wait_s=wait_s)
    if as_json:
        emit_json(done.as_json())
    elif not done.stopped and not done.left:
        click.echo("no node of this home runs here")
    elif done.window is not None:
        click.echo(f"planned until {done.window['to']} ({done.window['reason']}), on record")
    if done.stopped and not as_json:
        click.echo(f"stopped: {len(done.stopped)} node{'s' if len(done.stopped) > 1 else ''}")
    for pid in done.left:
        warn(f"process {pid} has not ended in time; it may still drain")
    return done.exit_code
