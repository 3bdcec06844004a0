"""What a recovery costs: seconds per object and per byte, from what drills and restores took. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: What a single measurement may be off, relative; several tell for themselves.
_ALONE = 0.25
#: Newest measurements that count.
_NEWEST = 10


@dataclass(frozen=True, slots=True)
class Measurement:
    """One recovery that was timed."""

    objects: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """``seconds = per_object * objects + per_byte * bytes``, and how far measurements were from it."""

    per_object: float  # seconds
    per_byte: float  # seconds
    error: float  # relative: the largest of the measurements' distances, or a quarter for one alone

    def seconds(self, objects: float, size: float) -> float:
        """Of a recovery of so many objects and bytes."""
        return self.per_object * objects + self.per_byte * size


def cost_of(measurements: Sequence[Measurement]) -> Cost | None:
    """The cost that fits the newest measurements (given newest first) best; None without any.

    Least squares of the relative error, neither cost below zero. Where all had objects of about one size,
    nothing tells the two costs apart, and all is put on the bytes.
    """
    used = [one for one in measurements if one.bytes > 0 and one.seconds > 0][:_NEWEST]
    if not used:
        return None
    # Relative errors: each equation is divided by the seconds that were measured.
    rows = [(one.objects / one.seconds, one.bytes / one.seconds) for one in used]
    per_object, per_byte = _two(rows) or (0.0, _one([row[1] for row in rows]))
    if per_object < 0:
        per_object, per_byte = 0.0, _one([row[1] for row in rows])
    elif per_byte < 0:
        per_object, per_byte = _one([row[0] for row in rows]), 0.0
    misses = [abs(per_object * objects + per_byte * size - 1) for objects, size in rows]
    return Cost(per_object, per_byte, max(misses) if len(used) > 1 else _ALONE)


def _one(column: Sequence[float]) -> float:
    """x with ``column * x`` nearest to ones."""
    return sum(column) / sum(value * value for value in column)


def _two(rows: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """(x, y) with ``a * x + b * y`` nearest to ones; None where the columns hardly differ."""
    aa = sum(a * a for a, _ in rows)
    bb = sum(b * b for _, b in rows)
    ab = sum(a * b for a, b in rows)
    determinant = aa * bb - ab * ab
    if determinant <= 1e-3 * aa * bb:
        return None
    a1, b1 = sum(a for a, _ in rows), sum(b for _, b in rows)
    return (a1 * bb - b1 * ab) / determinant, (b1 * aa - a1 * ab) / determinant
