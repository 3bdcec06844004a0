"""Options and client of the verbs that speak to a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vanvault.archiver.core.errors import VanVaultError
from vanvault.cli.bounded import LONGEST_WAIT_S, BoundedFloat
from vanvault.cli.client import DEFAULT_WAIT_S, ApiClient, Retrying
from vanvault.cli.context import DEFAULT_URL
from vanvault.cli.credentials import bearer_token
from vanvault.cli.output import human_duration, warn

_F = TypeVar("_F", bound=Callable[..., Any])

DEFAULT_JOBS = 8


def url_option(command: _F) -> _F:
    """``--url``, where the server listens."""
    return click.option(
        "--url", envvar="VANVAULT_URL", default=DEFAULT_URL, show_default=True, show_envvar=True,
        help="Where the server listens.",
    )(command)  # fmt: skip


def ca_file_option(command: _F) -> _F:
    """``--ca-file``, for a server behind TLS whose authority the system does not know."""
    return click.option(
        "--ca-file",
        envvar="VANVAULT_CA_FILE",
        show_envvar=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="PEM file of the authority that issued the server's certificate. Else: the system's.",
    )(command)


def delivery_options(command: _F) -> _F:
    """``--token-file``, ``--ca-file``, ``--wait`` and ``--jobs``."""
    for option in (
        click.option(
            "--jobs",
            default=DEFAULT_JOBS,
            show_default=True,
            type=click.IntRange(1, 256),
            help="Requests at once.",
        ),
        click.option(
            "--wait",
            default=DEFAULT_WAIT_S,
            show_default=True,
            type=BoundedFloat(0, LONGEST_WAIT_S),
            metavar="SECONDS",
            help="How long a request is repeated while the server is busy or away.",
        ),
        ca_file_option,
        click.option(
            "--token-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File that holds the gateway's token. Else: VANVAULT_TOKEN, _FILE or _COMMAND.",
        ),
    ):
        command = option(command)
    return command


def server_options(command: _F) -> _F:
    """All of them."""
    return url_option(delivery_options(command))


def connect(url: str, token_file: Path | None, ca_file: Path | None, wait: float, jobs: int) -> ApiClient:
    """The client that these options describe. Raises InvalidInput."""

    def tell(error: VanVaultError) -> None:
        warn(f"{error.message}; trying again for {human_duration(wait)}")

    return ApiClient(
        url,
        bearer_token(token_file),
        retrying=Retrying(wait_s=wait, on_wait=tell),
        connections=jobs,
        ca_file=ca_file,
    )
