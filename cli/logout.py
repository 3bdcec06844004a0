"""``vanvault logout``: the session of this command line ends, at every node."""

from __future__ import annotations

from contextlib import suppress

import click

from vanvault.archiver.core.errors import AccessDenied
from vanvault.cli.output import emit_json, json_option
from vanvault.cli.signed_on import forget_session, kept_session


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Sign off at the node that the session is from; all nodes refuse it within seconds.

    Where that node does not answer, the session is kept and goes on: run it again.
    """
    from vanvault.cli.login import session_client

    kept = kept_session()
    if kept is not None:
        with session_client(kept) as client, suppress(AccessDenied):  # it was over before
            client.ask("DELETE", "/v1/session")
        forget_session()
    if as_json:
        emit_json({"account": "" if kept is None else kept.account, "already": kept is None})
    elif kept is None:
        click.echo("Nobody is signed on here; nothing was done.")
    else:
        click.echo(f"{kept.account} is signed off.")
