"""Questions to the whole index: any number of open files, one answer.

Answers are candidates: a token is 48 bits of an HMAC, and time is judged by whole segments. Whoever reads the
rows compares the values. A row that has the value is never missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from heapq import merge
from itertools import groupby, islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vanvault.archiver.catalogue.index.bloom import mask_of
from vanvault.archiver.catalogue.index.fields import (
    CLAIM_FIELDS,
    FACET_FIELDS,
    KEY_FIELDS,
    TIERS,
    EntryKind,
    IndexSection,
)
from vanvault.archiver.catalogue.index.file import IndexFile
from vanvault.archiver.catalogue.index.rollups import Rollups, add_up, day_number
from vanvault.archiver.catalogue.index.segments import SegmentInfo, UInt64s, overlaps
from vanvault.archiver.catalogue.index.tokens import tokens_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.search_form import search_form

T = TypeVar("T")

Rows = list[tuple[SegmentInfo, npt.NDArray[np.uint32]]]
"""Segments in the order of time, each with ascending row or row-group numbers."""

_END_OF_TIME = 2**62  # microseconds


class IndexReader:
    """Asks a fixed set of files; safe to share between threads. The files are the caller's to close."""

    def __init__(self, files: Iterable[IndexFile], executor: Executor | None = None) -> None:
        """Files whose segments all stand in another file, as after a merge, are left out.

        ``executor``: threads that ask several files at once, worth it where the store is remote.

        Raises InvalidInput when two files share some of their segments but not all.
        """
        self.files: Sequence[IndexFile] = _without_covered(files)
        self._executor = executor
        self._months: Rollups | None = None
        self._secrets = {one.keys.key_id: one.keys for one in self.files}

    def segments(self) -> list[SegmentInfo]:
        """All segments that are indexed, in the order of time."""
        found = [segment for one in self.files for segment in one.table.segments]
        return sorted(found, key=lambda segment: segment.order)

    def rows(self, field: str, value: str, from_us: int = 0, to_us: int = _END_OF_TIME) -> Rows:
        """Rows that may have ``value`` in a key field, in segments with rows in [from_us, to_us).

        Raises InvalidInput (the field), Damaged, SiteUnavailable.
        """
        return self._look_up("keys", field, value, from_us, to_us)

    def row_groups(self, field: str, value: str, from_us: int = 0, to_us: int = _END_OF_TIME) -> Rows:
        """Row groups in which some row may have ``value`` in a facet field; otherwise as ``rows``."""
        return self._look_up("facets", field, value, from_us, to_us)

    def count(self, field: str, value: str, from_us: int = 0, to_us: int = _END_OF_TIME) -> int:
        """At most so many rows have the value; for a key field this is close, and for both it is cheap.

        Reads two blocks a file at most. Raises InvalidInput (the field), Damaged, SiteUnavailable.
        """
        section: IndexSection = "facets" if field in FACET_FIELDS else "keys"
        tokens = self._tokens(section, field, value)

        def ask(file: IndexFile) -> int:
            low, high = _bounds(file, section, from_us, to_us)
            if low == high:
                return 0
            found = file.bound(section, tokens[file.keys.key_id], low, high)
            if section == "keys" or not found:
                return found
            return min(file.table.rows, found * max(one.row_group_rows for one in file.table.segments))

        return sum(self._map(ask))

    def dossiers(self, prefix: str, limit: int) -> tuple[list[str], bool]:
        """The first ``limit`` distinct dossier numbers (their search forms) that start so; are there more?

        Raises InvalidInput (limit below 1), Damaged, SiteUnavailable.
        """
        if limit < 1:
            raise InvalidInput("a limit is at least 1", field="limit")
        form = search_form("dossier_number", prefix)
        distinct = groupby(merge(*self._map(lambda file: file.dossiers(form, limit + 1))))
        found = [number for number, _ in islice(distinct, limit + 1)]
        return found[:limit], len(found) > limit

    def may_hold(self, entry: EntryKind, client_id: str) -> bool:
        """``may_hold_many`` of one id; every new entry is asked for, so this takes no detour over arrays."""
        for key_id, keys in self._secrets.items():
            token = keys.token(CLAIM_FIELDS[entry], client_id)
            mask = mask_of(token)
            if any(one.filter.probe(token, mask) for one in self.files if one.keys.key_id == key_id):
                return True
        return False

    def may_hold_many(self, entry: EntryKind, client_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether the index may hold a message or event with these ids of the gateway's; asks filters only.

        False is certain. True is wrong for less than one id in a hundred for each file.
        """
        found = np.zeros(len(client_ids), bool)
        encoded = [client_id.encode() for client_id in client_ids]
        for key_id, keys in self._secrets.items():
            tokens = tokens_of(keys.tokens, CLAIM_FIELDS[entry], encoded)
            for one in self.files:
                if one.keys.key_id == key_id:
                    found |= one.filter.probe_many(tokens)
        return found

    def claims(self, entry: EntryKind, client_id: str) -> Rows:
        """Rows that may be the message or event to which a gateway gave this id; [] when there is none.

        Files whose filter says no are not read. Raises Damaged, SiteUnavailable.
        """
        field = CLAIM_FIELDS[entry]
        tokens = self._tokens("keys", field, client_id)
        masks = {key_id: mask_of(token) for key_id, token in tokens.items()}

        def ask(file: IndexFile) -> Rows:
            key_id = file.keys.key_id
            if not file.filter.probe(tokens[key_id], masks[key_id]):
                return []
            refs = file.refs("keys", tokens[key_id])
            return file.table.split("keys", _numbers("keys", refs[(refs & np.uint64(1)).astype(bool)]))

        return _in_order(self._map(ask))

    def rollups(self, from_day: str = "1970-01-01", to_day: str = "9999-12-31") -> Rollups:
        """Counts and bytes of the days (YYYY-MM-DD, UTC) from ``from_day`` to ``to_day``, both included.

        Raises InvalidInput (a day, or the range is reversed), Damaged, SiteUnavailable.
        """
        first, last = day_number(from_day), day_number(to_day)
        if first > last:
            raise InvalidInput("the range of days is reversed", field="from")
        parts = self._map(lambda file: file.rollups(first, last))
        return add_up(part.within(first, last) for found in parts for part in found)

    def months(self) -> Rollups:
        """Everything, summed by month: each line's day is the first of its month. Read once, then kept.

        Raises Damaged, SiteUnavailable.
        """
        if self._months is None:
            self._months = add_up(part for found in self._map(IndexFile.months) for part in found)
        return self._months

    def _look_up(self, section: IndexSection, field: str, value: str, from_us: int, to_us: int) -> Rows:
        tokens = self._tokens(section, field, value)

        def ask(file: IndexFile) -> Rows:
            low, high = _bounds(file, section, from_us, to_us)
            if low == high:
                return []
            refs = file.refs(section, tokens[file.keys.key_id], low, high)
            found = file.table.split(section, _numbers(section, refs))
            return [(segment, numbers) for segment, numbers in found if overlaps(segment, from_us, to_us)]

        return _in_order(self._map(ask))

    def _tokens(self, section: IndexSection, field: str, value: str) -> dict[str, int]:
        """The token under each index key."""
        fields = KEY_FIELDS if section == "keys" else FACET_FIELDS
        if field not in fields:
            raise InvalidInput(f"the index knows {', '.join(fields)}, not {field}", field=field)
        return {key_id: keys.token(field, value) for key_id, keys in self._secrets.items()}

    def _map(self, ask: Callable[[IndexFile], T]) -> list[T]:
        if self._executor is None:
            return [ask(one) for one in self.files]
        return list(self._executor.map(ask, self.files))


def _bounds(file: IndexFile, section: IndexSection, from_us: int, to_us: int) -> tuple[int, int]:
    """References [low, high) of the segments with rows in the range."""
    table = file.table
    if from_us <= table.first_us and table.last_us < to_us:
        return 0, 2**63
    low, high = table.span(section, from_us, to_us)
    return (low * 2, high * 2) if section == "keys" else (low, high)


def _numbers(section: IndexSection, refs: UInt64s) -> npt.NDArray[np.int64]:
    """Running numbers of references, each once: a row that is a claim has one reference all the same."""
    return (refs >> np.uint64(1) if section == "keys" else refs).astype(np.int64)


def _in_order(parts: Iterable[Rows]) -> Rows:
    return sorted((one for part in parts for one in part), key=lambda one: one[0].order)


def _without_covered(files: Iterable[IndexFile]) -> list[IndexFile]:
    """Higher tiers and larger files win."""
    ranked = sorted(
        files, key=lambda one: (TIERS.index(one.header.tier), len(one.table.segments)), reverse=True
    )
    seen: set[str] = set()
    kept = []
    for one in ranked:
        keys = {segment.key for segment in one.table.segments}
        if keys <= seen:
            continue
        if keys & seen:
            raise InvalidInput(
                f"{one.name} repeats some segments of other index files, but not all",
                hint="Rebuild the index: vanvault index rebuild.",
            )
        seen |= keys
        kept.append(one)
    return sorted(kept, key=lambda one: (one.table.first_us, one.name))
