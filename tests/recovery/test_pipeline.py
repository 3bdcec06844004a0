"""Parallel work keeps its order and its bounds."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanvault.recovery.work import Effort, in_order


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 50)), st.integers(1, 4), st.integers(1, 120))
def test_results_come_in_order_and_bytes_in_flight_are_bounded(
    sizes: list[int], workers: int, limit: int
) -> None:
    begun = taken = 0

    def items() -> object:
        nonlocal begun
        for size in sizes:
            # What was asked for but not yet taken is what is in flight; one item may go alone.
            yield size
            begun += size

    out = []
    for size, result in in_order(
        items(),  # type: ignore[arg-type]
        lambda size: size * 2,
        size=lambda size: size,
        effort=Effort(workers, limit),
    ):
        assert begun - taken <= max(limit, size)
        taken += size
        out.append(result)
    assert out == [size * 2 for size in sizes]


def test_work_is_in_parallel() -> None:
    barrier = threading.Barrier(3, timeout=5)
    results = in_order(range(3), lambda _: barrier.wait() >= 0, size=lambda _: 1, effort=Effort(3))
    assert [result for _, result in results] == [True] * 3


def test_an_error_comes_at_its_turn_and_drops_the_rest() -> None:
    seen = []

    def work(item: int) -> int:
        if item == 2:
            raise ValueError(item)
        return item

    with pytest.raises(ValueError, match="2"):
        for item, _ in in_order(range(1000), work, size=lambda _: 1, effort=Effort(2)):
            seen.append(item)
    assert seen == [0, 1]
