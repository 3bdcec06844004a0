"""``vanvault account token``: short-lived tokens with which people, or programs of theirs, call the API."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vanvault.archiver.core.times import parse_span, rfc3339_seconds
from vanvault.cli.account_desk import desk_of
from vanvault.cli.context import catch_up
from vanvault.cli.output import emit_json, json_option, print_table, warn

if TYPE_CHECKING:
    from vanvault.archiver.people.tokens import PersonToken


@click.group()
def token() -> None:
    """Give an account a token for the API, list its tokens, or take one away."""


@token.command("add")
@click.argument("name")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    metavar="PERMISSION",
    help="What the token is good for; once for each. Without it: all that it may be and the account has.",
)
@click.option("--for", "life", default="12h", show_default=True, metavar="TIME", help="Its life, up to 30d.")
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="CIDR",
    help="The token is good from there only; once for each network.",
)
@json_option
@click.pass_obj
def add(
    home: Path,
    name: str,
    permissions: tuple[str, ...],
    life: str,
    networks: tuple[str, ...],
    as_json: bool,
) -> None:
    """Give an account one more token; it is shown this once and kept nowhere.

    It permits nothing that the account may not do at the moment of a request. No token approves anything or
    manages accounts. It goes on record in the archive, its digest sealed, so a site must answer.
    """
    from vanvault.archiver.people.tokens import TokenWish
    from vanvault.recovery.person_tokens import add_person_token

    wish = TokenWish(permissions, parse_span(life, "for", least=timedelta(minutes=1)), networks)
    with desk_of(home, as_json) as desk:
        made = add_person_token(desk, name, wish)
    if as_json:
        emit_json(
            {
                "account": name,
                "token": made.secret,
                "token_id": made.id,
                "permissions": list(made.permissions),
                "not_after": rfc3339_seconds(made.not_after),
            }
        )
        return
    click.echo(f"Token:   {made.secret}")
    click.echo(f"Id:      {made.id}, good until {rfc3339_seconds(made.not_after)}")
    click.echo(f"Good for {', '.join(made.permissions)}, as far as {name} may do that at the time.")


@token.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Show those that are over or removed, too.")
@json_option
@click.pass_obj
def list_tokens(home: Path, names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """List the tokens of the named accounts, or of all: for what, until when, from where, given by whom.

    What is over or was removed is left out, but for --all.
    """
    from vanvault.recovery.accounts import current_accounts
    from vanvault.recovery.person_tokens import person_tokens

    with desk_of(home, as_json) as desk:
        archive = desk.archive
        catch_up(archive)
        accounts, held = current_accounts(archive), person_tokens(archive, everything=everything)
        now = archive.clock.now()
    for part in held.lacking:
        warn(f"a part of the record of tokens cannot be read: {part}")
    ids = {accounts.get(name).id for name in names}
    found: list[tuple[str, PersonToken]] = []
    for one in held:
        holder = accounts.of_id(one.account)
        if (everything or one.state(now) in ("good", "early")) and (one.account in ids or not names):
            found.append((holder.name if holder else one.account, one))
    if as_json:
        told = [{"account": name, **one.as_json(now)} for name, one in found]
        emit_json({"tokens": told, "lacking": list(held.lacking)})
        return
    rows = [
        (
            name,
            one.id,
            one.state(now),
            rfc3339_seconds(one.not_after),
            ", ".join(sorted(one.permissions)),
            ", ".join(map(str, one.networks)),
            one.who,
        )
        for name, one in found
    ]
    print_table(("account", "token", "state", "until", "good for", "networks", "given by"), rows)


@token.command("remove")
@click.argument("name")
@click.argument("token_id")
@json_option
@click.pass_obj
def remove(home: Path, name: str, token_id: str, as_json: bool) -> None:
    """Take one token away, by its id; every node refuses it within seconds."""
    from vanvault.recovery.person_tokens import remove_person_token

    with desk_of(home, as_json) as desk:
        removed = remove_person_token(desk, name, token_id)
    if as_json:
        emit_json({"account": name, "token_id": token_id, "removed": True, "already": not removed})
    elif removed:
        click.echo(f"{name}: {token_id} is not good any more.")
    else:
        click.echo(f"{name}: {token_id} was removed already; nothing was done.")
