"""Which rows of which segments a query has to look at: the index's answers put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vanvault.archiver.catalogue.arrays import distinct
from vanvault.archiver.catalogue.catalogue import CatalogueState, KnownSegment
from vanvault.archiver.catalogue.index.fields import FACET_FIELDS, KEY_FIELDS
from vanvault.archiver.catalogue.index.reader import IndexReader, Rows
from vanvault.archiver.catalogue.items import DOSSIER_PREFIX
from vanvault.archiver.catalogue.search.query import Bounds, Query
from vanvault.archiver.core.errors import InvalidInput

Numbers = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One segment that may hold something."""

    segment: KnownSegment
    rows: Numbers | None  # ascending; None: every row
    groups: Numbers | None  # row groups, ascending; None: every one


#: Distinct dossier numbers that one prefix may stand for.
MAX_DOSSIERS = 256


def is_keyed(query: Query) -> bool:
    """Does the index lead to single rows?"""
    return any(field in KEY_FIELDS or field == DOSSIER_PREFIX for field in query.filters)


def first_window(reader: IndexReader, query: Query, segments: int) -> int:
    """How many segments the first page will likely need. Raises Damaged, SiteUnavailable."""
    keyed = [pair for pair in query.filters.items() if pair[0] in KEY_FIELDS]
    if not keyed:
        return segments if DOSSIER_PREFIX in query.filters else _FIRST_SCANNED
    rows = min(reader.count(field, value, query.from_us, query.to_us) for field, value in keyed)
    if rows <= _PAGES * query.limit:
        return segments
    return max(_FIRST_SCANNED, segments * _PAGES * query.limit // rows)


def candidates(reader: IndexReader, query: Query, state: CatalogueState, window: Bounds) -> list[Candidate]:
    """Segments to look at within a window. Raises Damaged, SiteUnavailable: of the index store."""
    span = window.from_us, window.to_us + 1
    rows: dict[str, Numbers] | None = None
    for field, value in _rarest_first(reader, query):
        rows = _both(rows, reader.rows(field, value, *span))
        if not rows:
            return []
    if rows is None and DOSSIER_PREFIX in query.filters:
        rows = _by_prefix(reader, query, span)
        if not rows:
            return []
    groups: dict[str, Numbers] | None = None
    for field, value in _facets(query).items():
        if rows is not None and sum(map(len, rows.values())) <= _FEW_ROWS:
            break  # reading the few rows costs less than asking for more
        groups = _both(groups, reader.row_groups(field, value, *span))
        if not groups:
            return []
    if rows is None and groups is None:
        return [
            Candidate(segment, None, None)
            for segment in state.by_log.values()
            if segment.manifest.first_us < span[1] and segment.manifest.last_us >= span[0]
        ]
    named = rows if rows is not None else groups or {}
    found = [(segment, key) for key in named if (segment := state.by_log.get(key)) is not None]
    return [
        candidate
        for segment, key in found
        if (candidate := _candidate(segment, key, rows, groups)) is not None
    ]


#: Segments that a search without a key looks at first.
_FIRST_SCANNED = 8
#: A key with at most so many pages of rows is looked up over all time at once.
_PAGES = 8
_FEW_ROWS = 200


def _candidate(
    segment: KnownSegment,
    key: str,
    rows: Mapping[str, Numbers] | None,
    groups: Mapping[str, Numbers] | None,
) -> Candidate | None:
    here = groups.get(key) if groups is not None else None
    if groups is not None and here is None:
        return None
    return Candidate(segment, rows[key] if rows is not None else None, here)


def _by_prefix(reader: IndexReader, query: Query, span: tuple[int, int]) -> dict[str, Numbers]:
    """Rows of every dossier number that begins so, where no other field leads to rows.

    Raises InvalidInput when there are too many.
    """
    numbers, more = reader.dossiers(query.filters[DOSSIER_PREFIX], MAX_DOSSIERS)
    if more:
        raise InvalidInput(
            f"more than {MAX_DOSSIERS} dossier numbers begin like this",
            field=DOSSIER_PREFIX,
            hint="Give more of the number's characters, or another key field with it.",
        )
    found: dict[str, list[Numbers]] = {}
    for number in numbers:
        for info, rows in reader.rows("dossier_number", number, *span):
            found.setdefault(info.key, []).append(rows)
    return {key: distinct(np.concatenate(parts)) for key, parts in found.items()}


def _rarest_first(reader: IndexReader, query: Query) -> Sequence[tuple[str, str]]:
    keyed = [(field, value) for field, value in query.filters.items() if field in KEY_FIELDS]
    if len(keyed) < 2:
        return keyed
    return sorted(keyed, key=lambda pair: reader.count(pair[0], pair[1], query.from_us, query.to_us))


def _facets(query: Query) -> dict[str, str]:
    facets = {field: value for field, value in query.filters.items() if field in FACET_FIELDS}
    if query.filters.get("entry") == "event":
        facets.setdefault("kind", "event")  # every event has this kind
    return facets


def _both(before: dict[str, Numbers] | None, found: Rows) -> dict[str, Numbers]:
    now = {info.key: numbers for info, numbers in found}
    if before is None:
        return now
    common = {
        key: np.intersect1d(before[key], now[key], assume_unique=True) for key in before.keys() & now.keys()
    }
    return {key: numbers for key, numbers in common.items() if len(numbers)}
