"""A fold over much: newest batches first, objects read ahead, and of when is what is not folded yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import Generic, TypeVar

from vanvault.archiver.catalogue.hot_tail import BatchNumbers
from vanvault.archiver.core.names import parse_key

S = TypeVar("S")
T = TypeVar("T")

#: Batches that are put in order at a time, so that a listing of any length takes some 50 MB.
_AT_ONCE = 50_000
#: Objects that are read and decoded ahead of the one that is folded.
AHEAD = 3
#: Of so many writers each is asked when its batches were written.
_WRITERS = 32


class NewestFirst(Generic[T]):
    """Keys of batches with what belongs to them: the newest writers first, and of each its last batch."""

    def __init__(self, listing: Iterable[tuple[str, T]]) -> None:
        """``listing``: in order of keys."""
        self._listing = iter(listing)
        self._numbers: dict[str, tuple[int, int]] = {}  # of what is listed, by writer
        #: Of what is not folded yet. None: not known.
        self._unfolded: dict[str, tuple[int, int]] | None = None

    def __iter__(self) -> Iterator[tuple[str, T]]:
        while held := list(islice(self._listing, _AT_ONCE)):
            self._numbers = {}
            for name in (parse_key(key) for key, _ in held):
                if name is not None:
                    first, _ = self._numbers.get(name.writer, (name.sequence, 0))
                    self._numbers[name.writer] = first, name.sequence
            self._unfolded = self._numbers if len(held) < _AT_ONCE else None
            while held:
                yield held.pop()

    def folded(self, key: str) -> None:
        """Everything down to this key was folded."""
        name = parse_key(key)
        if self._unfolded is None or name is None:
            return
        left = {writer: numbers for writer, numbers in self._unfolded.items() if writer < name.writer}
        first, _ = self._numbers[name.writer]
        if first < name.sequence:
            left[name.writer] = first, name.sequence - 1
        self._unfolded = left

    def passed_over(self) -> None:
        """Something was not folded: nobody can say when what is missing was received."""
        self._unfolded = None

    def times(self, of: Callable[[BatchNumbers, int], tuple[int, int]], now_us: int) -> tuple[int, int]:
        """When the entries were received, earliest and latest, of what is not folded yet.

        ``of``: that of batches of one writer, by what is folded beside them.
        """
        left = self._unfolded
        if not left or len(left) > _WRITERS:
            return 0, now_us
        spans = [of((writer, *numbers), now_us) for writer, numbers in left.items()]
        return min(first for first, _ in spans), max(last for _, last in spans)


def read_ahead(
    items: Iterable[tuple[str, S]],
    work: Callable[[str, S], T],
    here: Callable[[S], bool] = lambda one: False,
    *,
    ahead: int | None = None,
) -> Generator[tuple[str, Callable[[], T]], None, None]:
    """Each key in order, and what gives the result of its work or raises what that raised.

    Where more than one is to be done, some are worked at ahead on other threads; but what ``here`` chooses is
    done where its result is asked for. ``ahead``: so many at most. Close the iterator.
    """
    ahead = AHEAD if ahead is None else ahead
    items = iter(items)
    begin = list(islice(items, 2))
    if len(begin) < 2:
        yield from ((key, partial(work, key, one)) for key, one in begin)
        return
    waiting: deque[tuple[str, Callable[[], T]]] = deque()
    with ThreadPoolExecutor(max(1, ahead), thread_name_prefix="fold") as threads:
        try:
            for key, one in chain(begin, items):
                result = partial(work, key, one) if here(one) else threads.submit(work, key, one).result
                waiting.append((key, result))
                if len(waiting) > ahead:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
