"""Overlapping spans into one timeline. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

#: (start, end, value): the value holds from start to before end.
Span = tuple[int, int, int]


def best(spans: Iterable[Span]) -> list[Span]:
    """At every moment the highest value of the spans that hold then; nothing where none does.

    Spans come out in order, none empty, none overlapping, neighbours of one value joined. O(n log n).
    """
    changes: dict[int, list[tuple[int, int]]] = {}
    for start, end, value in spans:
        if start < end:
            changes.setdefault(start, []).append((value, 1))
            changes.setdefault(end, []).append((value, -1))
    active: Counter[int] = Counter()
    found: list[Span] = []
    since, current = 0, 0
    for moment in sorted(changes):
        for value, change in changes[moment]:
            active[value] += change
        highest = max((value for value, count in active.items() if count), default=0)
        if highest == current:
            continue
        if current and since < moment:
            found.append((since, moment, current))
        since, current = moment, highest
    return found


def at_moments(spans: list[Span], moments: list[int]) -> Iterator[int]:
    """The value of an ordered timeline at each of some rising moments; 0 where it has none."""
    index = 0
    for moment in moments:
        while index < len(spans) and spans[index][1] <= moment:
            index += 1
        holds = index < len(spans) and spans[index][0] <= moment
        yield spans[index][2] if holds else 0
