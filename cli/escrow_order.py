"""Options of the verbs that make keys which go into escrow as they are made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.keys import EscrowOrder

_F = TypeVar("_F", bound=Callable[..., object])


def escrow_options(verb: _F) -> _F:
    """``--escrow DIR --threshold K --shares N``."""
    verb = click.option("--shares", type=int, metavar="N", help="Shares to make, up to 16.")(verb)
    verb = click.option("--threshold", type=int, metavar="K", help="Shares that open the keys, from 2.")(verb)
    folder = click.Path(file_okay=False, path_type=Path)
    help = "Empty folder for the bundle and shares of an escrow that holds the new keys."
    return click.option("--escrow", type=folder, metavar="DIR", help=help)(verb)


def escrow_order(output: Path | None, threshold: int | None, shares: int | None) -> EscrowOrder | None:
    """What the options ask for. Raises InvalidInput when only some of them are given."""
    if output is None and threshold is None and shares is None:
        return None
    if output is None or threshold is None or shares is None:
        raise InvalidInput("--escrow, --threshold and --shares belong together.", field="escrow")
    return EscrowOrder(output, threshold, shares)
