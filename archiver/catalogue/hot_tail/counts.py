"""Counts of the hot tail's entries, batch by batch, as rollups count those of segments.

A batch never changes, so what it holds is counted once in the life of a process and added up from then on.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from vanvault.archiver.catalogue.hot_tail.reader import TailReader
from vanvault.archiver.catalogue.index.rollups import Combination, Rollups, add_up
from vanvault.archiver.catalogue.items import Item

_DAY_US = 86_400_000_000
_HELD = (
    "SELECT n, key, writer, sequence FROM batch b WHERE EXISTS (SELECT 1 FROM entry e WHERE e.batch = b.n)"
)

_Line = tuple[int, Combination]  # day since 1970, what

#: Entries and bytes of each line.
Counts = Mapping[_Line, tuple[int, int]]


class TailCounts:
    """Safe to use from many threads. To be asked within a ``snapshot`` of the tail, on the same thread."""

    def __init__(self, tail: TailReader) -> None:
        self._tail = tail
        self._known: dict[str, Counts] = {}  # by batch key
        self._lock = threading.Lock()

    def rollups(self, is_elsewhere: Callable[[str, int], bool]) -> Rollups:
        """All entries that stand, but those of batches (writer, sequence) that are counted elsewhere."""
        connection = self._tail.connection()
        batches = connection.execute(_HELD).fetchall()
        taken = {n: key for n, key, writer, sequence in batches if not is_elsewhere(writer, sequence)}
        total: Counter[_Line] = Counter()
        sizes: Counter[_Line] = Counter()
        counted = {key: self._of(n, key) for n, key in taken.items()}
        for counts in (*counted.values(), *self._repeats(taken)):
            for line, (entries, size) in counts.items():
                total[line] += entries
                sizes[line] += size
        with self._lock:
            self._known = counted  # what left the tail is forgotten
        return _as_rollups(total, sizes)

    def _of(self, n: int, key: str) -> Counts:
        known = self._known.get(key)
        if known is not None:
            return known
        rows = self._tail.connection().execute("SELECT position, sealed FROM entry WHERE batch = ?", (n,))
        return _counts((at, self._tail.unseal(at, sealed)) for at, sealed in rows)

    def _repeats(self, taken: Mapping[int, str]) -> Iterable[Counts]:
        """Entries that repeat others do not stand: they are taken off again."""
        rows = self._tail.connection().execute(
            "SELECT e.position, e.sealed, e.batch FROM duplicate d JOIN entry e ON e.position = d.position"
        )
        off = _counts((at, self._tail.unseal(at, sealed)) for at, sealed, n in rows.fetchall() if n in taken)
        return [{line: (-entries, -size) for line, (entries, size) in off.items()}]


def _counts(rows: Iterable[tuple[bytes, Item]]) -> Counts:
    found: dict[_Line, tuple[int, int]] = {}
    for position, item in rows:
        what = Combination(item["gateway"], item["entry"], item["kind"], item["procedure"], item["state"])
        line = (int.from_bytes(position[:8]) // _DAY_US, what)
        entries, size = found.get(line, (0, 0))
        found[line] = (entries + 1, size + int(item["size"]))
    return found


def _as_rollups(total: Counter[_Line], sizes: Counter[_Line]) -> Rollups:
    lines = [line for line, entries in total.items() if entries]
    if not lines:
        return Rollups.empty()
    numbers = (
        [day for day, _ in lines],
        range(len(lines)),
        [total[line] for line in lines],
        [sizes[line] for line in lines],
    )
    columns = [np.array(column, np.int64) for column in numbers]
    return add_up([Rollups([what for _, what in lines], *columns)])
