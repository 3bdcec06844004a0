"""Merging index files of one key into one of the next tier, in bounded memory. Which to merge: ``plan``.

All inputs are walked at once in the order of (token, reference). In each step every input gives what is not
above the smallest of the pairs that the inputs have read up to, so a few blocks of each are held at a time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path

import numpy as np

from vanvault.archiver.catalogue.index.fields import IndexSection, Tier
from vanvault.archiver.catalogue.index.file import IndexFile
from vanvault.archiver.catalogue.index.postings import sort_postings
from vanvault.archiver.catalogue.index.rollups import add_up
from vanvault.archiver.catalogue.index.segments import SegmentTable, UInt64s
from vanvault.archiver.catalogue.index.writer import IndexSummary, IndexWriter
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.ports import Entropy

#: Blocks of one input that are decoded at once.
_BLOCKS = 16
#: Days whose rollups are summed at once.
_DAYS = 31


def merge_index(inputs: Sequence[IndexFile], path: Path, tier: Tier, entropy: Entropy) -> IndexSummary:
    """Write one index file at ``path`` (and its filter) that says what all ``inputs`` say.

    Raises:
        InvalidInput: no inputs, inputs of different index keys, or a segment that stands in two of them.
        Damaged, SiteUnavailable: an input cannot be read; nothing is left at ``path``.
    """
    if not inputs:
        raise InvalidInput("nothing to merge")
    if len({one.header.key_id for one in inputs}) != 1:
        raise InvalidInput("index files of different keys cannot be merged", hint="Rebuild the older ones.")
    table = SegmentTable(segment for one in inputs for segment in one.table.segments)
    ordered = sorted(inputs, key=lambda one: (one.table.first_us, one.table.last_us))
    claims = sum(one.claims for one in ordered)
    with IndexWriter(path, tier, inputs[0].keys, entropy, claims=claims) as writer:
        sections: tuple[IndexSection, ...] = ("keys", "facets")
        for section in sections:
            for tokens, refs in _merged([_Cursor(one, section, table) for one in ordered]):
                writer.postings(section, tokens, refs)
        numbers = heapq.merge(*(one.all_dossiers() for one in ordered))
        writer.dossiers(number for number, _ in groupby(numbers))
        _merge_rollups(ordered, writer)
        return writer.finish(table.segments)


class _Cursor:
    """One input's pairs with references of the merged file, some blocks at a time."""

    def __init__(self, file: IndexFile, section: IndexSection, table: SegmentTable) -> None:
        places = {segment.key: place for place, segment in enumerate(table.segments)}
        chosen = [places[segment.key] for segment in file.table.segments]
        self._bases = file.table.bases(section)
        self._moves = (table.bases(section)[chosen] - self._bases[:-1]).astype(np.uint64)
        self._shift = np.uint64(1 if section == "keys" else 0)  # a key's lowest bit is its claim
        self._blocks = file.all_postings(section)
        self.tokens = self.refs = np.zeros(0, np.uint64)
        self.fill()

    def fill(self) -> bool:
        """Read on when nothing is left; whether there is anything."""
        if len(self.tokens):
            return True
        blocks = list(islice(self._blocks, _BLOCKS))
        if not blocks:
            return False
        refs = np.concatenate([block.refs for block in blocks])
        numbers = (refs >> self._shift).astype(np.int64)
        segments = np.searchsorted(self._bases, numbers, "right") - 1
        self.tokens = np.concatenate([block.flat() for block in blocks])
        self.refs = refs + (self._moves[segments] << self._shift)
        return True

    def last(self) -> tuple[int, int]:
        return int(self.tokens[-1]), int(self.refs[-1])

    def take(self, token: int, ref: int) -> tuple[UInt64s, UInt64s]:
        """All pairs up to and with (token, ref)."""
        low = int(np.searchsorted(self.tokens, np.uint64(token), "left"))
        high = int(np.searchsorted(self.tokens, np.uint64(token), "right"))
        cut = low + int(np.searchsorted(self.refs[low:high], np.uint64(ref), "right"))
        taken = self.tokens[:cut], self.refs[:cut]
        self.tokens, self.refs = self.tokens[cut:], self.refs[cut:]
        return taken


def _merged(cursors: list[_Cursor]) -> Iterator[tuple[UInt64s, UInt64s]]:
    while live := [cursor for cursor in cursors if cursor.fill()]:
        token, ref = min(cursor.last() for cursor in live)
        taken = [cursor.take(token, ref) for cursor in live]
        tokens = np.concatenate([tokens for tokens, _ in taken])
        yield sort_postings(tokens, np.concatenate([refs for _, refs in taken]))


def _merge_rollups(inputs: Sequence[IndexFile], writer: IndexWriter) -> None:
    spans = [days for one in inputs if (days := one.days()) is not None]
    if not spans:
        return
    end = max(last for _, last in spans)
    day = min(first for first, _ in spans)
    while day <= end:
        to_day = min(day + _DAYS - 1, end)
        parts = [part.within(day, to_day) for one in inputs for part in one.rollups(day, to_day)]
        writer.rollups(add_up(parts))
        day = to_day + 1
