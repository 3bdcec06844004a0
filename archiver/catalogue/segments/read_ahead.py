"""Work of which the order is known, done a little ahead on other threads."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class ReadAhead(Generic[K, T]):
    """Gives each piece once, in order (pieces may be left out). For one thread, which closes it.

    It looks one piece ahead first and up to ``most`` later, because many askers want only the first.
    """

    def __init__(
        self, executor: Executor, order: Sequence[K], work: Callable[[K], T], *, most: int = 3
    ) -> None:
        self._executor = executor
        self._order = order
        self._places = {piece: place for place, piece in enumerate(order)}
        self._work = work
        self._most = most
        self._ahead = 1
        self._begun: dict[K, Future[T]] = {}

    def get(self, piece: K) -> T:
        """What the work gives. Raises whatever the work raises."""
        place = self._places.get(piece)
        if place is None:
            return self._work(piece)
        for following in self._order[place : place + 1 + self._ahead]:
            if following not in self._begun:
                self._begun[following] = self._executor.submit(self._work, following)
        self._ahead = min(self._most, 2 * self._ahead)
        return self._begun.pop(piece).result()

    def close(self) -> None:
        """What nobody asked for is not begun any more."""
        for future in self._begun.values():
            future.cancel()
