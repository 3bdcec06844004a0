"""One option for each field that a search knows, for the verbs that search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from vanvault.archiver.catalogue import Query

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive

#: Options of a verb that asks for what was received in some time.
TIMES = {
    "from": "Received at this time or later (RFC 3339, or a date: its midnight in search.time_zone).",
    "to": "Received before this time; of a date alone, before that day begins.",
    "during": "Received in this period, the whole of it: 03/2026, Q1/2026, 2026, 2026-03-31.",
}


def exact(archive: Archive, parameters: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters with exact times, dates being days of the archive's zone. Raises InvalidInput."""
    from vanvault.archiver.core.asked_times import exact_times

    return exact_times(parameters, archive.settings.search.calendar())


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
