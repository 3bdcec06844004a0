"""One option for each field that a search knows, for the verbs that search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from vanvault.archiver.catalogue import Query


def query_options(others: Mapping[str, str]) -> Callable[[Any], Any]:
    """``--<field> VALUE`` for every search field and for ``others`` (name to help), as ``query_<name>``."""
    texts = {name: f"Only this {name.replace('_', ' ')}." for name in Query.FIELDS}
    texts |= {Query.PREFIX_FIELD: "Only dossier numbers that begin so; 3 characters or more.", **others}

    def decorate(command: Any) -> Any:
        for name, text in reversed(texts.items()):
            option = "--" + name.replace("_", "-")
            command = click.option(option, f"query_{name}", metavar="VALUE", help=text)(command)
        return command

    return decorate
