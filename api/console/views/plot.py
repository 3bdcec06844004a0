"""A histogram as the numbers of an inline drawing: no script, prints, and a table stands beside it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 120
_GAP = 1.0
_MOST_WIDE = 60.0
_LABEL = 90.0  # room for the widest label, a day
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


@dataclass(frozen=True, slots=True)
class PlotLabel:
    """Words below a bar; ``anchor``: as SVG names it."""

    text: str
    x: float
    anchor: str


#: Labels between the first and the last, as shares of the bars.
_BETWEEN = (0.0, 0.25, 0.5, 0.75, 1.0)


def plot_labels(bars: Sequence[PlotBar]) -> tuple[PlotLabel, ...]:
    """Labels of the first and the last bar and of some between; a bar whose value is not known has none."""
    last = len(bars) - 1
    labels = []
    for at in sorted({round(share * last) for share in _BETWEEN}) if bars else ():
        bar = bars[at]
        middle = bar.x + bar.width / 2
        anchor = "start" if middle < _LABEL / 2 else "end" if middle > WIDTH - _LABEL / 2 else "middle"
        x = {"start": bar.x, "end": bar.x + bar.width, "middle": middle}[anchor]
        if bar.value:
            labels.append(PlotLabel(bar.value, round(x, 2), anchor))
    return tuple(labels)


#: Height of a drawing of lines, and what its labels take of it.
LINES_HEIGHT = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 10.0, 50.0, 24.0, 32.0


@dataclass(frozen=True, slots=True)
class PlotMark:
    """One point of a line, with its value on the axis below."""

    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class LinePlot:
    """A line with the band that it may lie in, and a limit; points as SVG writes them."""

    line: str
    band: str
    marks: tuple[PlotMark, ...]
    limit_y: float


def plot_lines(rows: Sequence[tuple[int, float, float, float]], limit: float) -> LinePlot:
    """Rows: place on the axis below, least, expected and most; the drawing is as high as the highest."""
    high = 1.05 * max([limit, *(most for _, _, _, most in rows)], default=1.0) or 1.0
    last = max((at for at, _, _, _ in rows), default=0) or 1

    def x(at: int) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * at / last, 2)

    def y(value: float) -> float:
        return round(LINES_HEIGHT - _BOTTOM - (LINES_HEIGHT - _TOP - _BOTTOM) * value / high, 2)

    upper = [f"{x(at)},{y(most)}" for at, _, _, most in rows]
    lower = [f"{x(at)},{y(least)}" for at, least, _, _ in reversed(rows)]
    return LinePlot(
        line=" ".join(f"{x(at)},{y(value)}" for at, _, value, _ in rows),
        band=" ".join([*upper, *lower]),
        marks=tuple(PlotMark(str(at), x(at), y(value)) for at, _, value, _ in rows),
        limit_y=y(limit),
    )
