"""``vanvault account demo-link``: signs a person on at a demonstration, once, in a browser of this host."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.account_desk import desk_of
from vanvault.cli.connection import url_option
from vanvault.cli.output import emit_json, json_option


@click.command("demo-link")
@click.argument("name")
@url_option
@json_option
@click.pass_obj
def demo_link(home: Path, name: str, url: str, as_json: bool) -> None:
    """Print a link that signs a person on at the console of a demonstration, once, within 15 minutes.

    Only a home that was made with init --demo has such links, and only a node that listens on the loopback
    takes them.
    """
    from vanvault.recovery.sign_on import make_demo_link

    with desk_of(home, as_json) as desk:
        made = make_demo_link(desk, name)
    link = f"{url.rstrip('/')}/console/demo?link={made.secret}"
    if as_json:
        emit_json({"account": name, "link": link, "id": made.id, "until": rfc3339_seconds(made.until)})
        return
    click.echo(link)
    click.echo(f"It signs {name} on once, until {rfc3339_seconds(made.until)}.", err=True)
