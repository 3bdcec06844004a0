"""What a benchmark says of a size that it did not time lies between what its rounds allow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))  # scripts, no package

from extrapolate import Estimate, Line


def test_a_line_without_noise_gives_one_figure() -> None:
    line = Line({100: [3.0, 3.0], 300: [5.0, 5.0]})
    assert line.per_byte == Estimate(0.01, 0.01, 0.01)
    assert line.at(1000) == Estimate(12.0, 12.0, 12.0)


def test_noise_widens_the_range_with_the_distance() -> None:
    line = Line({100: [2.9, 3.1], 300: [4.9, 5.1]})
    near, far = line.at(1000), line.at(10_000)
    assert near.middle == pytest.approx(12.0)
    assert near.low < near.middle < near.high
    assert far.high - far.low > 5 * (near.high - near.low)


def test_one_round_has_no_range() -> None:
    assert Line({100: [3.0, 3.1], 300: [5.0, 5.2]}).has_range
    assert not Line({100: [3.0], 300: [5.0, 5.2]}).has_range
    assert not Line({100: [3.0, 3.1], 300: [5.0]}).has_range


def test_a_phase_that_got_faster_is_never_carried_on_below_what_it_took() -> None:
    line = Line({100: [3.0], 300: [2.0]})
    assert line.at(10**9) == Estimate(2.0, 2.0, 2.0)
