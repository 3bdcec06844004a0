"""A histogram as the numbers of an inline drawing: no script, prints, and a table stands beside it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 120
_GAP = 1.0
_MOST_WIDE = 60.0
_LEAST = 2.0  # height of a bar that is not empty


@dataclass(frozen=True, slots=True)
class PlotBar:
    """One bar; lengths in units of the drawing."""

    value: str  # what it counts: a day, a month or a year; "": not known
    entries: int
    x: float
    y: float
    width: float
    height: float


def plot_bars(counts: Sequence[tuple[str, int]]) -> tuple[PlotBar, ...]:
    """The bars of these counts, side by side, the highest of them as high as the drawing."""
    most = max((count for _, count in counts), default=0)
    step = WIDTH / max(1, len(counts))
    bars = []
    for at, (value, count) in enumerate(counts):
        height = max(_LEAST, HEIGHT * count / most) if count else 0.0
        width = min(_MOST_WIDE, max(1.0, step - _GAP))
        numbers = (at * step, HEIGHT - height, width, height)
        bars.append(PlotBar(value, count, *(round(one, 2) for one in numbers)))
    return tuple(bars)
