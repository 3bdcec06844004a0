"""``vanvault init``: a new home."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.cli.output import emit_json, json_option


@click.command()
@click.option(
    "--primary", default="file:sites/primary", show_default=True, metavar="URL", help="The first site."
)
@click.option(
    "--standby", default="file:sites/standby", show_default=True, metavar="URL", help="The second site."
)
@click.option("--gateway", default="gateway-1", show_default=True, metavar="NAME", help="The first gateway.")
@json_option
@click.pass_obj
def command(home: Path, primary: str, standby: str, gateway: str, as_json: bool) -> None:
    """Make a home: settings, keys, two sites and a first gateway.

    A site's URL is file:PATH, relative to the home, or s3+http(s)://HOST:PORT/BUCKET; the credentials of
    an S3 site come from the environment. The gateway's token is shown once and kept nowhere.
    """
    from vanvault.archiver.archive import init_home

    token = init_home(home, primary=primary, standby=standby, gateway=gateway)
    if as_json:
        emit_json({"gateway": gateway, "token": token})
        return
    click.echo(f"{home} is a VanVault home now.")
    click.echo(f"Gateway: {gateway}")
    click.echo(f"Token:   {token}")
    click.echo("The token is shown this once. Without the folder keys/ the archive cannot be read: put it in")
    click.echo(f"escrow (vanvault --home {home} keys escrow split). Next: vanvault --home {home} serve")
