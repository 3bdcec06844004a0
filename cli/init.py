"""``vanvault init``: a new home."""

from __future__ import annotations

from pathlib import Path

import click

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.settings import KeysSettings, Pkcs11Settings
from vanvault.cli.escrow_order import escrow_options, escrow_order
from vanvault.cli.output import emit_json, json_option, warn


@click.command()
@click.option(
    "--primary", default="file:sites/primary", show_default=True, metavar="URL", help="The first site."
)
@click.option(
    "--standby", default="file:sites/standby", show_default=True, metavar="URL", help="The second site."
)
@click.option("--gateway", default="gateway-1", show_default=True, metavar="NAME", help="The first gateway.")
@click.option(
    "--pkcs11-module", metavar="PATH", help="Make the master keys on a token: path of its PKCS#11 library."
)
@click.option("--token-label", metavar="NAME", help="Label of that token.")
@click.option("--pin-file", metavar="FILE", help="File with the token's user PIN, mode 0600.")
@click.option("--pin-command", metavar="COMMAND", help="Command that prints the token's user PIN.")
@click.option(
    "--demo", is_flag=True, help="Make a demonstration, for ever: links sign on there, on this host only."
)
@escrow_options
@json_option
@click.pass_obj
def command(
    home: Path,
    primary: str,
    standby: str,
    gateway: str,
    pkcs11_module: str | None,
    token_label: str | None,
    pin_file: str | None,
    pin_command: str | None,
    demo: bool,
    escrow: Path | None,
    threshold: int | None,
    shares: int | None,
    as_json: bool,
) -> None:
    """Make a home: settings, keys, two sites and a first gateway.

    A site's URL is file:PATH, relative to the home, or s3+http(s)://HOST:PORT/BUCKET; the credentials of
    an S3 site come from the environment. The gateway's token is shown once and kept nowhere.

    Master keys are files under keys/, or on a PKCS#11 token that keeps them to itself; those go into escrow
    now (--escrow) or never.
    """
    from vanvault.archiver.appliance import init_home
    from vanvault.archiver.stores import sites_together
    from vanvault.recovery.work import account

    order = escrow_order(escrow, threshold, shares)
    keys = _keys(pkcs11_module, token_label, pin_file, pin_command, escrowable=order is not None)
    token = init_home(
        home,
        primary=primary,
        standby=standby,
        gateway=gateway,
        keys=keys,
        escrow=order,
        who=account(),
        demo=demo,
    )
    together = sites_together(home, primary, standby)
    if together:
        warn(f"{together}, and may be lost together: put the standby on another machine")
    if as_json:
        emit_json({"gateway": gateway, "token": token})
        return
    click.echo(f"{home} is a VanVault home now.")
    click.echo(f"Gateway: {gateway}")
    click.echo(f"Token:   {token}")
    if keys.provider == "files":
        click.echo(
            "The token is shown this once. Without the folder keys/ the archive cannot be read: put it"
        )
        click.echo(f"in escrow (vanvault --home {home} keys escrow split).")
    elif order is not None:
        click.echo(f"It is shown this once. The only escrow of the masters is in {order.output}: print the")
        click.echo("shares, try them (vanvault keys escrow verify), then remove them from this disk.")
    else:
        click.echo(
            "It is shown this once. The masters are on the PKCS#11 token and in no escrow: without that"
        )
        click.echo("token the archive cannot be read. Back it up by its maker's means.")
    click.echo(f"Next: vanvault --home {home} serve")


def _keys(
    module: str | None, label: str | None, pin_file: str | None, pin_command: str | None, *, escrowable: bool
) -> KeysSettings:
    if module is None:
        if label or pin_file or pin_command:
            raise InvalidInput("Options of a token need --pkcs11-module.", field="pkcs11-module")
        return KeysSettings()
    return KeysSettings(
        provider="pkcs11",
        pkcs11=Pkcs11Settings(
            module=module,
            token_label=label,
            pin_file=pin_file and str(Path(pin_file).resolve()),
            pin_command=pin_command,
            escrowable=escrowable,
        ),
    )
