"""``vanvault account session``: who is signed on, from where; and how a session is ended from outside."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.account_desk import desk_of
from vanvault.cli.context import catch_up
from vanvault.cli.output import emit_json, json_option, print_table


@click.group()
def session() -> None:
    """List the sessions of people that are open, or end some."""


@session.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@click.pass_obj
def list_sessions(home: Path, names: tuple[str, ...], as_json: bool) -> None:
    """List the open sessions of the named accounts, or of all: since when, last use, how, from where.

    Nodes tell of a session's use every few minutes: the last use may be later than is shown.
    """
    from vanvault.recovery.accounts import current_accounts
    from vanvault.recovery.sign_on import current_sessions

    with desk_of(home, as_json) as desk:
        catch_up(desk.archive)
        accounts = current_accounts(desk.archive)
        ids = {accounts.get(name).id for name in names}
        found = [one for one in current_sessions(desk.archive) if not names or one.session.account in ids]
    if as_json:
        emit_json({"sessions": [one.as_json() for one in found]})
        return
    rows = [
        (
            one.account,
            one.session.id,
            rfc3339_seconds(one.session.opened),
            rfc3339_seconds(one.used),
            one.session.method,
            one.address,
        )
        for one in found
    ]
    print_table(("account", "session", "since", "last use", "method", "address"), rows)


@session.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME|ID...")
@json_option
@click.pass_obj
def end(home: Path, names: tuple[str, ...], as_json: bool) -> None:
    """End all sessions of an account, or one by its id; all nodes refuse it within seconds.

    The account may sign on again: to keep somebody out, suspend the account.
    """
    from vanvault.recovery.sign_on import end_sessions

    with desk_of(home, as_json) as desk:
        ended = end_sessions(desk, names)
    if as_json:
        emit_json({"ended": [one.as_json() for one in ended]})
        return
    for one in ended:
        click.echo(f"{one.account}: {one.session.id} is over.")
    if not ended:
        click.echo("No session was open; whatever was opened before now is over.")
