"""``vanvault serve``: one node."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal

import click

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.machine import raise_limit
from vanvault.cli.bounded import BoundedFloat
from vanvault.cli.context import DEFAULT_HOST, DEFAULT_PORT
from vanvault.cli.loading import loading
from vanvault.cli.output import json_option


@click.command()
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Its port.",
)
@click.option(
    "--grace",
    default=0.0,
    show_default=True,
    type=BoundedFloat(0, 300),
    metavar="SECONDS",
    help="At the end, say 'not ready' for so long while work is still taken.",
)
@json_option
@click.pass_obj
def command(home: Path, host: str, port: int, grace: float, as_json: bool) -> None:
    """Run one node until SIGTERM or SIGINT, draining first.

    The log goes to stderr, in the form that log.format says; with --json it is JSON, one object on a line.
    """
    with loading():
        from vanvault.api import run

    def check_address() -> None:
        _check_free(host, port)

    log_format: Literal["json"] | None = "json" if as_json else None
    run(home, host=host, port=port, grace_s=grace, log_format=log_format, before_serving=check_address)


def _check_free(host: str, port: int) -> None:
    """Raise InvalidInput when nothing can listen at this address now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(
            f"cannot listen at {host} port {port}: {error.strerror}",
            field="port",
            hint="Stop what listens there, or choose another --port.",
        ) from error
