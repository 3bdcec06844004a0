"""Pieces in order, each worked on once, a few of them ahead."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vanvault.archiver.catalogue.search.sources import ReadAhead
from vanvault.archiver.core.errors import Damaged


class Work:
    """Squares numbers, and remembers which."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self._lock = threading.Lock()

    def __call__(self, number: int) -> int:
        with self._lock:
            self.done.append(number)
        if number == 3:
            raise Damaged("three")
        return number**2


def test_each_piece_once_and_few_ahead() -> None:
    work = Work()
    with ThreadPoolExecutor(2) as executor:
        ahead = ReadAhead(executor, range(100), work, most=4)
        assert ahead.get(0) == 0
    assert sorted(work.done) == [0, 1]
    work = Work()
    with ThreadPoolExecutor(2) as executor:
        ahead = ReadAhead(executor, [n for n in range(100) if n != 3], work, most=4)
        assert [ahead.get(n) for n in (0, 1, 4, 5, 9)] == [0, 1, 16, 25, 81]
    assert len(work.done) == len(set(work.done))
    assert max(work.done) == 13


def test_an_error_comes_where_its_piece_is_asked_for() -> None:
    with ThreadPoolExecutor(1) as executor:
        ahead = ReadAhead(executor, range(10), Work())
        assert [ahead.get(n) for n in (1, 2)] == [1, 4]
        with pytest.raises(Damaged, match="three"):
            ahead.get(3)
        assert ahead.get(4) == 16
        assert ahead.get(77) == 77**2, "what is not in the order is done when it is asked for"
