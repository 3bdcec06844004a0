"""Counts and bytes by day, gateway, class of entry, kind, procedure and state. FORMAT.md, section 6.

Days are those of ``received_at`` in UTC. A ``Rollups`` is a sparse table in arrays: histograms over ten years
are sums over some hundred thousand numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vanvault.archiver.catalogue.index.columns import decode_columns, encode_columns
from vanvault.archiver.catalogue.index.fields import ROLLUP_FIELDS
from vanvault.archiver.catalogue.index.segments import Int64s
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.search_form import search_form

#: Lines of one block.
BLOCK_LINES = 16_384

_EPOCH = date(1970, 1, 1)
_COLUMNS = 4
_LOW_BITS = 24
_LOW = 2**_LOW_BITS - 1


class Combination(NamedTuple):
    """What is counted together; "" is unknown."""

    gateway: str
    entry: str
    kind: str
    procedure: str
    state: str


@dataclass(frozen=True, slots=True)
class Total:
    """How many entries, and the sum of their sizes."""

    entries: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Rollups:
    """Line i: on day ``days[i]`` there were ``counts[i]`` entries of ``combinations[chosen[i]]``."""

    combinations: Sequence[Combination]
    days: Int64s  # since 1970-01-01
    chosen: Int64s
    counts: Int64s
    bytes: Int64s

    @classmethod
    def empty(cls) -> Rollups:
        none = np.zeros(0, np.int64)
        return cls((), none, none, none, none)

    @property
    def nbytes(self) -> int:
        """Memory of the lines."""
        return 4 * self.days.nbytes

    def select(self, **values: str) -> Rollups:
        """The lines whose fields (of ROLLUP_FIELDS) have these values, as a search compares them.

        Raises InvalidInput.
        """
        wanted = [(_place(name), name, search_form(name, value)) for name, value in values.items()]
        good = [
            all(search_form(name, one[place]) == form for place, name, form in wanted)
            for one in self.combinations
        ]
        return self._where(np.array(good, bool)[self.chosen])

    def between(self, from_day: str, to_day: str) -> Rollups:
        """The lines of these days (YYYY-MM-DD), both included. Raises InvalidInput."""
        return self.within(day_number(from_day), day_number(to_day))

    def within(self, first: int, last: int) -> Rollups:
        """The lines of these days (since 1970-01-01), both included."""
        return self._where((self.days >= first) & (self.days <= last))

    def by(self, what: str) -> dict[str, Total]:
        """Totals by "day", "month", "year" or one of ROLLUP_FIELDS, ascending. Raises InvalidInput."""
        if what in ("day", "month", "year"):
            lengths = {"day": 10, "month": 7, "year": 4}
            distinct, codes = np.unique(self.days, return_inverse=True)
            names = [day_text(day)[: lengths[what]] for day in distinct.tolist()]
        else:
            place = _place(what)
            names, codes = [one[place] for one in self.combinations], self.chosen
        # Few values stand behind thousands of combinations: these are told apart before the lines are added.
        known = {name: place for place, name in enumerate(sorted(set(names)))}
        codes = np.array([known[name] for name in names], np.int64)[codes]
        seen = np.bincount(codes, minlength=len(known)).tolist()
        columns = (_sums(codes, column, len(known)) for column in (self.counts, self.bytes))
        return {
            name: Total(count, size)
            for name, lines, count, size in zip(known, seen, *columns, strict=True)
            if lines
        }

    def monthly(self) -> Rollups:
        """The same, summed by month: each line's day is the first of its month."""
        distinct, codes = np.unique(self.days, return_inverse=True)
        firsts = np.array([day_number(day_text(day)[:8] + "01") for day in distinct.tolist()], np.int64)
        days = firsts[codes] if len(codes) else self.days
        return add_up([Rollups(self.combinations, days, self.chosen, self.counts, self.bytes)])

    def total(self) -> Total:
        """All lines together."""
        return Total(int(self.counts.sum()), int(self.bytes.sum()))

    def table(self) -> pa.Table:
        """In Arrow: day (date32), ROLLUP_FIELDS (dictionaries of strings), count and bytes (int64)."""
        columns: dict[str, pa.Array] = {"day": pa.array(self.days.astype(np.int32)).cast(pa.date32())}
        for place, name in enumerate(ROLLUP_FIELDS):
            values = pa.array([one[place] for one in self.combinations], pa.string()).dictionary_encode()
            codes = np.asarray(values.indices)[self.chosen]
            columns[name] = pa.DictionaryArray.from_arrays(codes, values.dictionary)
        return pa.table({**columns, "count": self.counts, "bytes": self.bytes})

    def _where(self, mask: npt.NDArray[np.bool_]) -> Rollups:
        picked = (column[mask] for column in (self.days, self.chosen, self.counts, self.bytes))
        return Rollups(self.combinations, *picked)


def add_up(parts: Iterable[Rollups]) -> Rollups:
    """The sum: one line for each day and combination, by day, then by combination in its first-seen order."""
    known: dict[Combination, int] = {}
    columns: list[list[Int64s]] = [[], [], [], []]
    for part in parts:
        places = np.array([known.setdefault(one, len(known)) for one in part.combinations], np.int64)
        chosen = places[part.chosen] if len(places) else part.chosen
        for column, values in zip(columns, (part.days, chosen, part.counts, part.bytes), strict=True):
            column.append(values)
    if not known:
        return Rollups.empty()
    days, chosen, counts, sizes = (np.concatenate(column) for column in columns)
    lines, codes = np.unique(days * len(known) + chosen, return_inverse=True)
    return Rollups(
        tuple(known),
        lines // len(known),
        lines % len(known),
        np.array(_sums(codes, counts, len(lines)), np.int64),
        np.array(_sums(codes, sizes, len(lines)), np.int64),
    )


def encode_rollups(part: Rollups) -> bytes:
    """A block of lines; the combinations lie elsewhere."""
    return encode_columns(
        [column.view(np.uint64) for column in (part.days, part.chosen, part.counts, part.bytes)]
    )


def decode_rollups(data: bytes, combinations: Sequence[Combination], name: str) -> Rollups:
    """The block. Raises Damaged."""
    columns = [column.view(np.int64) for column in decode_columns(data, _COLUMNS, name)]
    chosen = columns[1]
    if len({len(column) for column in columns}) != 1 or (
        len(chosen) and not 0 <= int(chosen.min()) <= int(chosen.max()) < len(combinations)
    ):
        raise Damaged(f"{name}: a block of rollups contradicts itself", key=name)
    return Rollups(combinations, *columns)


def day_number(day: str) -> int:
    """Days since 1970-01-01 of YYYY-MM-DD. Raises InvalidInput."""
    try:
        found = date.fromisoformat(day)
    except ValueError as error:
        raise InvalidInput("a day is written YYYY-MM-DD", field="day") from error
    if found.isoformat() != day:  # ISO 8601 has more forms: weeks, days of the year, no dashes
        raise InvalidInput("a day is written YYYY-MM-DD", field="day")
    return (found - _EPOCH).days


def day_text(number: int) -> str:
    """The reverse of ``day_number``."""
    return (_EPOCH + timedelta(days=number)).isoformat()


def _place(name: str) -> int:
    if name not in ROLLUP_FIELDS:
        raise InvalidInput(f"rollups know {', '.join(ROLLUP_FIELDS)}, not {name}", field=name)
    return ROLLUP_FIELDS.index(name)


def _sums(codes: Int64s, values: Int64s, size: int) -> list[int]:
    """Sum of ``values`` for each code, in halves: ``bincount`` adds floats, which are exact to 2**53."""
    low, high = values & _LOW, values >> _LOW_BITS
    sums = np.bincount(codes, weights=high, minlength=size).astype(np.int64) << _LOW_BITS
    sums += np.bincount(codes, weights=low, minlength=size).astype(np.int64)
    found: list[int] = sums.tolist()
    return found
