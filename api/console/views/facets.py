"""Counts of a question's entries by fields with few values, and links that narrow or widen it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vanvault.api.console.sealed_question import AskedFields
from vanvault.archiver.catalogue import By

#: The fields, in the order of the page.
FACETS: tuple[By, ...] = ("entry", "kind", "procedure", "state", "gateway")
_MOST_VALUES = 12  # of one field; the most frequent ones


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value and how many of the entries have it."""

    value: str  # "": the field is empty
    entries: int
    link: str  # the question with this value besides; "": an empty field cannot be searched for


@dataclass(frozen=True, slots=True)
class Facet:
    """One field: what is asked of it, or which values there are."""

    field: str
    asked: str  # the value that the question has; "": none
    without: str  # the address of the question without it
    values: tuple[FacetValue, ...]
    others: int  # values that are not listed


@dataclass(frozen=True, slots=True)
class Facets:
    """All of them. ``whole``: of everything that the question finds; else of the entries on the page."""

    whole: bool
    fields: tuple[Facet, ...]


def facets_of(
    counts: Mapping[str, Mapping[str, int]],
    question: AskedFields,
    address: Callable[[AskedFields], str],
    *,
    whole: bool,
) -> Facets:
    """The facets of a question.

    Args:
        counts: entries by value, by field; a field that is missing is not shown.
        address: the address of a question.
    """
    return Facets(
        whole, tuple(_facet(name, counts[name], question, address) for name in FACETS if name in counts)
    )


def counts_on_page(items: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, int]]:
    """How often each value is among these entries, by field; a field that may not be seen is left out."""
    listed = list(items)
    return {
        name: Counter(str(item[name]) for item in listed)
        for name in FACETS
        if all(name in item for item in listed)
    }


def _facet(
    name: str, counts: Mapping[str, int], question: AskedFields, address: Callable[[AskedFields], str]
) -> Facet:
    asked = next((value for field, value in question if field == name), "")
    others = [one for one in question if one[0] != name]
    if asked:
        return Facet(name, asked, address(others or [("order", "newest")]), (), 0)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    values = tuple(
        FacetValue(value, entries, address([*question, (name, value)]) if value else "")
        for value, entries in ranked[:_MOST_VALUES]
    )
    return Facet(name, "", "", values, max(0, len(ranked) - _MOST_VALUES))
