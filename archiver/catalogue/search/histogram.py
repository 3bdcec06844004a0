"""Counts and bytes over the whole archive: rollups of what is compacted, counts of the hot tail for the rest.

Nothing is counted twice: the index is fixed first, then a read transaction of the hot tail, in which every
batch of a segment that those index files count is left out.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, get_args

import numpy as np

from vanvault.archiver.catalogue.catalogue import Catalogue, CatalogueState, KnownSegment
from vanvault.archiver.catalogue.hot_tail import HotTail
from vanvault.archiver.catalogue.index.fields import ROLLUP_FIELDS
from vanvault.archiver.catalogue.index.reader import IndexReader
from vanvault.archiver.catalogue.index.rollups import Combination, Rollups, Total, add_up, day_number
from vanvault.archiver.catalogue.items import Item
from vanvault.archiver.catalogue.key_index import KeyIndex, log_key
from vanvault.archiver.catalogue.search.query import Query, Unread, unread_of
from vanvault.archiver.core.asked_times import days_of
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.search_form import search_form
from vanvault.archiver.core.times import rfc3339_us

By = Literal["day", "month", "year", "gateway", "entry", "kind", "procedure", "state"]
BY: tuple[By, ...] = get_args(By)

_Line = tuple[int, Combination]  # day since 1970, what

#: Entries and bytes of each line.
_Counts = Mapping[_Line, tuple[int, int]]

_DAY_US = 86_400_000_000
_DAY = timedelta(days=1)
_FIRST_DAY, _LAST_DAY = "1970-01-01", "9999-12-31"
#: How often index and hot tail are read again when segments are indexed between the two.
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class HistogramQuery:
    """What a histogram counts, and by what."""

    BY: ClassVar[tuple[By, ...]] = BY
    FIELDS: ClassVar[tuple[str, ...]] = ROLLUP_FIELDS  # by which it filters, besides days

    by: By
    filters: dict[str, str]  # of ROLLUP_FIELDS
    from_day: str = _FIRST_DAY  # YYYY-MM-DD of receipt, UTC; both included
    to_day: str = _LAST_DAY

    @classmethod
    def parse(cls, parameters: Iterable[tuple[str, str]]) -> HistogramQuery:
        """From URL parameters or options: ``by``, ``from`` and ``to`` (days, both included), and filters.

        ``during`` is a period in place of the two. Days are UTC's: only such counts are kept.

        Raises InvalidInput: an unknown or repeated name, a value of ``by`` or a field that rollups do not
        have, a day that is none, a reversed range.
        """
        given: dict[str, str] = {}
        for name, value in parameters:
            if name not in (*ROLLUP_FIELDS, "by", "from", "to", "during"):
                raise InvalidInput(
                    f"a histogram cannot be filtered by {name[:40]!r}",
                    field=name[:40],
                    hint=f"It knows {', '.join(ROLLUP_FIELDS)}, from, to and during."
                    " Count other fields with an export.",
                )
            if name in given:
                raise InvalidInput(f"{name} is given twice", field=name)
            if not value or len(value) > Query.MAX_VALUE:
                raise InvalidInput(f"{name} must have 1 to {Query.MAX_VALUE} characters", field=name)
            if not search_form(name, value):
                raise InvalidInput(f"{name} holds blanks only", field=name)
            given[name] = value
        by = next((one for one in BY if one == given.get("by", "day")), None)
        if by is None:
            raise InvalidInput(f"by is one of {', '.join(BY)}", field="by")
        if given.get("entry") not in (None, "message", "event"):
            raise InvalidInput("entry is message or event", field="entry")
        if "during" in given:
            if "from" in given or "to" in given:
                raise InvalidInput(
                    "during says from when and to when already", field="during", hint="Leave one out."
                )
            days = days_of(given["during"])
            given |= {"from": f"{days.first}", "to": f"{days.after - _DAY}"}
        asked = cls(
            by=by,
            filters={name: value for name, value in given.items() if name in ROLLUP_FIELDS},
            from_day=_day(given, "from", _FIRST_DAY),
            to_day=_day(given, "to", _LAST_DAY),
        )
        if asked.from_day > asked.to_day:
            raise InvalidInput("to must not be before from", field="to")
        return asked

    def days_json(self) -> dict[str, str | None]:
        """Which days are counted, as JSON values: null where there is no bound; and whose days they are."""
        return {
            "from": None if self.from_day == _FIRST_DAY else self.from_day,
            "to": None if self.to_day == _LAST_DAY else self.to_day,
            "time_zone": "UTC",
        }


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a histogram."""

    value: str  # "" is unknown
    entries: int
    bytes: int  # as received


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars by value, ascending, and their sum."""

    by: By
    bars: tuple[Bar, ...]
    entries: int
    bytes: int
    unread: tuple[Unread, ...] = ()


def _day(given: dict[str, str], name: str, default: str) -> str:
    text = given.get(name, default)
    if len(text) != len(default):
        raise InvalidInput(f"{name} is a day, written YYYY-MM-DD", field=name)
    try:
        day_number(text)
    except InvalidInput as error:
        raise InvalidInput(f"{name} is a day, written YYYY-MM-DD", field=name) from error
    return text


class Histograms:
    """Answers; safe to use from many threads."""

    def __init__(self, tail: HotTail, catalogue: Catalogue, index: KeyIndex) -> None:
        self._tail = tail
        self._catalogue = catalogue
        self._index = index
        self._counts = TailCounts(tail)

    def of(self, asked: HistogramQuery) -> Histogram:
        """Counts and bytes by day, month, year or a field.

        Raises Damaged, SiteUnavailable: the index itself cannot be read.
        """
        return self.by_each(asked, (asked.by,))[asked.by]

    def by_each(self, asked: HistogramQuery, by: Iterable[By]) -> dict[By, Histogram]:
        """The same entries counted by each of these, read once. Raises as ``of``.

        Of all of time, and not by day, sums of months are enough: the index keeps them at hand.
        """
        by = tuple(by)
        of_all_time = (asked.from_day, asked.to_day) == (_FIRST_DAY, _LAST_DAY)
        rollups, unread = self._rollups(asked, monthly=of_all_time and "day" not in by)
        chosen = rollups.between(asked.from_day, asked.to_day).select(**asked.filters)
        whole = chosen.total()
        return {one: Histogram(one, _bars(chosen.by(one)), whole.entries, whole.size, unread) for one in by}

    def _rollups(self, asked: HistogramQuery, *, monthly: bool) -> tuple[Rollups, tuple[Unread, ...]]:
        for _ in range(_ATTEMPTS):
            needed = self._catalogue.current().logs

            def counted(reader: IndexReader) -> tuple[frozenset[str], Rollups]:
                keys = frozenset(segment.key for segment in reader.segments())
                return keys, reader.months() if monthly else reader.rollups(asked.from_day, asked.to_day)

            (indexed, compacted), lacking = self._index.ask(needed, counted)
            with self._tail.snapshot() as connection:
                state = self._catalogue.state(connection)
                logs = {log_key(one): one for one in state.segments}
                if not state.logs - lacking <= indexed:
                    continue  # a segment was indexed meanwhile, and its entries left the hot tail
                if not indexed <= logs.keys():
                    raise Damaged(
                        "the index counts segments that the archive does not know",
                        hint="Run: vanvault index rebuild --discard",
                    )
                ahead = [logs[key] for key in indexed if not logs[key].indexed]
                rest = self._counts.rollups(_holder(ahead))
                return add_up([compacted, rest]), self._unread(connection, state, lacking, asked)
        raise Damaged("the index changed at every look; ask again")

    def _unread(
        self,
        connection: sqlite3.Connection,
        state: CatalogueState,
        lacking: frozenset[str],
        asked: HistogramQuery,
    ) -> tuple[Unread, ...]:
        missing = {key: state.by_log[key] for key in lacking if key in state.by_log}
        missing |= {log_key(one): one for one in self._catalogue.unheld(connection, state)}
        segments = (
            Unread(
                key, "not indexed yet", rfc3339_us(one.manifest.first_us), rfc3339_us(one.manifest.last_us)
            )
            for key, one in sorted(missing.items())
        )
        return tuple(
            one
            for one in (*segments, *map(unread_of, self._tail.lost_batches.known()))
            if one.first[:10] <= asked.to_day and one.last[:10] >= asked.from_day
        )


def _bars(totals: Mapping[str, Total]) -> tuple[Bar, ...]:
    return tuple(Bar(value, one.entries, one.size) for value, one in totals.items())


def _holder(segments: Sequence[KnownSegment]) -> Callable[[str, int], bool]:
    """Does one of these segments hold the batch (writer, sequence)?"""
    return lambda writer, sequence: any(one.manifest.holds(writer, sequence) for one in segments)


class TailCounts:
    """Counts of the hot tail's entries, as rollups count those of segments.

    A batch never changes, so each is counted once in the life of a process and added up from then on. Safe to
    use from many threads. Call it within a ``snapshot`` of the tail, on the same thread.
    """

    def __init__(self, tail: HotTail) -> None:
        self._tail = tail
        self._known: dict[str, _Counts] = {}  # by batch key
        self._lock = threading.Lock()

    def rollups(self, is_elsewhere: Callable[[str, int], bool]) -> Rollups:
        """Counts of valid entries, without batches (writer, sequence) that are counted elsewhere."""
        batches = self._tail.with_entries()
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

    def _of(self, n: int, key: str) -> _Counts:
        known = self._known.get(key)
        if known is not None:
            return known
        return _counts(self._tail.items_of(n))

    def _repeats(self, taken: Mapping[int, str]) -> Iterable[_Counts]:
        """Negative counts of entries that repeat others, because only the first of them counts."""
        off = _counts((at, item) for at, item, n in self._tail.duplicates() if n in taken)
        return [{line: (-entries, -size) for line, (entries, size) in off.items()}]


def _counts(rows: Iterable[tuple[bytes, Item]]) -> _Counts:
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
