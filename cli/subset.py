"""``--subset N/T``: the part of the archive that a verb reads. ``--share`` is its old name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from vanvault.cli.output import warn

_F = TypeVar("_F", bound=Callable[..., Any])


def subset_option(help: str, *, default: str = "1/1") -> Callable[[_F], _F]:
    """``--subset``, passed to the verb as ``subset``; the old ``--share`` is taken with a warning."""

    def old(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            warn("--share is called --subset now; a share is a part of a key in escrow")
        return value

    def add(command: _F) -> _F:
        command = click.option(
            "--share", "old_subset", hidden=True, callback=old, metavar="N/T", help="Old name of --subset."
        )(command)
        return click.option("--subset", default=default, show_default=True, metavar="N/T", help=help)(command)

    return add
