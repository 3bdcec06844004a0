"""``vanvault account breakglass``: sealed credentials for the day when nobody can sign on otherwise."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.account_desk import desk_of
from vanvault.cli.connection import ca_file_option, url_option
from vanvault.cli.context import catch_up
from vanvault.cli.output import emit_json, json_option, print_table

#: A node hears of a new credential within seconds; so often the drill asks, and so long it waits between.
_TRIES, _BETWEEN_S = 4, 2.0


@click.group()
def breakglass() -> None:
    """Sealed break-glass credentials: seal, list, remove; review a use; drill.

    One signs its person on without the identity provider, a password or a code, once, with the roles that the
    account has on record. Its use is an error of status until somebody else has reviewed it, within a day.
    """


@breakglass.command()
@click.argument("name")
@json_option
@click.pass_obj
def seal(home: Path, name: str, as_json: bool) -> None:
    """Make the credential of a person's account; its secret is shown this once, for an envelope.

    The one before is good no more.
    """
    from vanvault.recovery.sign_on import seal_break_glass

    with desk_of(home, as_json) as desk:
        made = seal_break_glass(desk, name)
    if as_json:
        emit_json({"account": name, "credential": made.id, "secret": made.secret})
        return
    click.echo(f"Secret: {made.secret}")
    click.echo(f"Id:     {made.id}. Put the secret into an envelope for {name}; it is shown this once.")
    click.echo(f"To use it: vanvault login {name} --break-glass")


@breakglass.command("list")
@json_option
@click.pass_obj
def list_(home: Path, as_json: bool) -> None:
    """List credentials and what became of each, and uses with their reviews."""
    from vanvault.recovery.sign_on import read_break_glass

    with desk_of(home, as_json) as desk:
        catch_up(desk.archive)
        record = read_break_glass(desk.archive)
    credentials = [one for one in record.credentials if not one.test]
    if as_json:
        uses = [one.as_json() for one in record.uses]
        emit_json({"credentials": [one.as_json() for one in credentials], "uses": uses})
        return
    rows = [(one.name, one.id, one.state, rfc3339_seconds(one.at)) for one in credentials]
    print_table(("account", "credential", "state", "sealed"), rows)
    used = [
        (
            one.name,
            one.id,
            rfc3339_seconds(one.at),
            one.address,
            one.reviewed_by or f"due {rfc3339_seconds(one.review_due)}",
        )
        for one in record.uses
    ]
    if used:
        print_table(("account", "use", "at", "from", "review"), used)


@breakglass.command()
@click.argument("name")
@json_option
@click.pass_obj
def remove(home: Path, name: str, as_json: bool) -> None:
    """Take the credential of an account away; nodes refuse it within seconds."""
    from vanvault.recovery.sign_on import remove_break_glass

    with desk_of(home, as_json) as desk:
        gone = remove_break_glass(desk, name)
    if as_json:
        emit_json({"account": name, "credential": gone.id if gone else "", "already": gone is None})
    elif gone is None:
        click.echo(f"{name} has no sealed credential; nothing was done.")
    else:
        click.echo(f"{name}: {gone.id} is not good any more.")


@breakglass.command()
@click.argument("use")
@click.option("--by", required=True, metavar="NAME", help="Account of who looked at it: not of who used it.")
@click.option("--note", default="", help="What was found, in a few words.")
@json_option
@click.pass_obj
def review(home: Path, use: str, by: str, note: str, as_json: bool) -> None:
    """Put on record that somebody else has looked at a use: why it was needed, and what was done."""
    from vanvault.recovery.sign_on import review_break_glass

    with desk_of(home, as_json) as desk:
        reviewed = review_break_glass(desk, use, by, note)
    if as_json:
        emit_json({"use": use, "account": reviewed.name, "by": by})
        return
    click.echo(f"{use}: the use by {reviewed.name} was reviewed by {by}.")


@breakglass.command()
@click.argument("name")
@url_option
@ca_file_option
@json_option
@click.pass_obj
def drill(home: Path, name: str, url: str, ca_file: Path | None, as_json: bool) -> int:
    """Try at a running node whether the envelope of an account would open it, without opening it.

    A test credential is sealed, tried, and taken away; it opens no session. Ends with 3 when it failed.
    """
    from vanvault.cli.login import client_of
    from vanvault.recovery.sign_on import drill_break_glass

    def tried(account: str, secret: str) -> dict[str, Any]:
        with client_of(url, ca_file) as client:
            for left in reversed(range(_TRIES)):
                try:
                    asked = {"account": account, "secret": secret}
                    return client.ask("POST", "/v1/session/break-glass", asked)
                except AccessDenied:
                    if not left:
                        raise
                    time.sleep(_BETWEEN_S)
        raise AssertionError("the last try raises")

    with desk_of(home, as_json) as desk:
        why = drill_break_glass(desk, name, tried)
    if as_json:
        emit_json({"account": name, "passed": not why, "why": why})
    else:
        click.echo(f"{name}: the envelope would work." if not why else f"{name}: failed: {why}")
    return ExitCode.OK if not why else ExitCode.CHECK_FAILED
