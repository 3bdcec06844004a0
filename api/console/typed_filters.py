"""Typed filters of the access log, one line: ``actor:lan action:search created:2026-01-01..``. Pure.

Each is a parameter of ``/v1/access`` by the name that people type; the API's own names are taken as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vanvault.archiver.core.asked_times import days_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.looks import ACTS, OUTCOMES

#: Filter -> parameter. ``created`` becomes ``from`` and ``to``.
FILTERS: Mapping[str, str] = {
    "actor": "who",
    "action": "act",
    "object": "message",
    "employer": "employer",
    "outcome": "outcome",
    "created": "during",
}
_CHOICES = {"act": ACTS, "outcome": OUTCOMES}
_OWN_NAMES = {parameter: parameter for parameter in FILTERS.values()}
_PART = re.compile(r'\s*([a-z]{1,20}):(?:"([^"]{1,300})"|([^\s"]{1,300}))(?=\s|$)')
MOST_TEXT = 1000
_HINT = 'Write such as: actor:lan action:search created:03/2026. A value with spaces stands in "".'


def typed_filters(text: str) -> dict[str, str]:
    """The parameters of a line; ``from`` and ``to`` are dates, of which ``to`` is the first day after.

    Raises InvalidInput: the line is too long, a filter is not known, given twice or without a good value.
    """
    line, found, at = text.strip(), dict[str, str](), 0
    if len(line) > MOST_TEXT:
        raise InvalidInput(f"the filters have more than {MOST_TEXT} characters", field="filters")
    while at < len(line):
        match = _PART.match(line, at)
        if match is None:
            raise InvalidInput("a part of the line is no filter", field="filters", hint=_HINT)
        name = FILTERS.get(match[1]) or _OWN_NAMES.get(match[1])
        if name is None:
            known = ", ".join(FILTERS)
            raise InvalidInput(f"there is no filter {match[1]}", field="filters", hint=f"Known: {known}.")
        if name in found:
            raise InvalidInput(f"the filter {match[1]} is given twice", field="filters")
        found[name] = match[2] or match[3]
        at = match.end()
    for name, choices in _CHOICES.items():
        if found.get(name, choices[0]) not in choices:
            raise InvalidInput(f"{name} is one of {', '.join(choices)}", field="filters")
    if "message" in found and "employer" in found:
        raise InvalidInput("object and employer do not go together", field="filters")
    during = found.pop("during", "")
    return {**found, **(_times(during) if during else {})}


def _times(during: str) -> dict[str, str]:
    """A period whose begin or end may be left open."""
    begin, dots, end = during.partition("..")
    if dots and not begin and not end:
        raise InvalidInput("created has neither a begin nor an end", field="filters", hint=_HINT)
    if not dots or (begin and end):
        days = days_of(during, field="filters")
        return {"from": days.first.isoformat(), "to": days.after.isoformat()}
    days = days_of(begin or end, field="filters")
    return {"from": days.first.isoformat()} if begin else {"to": days.after.isoformat()}
