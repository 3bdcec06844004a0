"""``vanvault serve``: one node."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import click
import structlog

from vanvault.archiver.errors import InvalidInput
from vanvault.cli.context import DEFAULT_HOST, DEFAULT_PORT
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
    type=click.FloatRange(0, 300),
    metavar="SECONDS",
    help="At the end, say 'not ready' for so long before the sockets close.",
)
@json_option
@click.pass_obj
def command(home: Path, host: str, port: int, grace: float, as_json: bool) -> None:
    """Run one node until SIGTERM or SIGINT, draining first.

    The log goes to stderr; with --json it is JSON, one object on a line.
    """
    _check_free(host, port)
    _configure_log(as_json)
    from vanvault.api.server import run

    structlog.get_logger("vanvault.cli").info("serving", home=str(home), host=host, port=port)
    run(home, host=host, port=port, grace_s=grace)


def _check_free(host: str, port: int) -> None:
    """Say clearly, before anything is opened, that the address cannot be had. Raises InvalidInput."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise InvalidInput(
            f"cannot listen at {host} port {port}: {error.strerror}",
            field="port",
            hint="Stop what listens there, or choose another --port.",
        ) from error


def _configure_log(as_json: bool) -> None:
    form: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        # Plain tracebacks: the rich ones show local variables, which hold messages.
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *form,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
