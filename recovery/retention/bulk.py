"""The clocks of whole segments: logs are gone through a few times, however many entries the archive has.

The same clocks as ``Gathering`` leads to, which asks for each transaction by itself (milliseconds each).

1. The given segments say which transactions are wanted, and which of their rows name none.
2. All logs: the rows of these transactions, and where messages and dossier numbers of rows without one lead.
3. Transactions that only such a link led to: their rows.
4. Where any row names no transaction: those that the messages and numbers of the wanted ones lead to.

Memory is that of the given segments and of their transactions, not of the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment, LogColumns, Unread
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.format.segments.schema import LOG
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import from_us, to_us, vietnam_day
from vanvault.archiver.retention import CaseEntry, CaseState, TransactionClock, clock_of, closing_table
from vanvault.recovery.retention.entry_clock import EntryClock
from vanvault.recovery.retention.explaining import dues_of
from vanvault.recovery.retention.in_force import owed_profiles
from vanvault.recovery.retention.links import (
    CLOCK_COLUMNS,
    TOLD_COLUMNS,
    among,
    counting,
    distinct_keys,
    has,
    linked,
)
from vanvault.recovery.timeline import Gathering

#: Rows that are looked at together.
_TOGETHER = 200_000
#: Rows that become Python values together.
_PLAIN = 20_000


def read_clocks(
    archive: Archive, segments: Sequence[KnownSegment], note: Callable[[Unread], None]
) -> Iterator[EntryClock]:
    """``clocks_of_segments``; raises what it raises."""
    yield from _Bulk(archive, note).of(segments)


@dataclass(slots=True)
class _Names:
    """By key: the least and the greatest transaction that rows with it name."""

    found: dict[str, tuple[str, str]] = field(default_factory=dict)

    def learn(self, rows: pa.Table, column: str) -> None:
        grouped = rows.group_by(column).aggregate([("transaction", "min"), ("transaction", "max")])
        for key, least, greatest in _plain(grouped, (column, "transaction_min", "transaction_max")):
            known = self.found.get(key, (least, greatest))
            self.found[key] = (min(least, known[0]), max(greatest, known[1]))

    def of(self, key: str) -> str:
        """The one transaction that they name, or ""."""
        least, greatest = self.found.get(key, ("", ""))
        return least if least == greatest else ""


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of a transaction."""

    id: str
    state: CaseState
    due_log_us: int | None
    due_originals_us: int | None
    closed_us: int | None
    start_us: int | None
    first_us: int
    last_us: int
    entries: int
    was_closed: bool


class _Links:
    """Goes through all logs, and learns where rows belong that name no transaction."""

    def __init__(self, columns: LogColumns, note: Callable[[Unread], None]) -> None:
        self._columns = columns
        self._note = note
        self._loose: set[str] = set()  # logs with rows that name no transaction
        self._by_message, self._by_dossier = _Names(), _Names()

    def rows_of(self, rows: pa.Table) -> pa.Table:
        """All rows of the transactions that these rows belong to, each with the key of its transaction."""
        loose = rows.filter(_is_loose(rows))
        wanted = distinct_keys(rows.column("transaction"))
        messages, dossiers = _named_by(loose)
        known = self._sweep(lambda table: self._first(table, wanted, messages, dossiers))
        linked_to = distinct_keys(_strings(self.of(loose)))
        more = linked_to.filter(pc.invert(pc.is_in(linked_to, value_set=wanted)))
        if len(more):
            further = self._sweep(lambda table: table.filter(among(table.column("transaction"), more)))
            known = pa.concat_tables([known, further])
        return pa.concat_tables([known, self._loose_of(known)]) if self._loose else known

    def of(self, rows: pa.Table) -> list[str]:
        """The key of the transaction that each row is linked to, or ""; rows that name none."""
        return [
            (self._by_message.of(message) if is_event else "") or self._by_dossier.of(dossier)
            for is_event, message, dossier in _plain(rows, ("is_event", "message", "dossier"))
        ]

    def _first(self, table: pa.Table, wanted: pa.Array, messages: pa.Array, dossiers: pa.Array) -> pa.Table:
        self._learn(table, messages, dossiers)
        return table.filter(among(table.column("transaction"), wanted))

    def _learn(self, table: pa.Table, messages: pa.Array, dossiers: pa.Array) -> pa.Table:
        """Which transactions rows with these messages and dossier numbers name. None of the rows is kept."""
        naming = table.filter(has(table.column("transaction")))
        originals = naming.filter(pc.invert(naming.column("is_event")))
        self._by_message.learn(originals.filter(among(originals.column("message"), messages)), "message")
        self._by_dossier.learn(naming.filter(among(naming.column("dossier"), dossiers)), "dossier")
        return table.slice(0, 0)

    def _loose_of(self, known: pa.Table) -> pa.Table:
        """Rows that name no transaction, and are linked to one of these."""
        messages = distinct_keys(known.filter(pc.invert(known.column("is_event"))).column("message"))
        dossiers = distinct_keys(known.column("dossier"))

        def pick(table: pa.Table) -> pa.Table:
            by_message = among(table.column("message"), messages)
            by_dossier = among(table.column("dossier"), dossiers)
            return table.filter(pc.and_(_is_loose(table), pc.or_(by_message, by_dossier)))

        loose = self._sweep(pick, self._loose.__contains__)
        if loose.num_rows:
            asked = _named_by(loose)
            self._sweep(lambda table: self._learn(table, *asked))
        place = loose.schema.get_field_index("transaction")
        loose = loose.set_column(place, "transaction", _strings(self.of(loose)))
        return loose.filter(among(loose.column("transaction"), distinct_keys(known.column("transaction"))))

    def _sweep(
        self, pick: Callable[[pa.Table], pa.Table], logs: Callable[[str], bool] = lambda log: True
    ) -> pa.Table:
        """What ``pick`` takes of the rows that count: no repeats, and none of the archive's own."""
        found: list[pa.Table] = [linked(LOG.empty_table().select(CLOCK_COLUMNS))]
        waiting: list[pa.Table] = []
        rows = 0
        for log, table in self._columns.every(CLOCK_COLUMNS, self._note, wanted=logs):
            counted = counting(linked(table))
            if log not in self._loose and pc.any(_is_loose(counted)).as_py():
                self._loose.add(log)
            waiting.append(counted)
            rows += counted.num_rows
            if rows >= _TOGETHER:
                found.append(pick(pa.concat_tables(waiting)))
                waiting, rows = [], 0
        return pa.concat_tables([*found, *(pick(pa.concat_tables(waiting)) for _ in waiting[:1])])


class _Bulk:
    """One reading of some segments."""

    def __init__(self, archive: Archive, note: Callable[[Unread], None]) -> None:
        self._archive = archive
        self._note_one = note
        self._closing = closing_table(archive.settings.retention.closing)
        self._links = _Links(archive.columns, self._note)
        self._is_whole = True
        self._owed = owed_profiles(archive)
        self._dues: dict[tuple[date, date], tuple[int | None, int | None]] = {}
        self._doubted: dict[tuple[str, str], bool] = {}

    def of(self, segments: Sequence[KnownSegment]) -> Iterator[EntryClock]:
        read = [(one, table) for one in segments if (table := self._read(one)) is not None]
        if not read:
            return
        names = linked(LOG.empty_table().select(CLOCK_COLUMNS)).column_names
        counted = pa.concat_tables([counting(table).select(names) for _, table in read])
        keys, told = self._fold(self._links.rows_of(counted))
        for segment, table in read:
            yield from self._rows(segment, table, keys, told)

    def _read(self, segment: KnownSegment) -> pa.Table | None:
        try:
            return linked(self._archive.columns.of_segment(segment, (*CLOCK_COLUMNS, *TOLD_COLUMNS)))
        except (Damaged, NotFound, SiteUnavailable) as error:
            self._note(self._archive.columns.unread(segment, error))
            return None

    def _note(self, one: Unread) -> None:
        self._is_whole = False
        self._note_one(one)

    def _fold(self, known: pa.Table) -> tuple[pa.Array, list[_Told]]:
        """The transactions by their keys, sorted, and what is told of each."""
        keys: list[str] = []
        told: list[_Told] = []
        rows = _plain(known.sort_by("transaction"), ("transaction", "transaction_id", *_CASE))
        for key, group in groupby(rows, key=lambda row: row[0]):
            case = list(group)
            keys.append(key)
            told.append(
                self._told(min(filter(None, (row[1] for row in case))), (_entry(row[2:]) for row in case))
            )
        return pa.array(keys, pa.string()), told

    def _told(self, id: str, entries: Iterable[CaseEntry]) -> _Told:
        case = list(entries)
        clock = clock_of(case, self._closing)
        log, originals = self._dues_of(clock)
        return _Told(
            id=id,
            state=clock.state,
            due_log_us=log,
            due_originals_us=originals,
            closed_us=clock.closed_us,
            start_us=clock.start_us,
            first_us=min(one.received_us for one in case),
            last_us=clock.last_us,
            entries=clock.entries,
            was_closed=clock.floor_us is not None,
        )

    def _dues_of(self, clock: TransactionClock) -> tuple[int | None, int | None]:
        if clock.closed_us is None or clock.start_us is None:
            return None, None
        days = vietnam_day(from_us(clock.closed_us)), vietnam_day(from_us(clock.start_us))
        if days not in self._dues:
            log, originals = dues_of(self._archive, clock, self._owed)
            self._dues[days] = (
                None if log is None else to_us(log.until),
                None if originals is None else to_us(originals.until),
            )
        return self._dues[days]

    def _rows(
        self, segment: KnownSegment, table: pa.Table, keys: pa.Array, told: Sequence[_Told]
    ) -> Iterator[EntryClock]:
        subjects = table.column("transaction").to_pylist()
        loose = [place for place, key in enumerate(subjects) if not key]
        for place, key in zip(loose, self._links.of(table.take(pa.array(loose, pa.int64()))), strict=True):
            subjects[place] = key
        places = pc.index_in(pa.array(subjects, pa.string()), value_set=keys).to_pylist()
        names = (*_CASE, "gateway", "repeats", "large_object", "size", "insurance_numbers")
        for place, (*case, gateway, repeats, large, size, numbers) in zip(
            places, _plain(table, names), strict=True
        ):
            one = _entry(case)
            if gateway == SYSTEM_GATEWAY:
                of = _own(one.received_us)
            else:
                of = told[place] if place is not None else self._told("", [one])
            yield EntryClock(
                segment=segment.key,
                id=one.id,
                gateway=gateway,
                entry=case[3],
                received_us=one.received_us,
                transaction=of.id,
                state=of.state,
                due_log_us=of.due_log_us,
                due_originals_us=of.due_originals_us,
                large_object=large,
                size=size,
                has_insurance_number=bool(numbers),
                repeats=repeats,
                closed_us=of.closed_us,
                start_us=of.start_us,
                first_us=of.first_us,
                last_us=of.last_us,
                entries=of.entries,
                was_closed=of.was_closed,
                unread=not self._is_whole and self._is_doubted(gateway, of.id, one.id),
            )

    def _is_doubted(self, gateway: str, transaction: str, id: str) -> bool:
        """May something that could not be read belong to this transaction?"""
        if gateway == SYSTEM_GATEWAY:
            return False
        if self._archive.tail.lost_batches.known():
            return True  # what is in them is not known
        asked = (gateway, transaction or id)
        if asked not in self._doubted:
            gathering = Gathering(self._archive)
            try:
                if transaction:
                    gathering.of_transaction(transaction, gateway)
                else:
                    gathering.of_entry(self._archive.search.entry(id))
            except VanVaultError:
                self._doubted[asked] = True
            else:
                self._doubted[asked] = bool(gathering.unread)
        return self._doubted[asked]


def _own(received_us: int) -> _Told:
    """What is told of a line of the archive's own: nothing of it becomes due."""
    return _Told("", "open", None, None, None, None, received_us, received_us, 1, was_closed=False)


#: Columns of which ``_entry`` makes what a clock needs.
_CASE = ("writer", "sequence", "row", "entry", "type", "occurred_at", "received_at")


def _entry(row: Sequence[Any]) -> CaseEntry:
    writer, sequence, number, entry, type, occurred, received = row
    id = f"{writer}-{sequence}-{number}"
    if entry == "event":
        return CaseEntry(id, type, occurred, received)
    return CaseEntry(id, "", received, received, is_disposed=entry == "disposed")


def _is_loose(rows: pa.Table) -> pa.ChunkedArray:
    """Of each row: does it name no transaction, but something else that may lead to one?"""
    names = pc.or_(has(rows.column("message")), has(rows.column("dossier")))
    return pc.and_(pc.invert(has(rows.column("transaction"))), names)


def _named_by(loose: pa.Table) -> tuple[pa.Array, pa.Array]:
    """The messages and dossier numbers that lead from rows without a transaction to one."""
    lines = loose.filter(loose.column("is_event"))
    return distinct_keys(lines.column("message")), distinct_keys(loose.column("dossier"))


def _strings(keys: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(keys, pa.string())])


def _plain(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows as Python values, some at a time."""
    for batch in table.select(list(names)).to_batches(max_chunksize=_PLAIN):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
