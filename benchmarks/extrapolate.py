"""A line through timed sizes, and how far off what it says of a larger size may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds."""

    low: float
    middle: float
    high: float

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.low + other.low, self.middle + other.middle, self.high + other.high)


NOTHING = Estimate(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Line:
    """A phase that was timed at two sizes or more: it costs a price a byte, and a start."""

    seconds: Mapping[int, Sequence[float]]  # by size in bytes, what each round took

    @property
    def has_range(self) -> bool:
        """Do low and high say anything? One round at a size tells nothing of its noise."""
        ends = min(self.seconds), max(self.seconds)
        return all(len(self.seconds[size]) > 1 for size in ends)

    @property
    def per_byte(self) -> Estimate:
        """Seconds a byte: between the smallest and the largest size, from medians and from the extremes."""
        small, large = min(self.seconds), max(self.seconds)
        few, many = self.seconds[small], self.seconds[large]
        ends = (min(many) - max(few), median(many) - median(few), max(many) - min(few))
        low, middle, high = (max(0.0, end / (large - small)) for end in ends)
        return Estimate(low, middle, high)

    def at(self, size: float) -> Estimate:
        """What it takes at a larger size: from the largest that was timed, at the price of the bytes beyond.

        What costs no more the larger it gets, as far as these rounds tell, has a wide range all the same.
        """
        largest = max(self.seconds)
        took, price = self.seconds[largest], self.per_byte
        beyond = size - largest
        return Estimate(
            min(took) + price.low * beyond,
            median(took) + price.middle * beyond,
            max(took) + price.high * beyond,
        )
