"""The times that a request asks for, made exact before anything else reads them, and put on record so."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from vanvault.api.context import node_of
from vanvault.api.looks import asks, parsed
from vanvault.archiver.core.asked_times import exact_times


def exactly_asked(request: Request, given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters, dates being days of the archive's zone (``search.time_zone``). Raises InvalidInput."""
    zone = node_of(request).archive.settings.search.calendar()
    exact = parsed(request, lambda: exact_times(given, zone))
    asks(request, {**dict(given), **dict(exact)})
    return exact
