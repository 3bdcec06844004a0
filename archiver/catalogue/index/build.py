"""From rows of a segment to postings, column by column.

Each column is turned into a dictionary first, so that a distinct value costs one HMAC; what follows are
sorts and look-ups in arrays.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vanvault.archiver.catalogue.index.fields import (
    CLAIM_FIELDS,
    DEFAULT_GROUP_ROWS,
    FACET_FIELDS,
    KEY_FIELDS,
    ROLLUP_FIELDS,
    Tier,
)
from vanvault.archiver.catalogue.index.postings import sort_postings
from vanvault.archiver.catalogue.index.rollups import Combination, Rollups, add_up
from vanvault.archiver.catalogue.index.segments import Int64s, SegmentInfo, SegmentTable, UInt64s
from vanvault.archiver.catalogue.index.tokens import IndexKeys, tokens_of
from vanvault.archiver.catalogue.index.writer import IndexSummary, IndexWriter
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.core.search_form import search_form

#: The columns that ``index_rows`` reads.
COLUMNS = (
    "entry",
    "received_at",
    "size",
    "sha256",
    "insurance_numbers",
    *(name for name in KEY_FIELDS if name not in ("sha256", "insurance_number")),
    *FACET_FIELDS,
)

_TEXTS = tuple(name for name in COLUMNS if name not in ("received_at", "size", "sha256", "insurance_numbers"))
_DAY_US = 86_400_000_000
_DISPOSED = b"disposed"  # the entry of a row of which nothing is left but its place and ids
_DIGEST_BYTES = 32
_BITMAP = 2**26  # pairs of value and row group that are marked in a bitmap instead of sorted

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RowsIndex:
    """What a stretch of rows of one segment puts into the index; numbers are the segment's own."""

    key_tokens: UInt64s  # sorted with key_refs
    key_refs: UInt64s  # row * 2, + 1 for a claim
    facet_tokens: UInt64s  # sorted with facet_groups
    facet_groups: UInt64s
    dossiers: Sequence[str]  # search forms
    rollups: Rollups


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column as codes into its distinct values; code -1 is unknown."""

    codes: Int64s
    values: Sequence[bytes]  # UTF-8


def index_rows(
    table: pa.Table,
    keys: IndexKeys,
    *,
    first_row: int = 0,
    row_group_rows: int = DEFAULT_GROUP_ROWS,
    leave_out: Bools | None = None,
) -> RowsIndex:
    """Index some rows of a segment, in the segment's order.

    Args:
        table: with COLUMNS; more are ignored. Null texts are unknown, as "" is.
        first_row: number within the segment of the table's first row.
        leave_out: true for rows that stay out of postings and rollups; they keep their numbers.
    """
    table = table.select(list(COLUMNS))
    rows = np.arange(first_row, first_row + table.num_rows, dtype=np.int64)
    if leave_out is not None and leave_out.any():
        table, rows = table.filter(pa.array(~leave_out)), rows[~leave_out]
    table = table.combine_chunks()
    coded = {name: _coded(table.column(name)) for name in _TEXTS}
    key_tokens, key_refs = _key_postings(table, coded, rows, keys)
    facets = [_groups(coded[name], rows // row_group_rows, name, keys) for name in FACET_FIELDS]
    facet_tokens, facet_groups = sort_postings(
        np.concatenate([tokens for tokens, _ in facets]), np.concatenate([groups for _, groups in facets])
    )
    numbers = [
        search_form("dossier_number", value.decode()) for value in coded["dossier_number"].values if value
    ]
    return RowsIndex(key_tokens, key_refs, facet_tokens, facet_groups, numbers, _rollups(table, coded))


def write_index(
    path: Path,
    parts: Iterable[tuple[SegmentInfo, Sequence[RowsIndex]]],
    keys: IndexKeys,
    entropy: Entropy,
    *,
    tier: Tier = "day",
) -> IndexSummary:
    """Write the index file at ``path`` and its filter beside it, for whole segments.

    Both files must not exist yet. Raises InvalidInput (a segment twice), OSError.
    """
    given = list(parts)
    table = SegmentTable(info for info, _ in given)
    places = {info.key: place for place, info in enumerate(table.segments)}
    moved = [
        (part, np.uint64(table.row_bases[places[info.key]]), np.uint64(table.group_bases[places[info.key]]))
        for info, found in sorted(given, key=lambda one: one[0].order)
        for part in found
    ]
    tokens, refs = _together(
        [(part.key_tokens, part.key_refs + rows * np.uint64(2)) for part, rows, _ in moved]
    )
    claims = int((refs & np.uint64(1)).sum())
    with IndexWriter(path, tier, keys, entropy, claims=claims) as writer:
        writer.postings("keys", tokens, refs)
        writer.postings(
            "facets",
            *_together([(part.facet_tokens, part.facet_groups + groups) for part, _, groups in moved]),
        )
        writer.dossiers(sorted(set(chain.from_iterable(part.dossiers for part, _, _ in moved))))
        writer.rollups(add_up(part.rollups for part, _, _ in moved))
        return writer.finish(table.segments)


def _together(parts: Sequence[tuple[UInt64s, UInt64s]]) -> tuple[UInt64s, UInt64s]:
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, np.uint64)
    tokens = np.concatenate([none, *(tokens for tokens, _ in parts)])
    return sort_postings(tokens, np.concatenate([none, *(refs for _, refs in parts)]))


def _coded(column: Any) -> _Coded:
    coded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(coded.type):
        coded = coded.dictionary_decode()  # it may list values that no row has
    coded = coded.dictionary_encode()
    values = _texts(coded.dictionary)
    codes = np.asarray(coded.indices.fill_null(-1)).astype(np.int64)
    return _Coded(codes, values)


def _texts(texts: Any) -> list[bytes]:
    """The UTF-8 of an array without nulls, cut from its buffer: half the price of Arrow's own way."""
    whole = texts.cast(pa.large_binary())
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1].tolist()
    joined = data.to_pybytes() if data is not None else b""
    return [joined[start:end] for start, end in pairwise(ends)]


def _key_postings(
    table: pa.Table, coded: dict[str, _Coded], rows: Int64s, keys: IndexKeys
) -> tuple[UInt64s, UInt64s]:
    """Sort distinct tokens once, then pairs of (rank, reference) as one number each: the fastest sort."""
    entry = coded["entry"]
    # Of what was disposed of a row keeps the one id that its gateway chose, and nobody may take it again.
    gone = _equal(entry, _DISPOSED)
    claims = {name: _equal(entry, kind.encode()) | gone for kind, name in CLAIM_FIELDS.items()}
    tokens: list[UInt64s] = []
    codes: list[Int64s] = []
    refs: list[Int64s] = []
    known = 0

    def add(name: str, values: Sequence[bytes], chosen: Int64s, references: Int64s) -> None:
        nonlocal known
        tokens.append(tokens_of(keys.tokens, name, values))
        codes.append(chosen + known)
        refs.append(references)
        known += len(values)

    for name in KEY_FIELDS:
        if name == "sha256":
            values, where = _hex_digests(table.column(name))
            add(name, values, np.arange(len(values)), rows[where] * 2)
        elif name == "insurance_number":
            one, where = _numbers(table.column("insurance_numbers"))
            used = _known(one)
            add(name, one.values, one.codes[used], rows[where[used]] * 2)
        else:
            one, claim = coded[name], claims.get(name)
            used = _known(one)
            references = rows[used] * 2
            add(name, one.values, one.codes[used], references if claim is None else references + claim[used])
    distinct, ranks = np.unique(np.concatenate(tokens), return_inverse=True)
    pairs = ranks.astype(np.uint64)[np.concatenate(codes)] << np.uint64(32)
    pairs |= np.concatenate(refs).astype(np.uint64)
    pairs.sort()
    if len(pairs):
        pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])]
    return distinct[(pairs >> np.uint64(32)).astype(np.int64)], pairs & np.uint64(2**32 - 1)


def _equal(one: _Coded, value: bytes) -> Bools:
    return np.equal(one.codes, one.values.index(value) if value in one.values else -2)


def _known(one: _Coded) -> Bools:
    """Where the column says something."""
    known = one.codes >= 0
    if b"" in one.values:
        known &= one.codes != one.values.index(b"")
    return known


def _hex_digests(column: Any) -> tuple[list[bytes], Int64s]:
    """Digests as hexadecimal text, and the positions of the rows that have one."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    where = np.flatnonzero(np.asarray(whole.is_valid()))
    digests = whole.drop_null().cast(pa.binary(_DIGEST_BYTES))
    start, width = digests.offset * _DIGEST_BYTES, 2 * _DIGEST_BYTES
    joined = digests.buffers()[1]
    text = binascii.hexlify(
        memoryview(joined)[start : start + len(digests) * _DIGEST_BYTES] if joined else b""
    )
    return [text[at : at + width] for at in range(0, len(text), width)], where


def _numbers(column: Any) -> tuple[_Coded, Int64s]:
    """The numbers of all lists, and the position of the row of each."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return _coded(whole.flatten()), np.asarray(whole.value_parent_indices()).astype(np.int64)


def _groups(one: _Coded, groups: Int64s, name: str, keys: IndexKeys) -> tuple[UInt64s, UInt64s]:
    """Tokens and row groups in which each value of a facet stands."""
    used = _known(one)
    codes, groups = one.codes[used], groups[used]
    if not len(codes):
        return np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    distinct, ranks = np.unique(tokens_of(keys.tokens, name, one.values), return_inverse=True)
    codes = ranks[codes]  # values of one search form are one
    first, width = int(groups[0]), len(distinct)
    places = (groups - first) * width + codes
    if (size := (int(groups[-1]) - first + 1) * width) <= _BITMAP:
        marks = np.zeros(size, bool)
        marks[places] = True
        places = np.flatnonzero(marks)
    else:
        places = np.unique(places)
    return distinct[places % width], (places // width + first).astype(np.uint64)


def _rollups(table: pa.Table, coded: dict[str, _Coded]) -> Rollups:
    if not table.num_rows:
        return Rollups.empty()
    received = np.asarray(table.column("received_at").cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))
    lines = pa.table(
        {
            "day": received // _DAY_US,
            **{name: coded[name].codes for name in ROLLUP_FIELDS},
            "size": table.column("size").cast(pa.int64()),
        }
    )
    grouped = lines.group_by(["day", *ROLLUP_FIELDS], use_threads=False).aggregate(
        [("size", "count"), ("size", "sum")]
    )
    texts = [
        [coded[name].values[code].decode() if code >= 0 else "" for code in grouped.column(name).to_pylist()]
        for name in ROLLUP_FIELDS
    ]
    combinations = [Combination(*values) for values in zip(*texts, strict=True)]
    return add_up(
        [
            Rollups(
                combinations,
                np.asarray(grouped.column("day")).astype(np.int64),
                np.arange(len(combinations), dtype=np.int64),
                np.asarray(grouped.column("size_count")).astype(np.int64),
                np.asarray(grouped.column("size_sum")).astype(np.int64),
            )
        ]
    )
