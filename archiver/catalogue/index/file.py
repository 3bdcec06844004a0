"""One open index file: look-ups by token, and its blocks in order for merges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson

from vanvault.archiver.catalogue.index import sealing
from vanvault.archiver.catalogue.index.bloom import Filter
from vanvault.archiver.catalogue.index.columns import decode_columns, unpack
from vanvault.archiver.catalogue.index.directory import (
    TRAILER,
    TRAILER_MAGIC,
    Blocks,
    Directory,
    decode_directory,
)
from vanvault.archiver.catalogue.index.fields import IndexSection
from vanvault.archiver.catalogue.index.plan import IndexFacts
from vanvault.archiver.catalogue.index.postings import Postings, decode_postings
from vanvault.archiver.catalogue.index.rollups import Combination, Rollups, decode_rollups
from vanvault.archiver.catalogue.index.segments import SegmentTable, UInt64s
from vanvault.archiver.catalogue.index.store import FILTER_SUFFIX, IndexStore, MappedFile, RangeFile
from vanvault.archiver.catalogue.index.tokens import IndexKeys
from vanvault.archiver.core.caches import BoundedCache
from vanvault.archiver.core.errors import Damaged, NotFound

#: Decoded blocks, bounded by bytes; one for all index files of a process.
BlockCache = BoundedCache[Hashable, Any]
KeysOf = Callable[[str], IndexKeys]
"""The secrets under a key id. Raises KeyUnavailable."""

#: A tail of this many bytes holds the directory of all but the largest files.
_TAIL = 64 * 1024
#: Some 40 bytes for each block of 64 KiB or so: enough for a file of 400 GiB.
_LONGEST_DIRECTORY = 256 * 2**20
_TEXT_COST = 60  # bytes of memory that a short string takes besides its characters
_NUMBERS: dict[IndexSection, int] = {"keys": sealing.KEYS, "facets": sealing.FACETS}


def open_index(store: IndexStore, name: str, keys_of: KeysOf, cache: BlockCache) -> IndexFile:
    """Open an index file and its filter; the filter is read once whole, to check it.

    A local copy that turns out damaged is fetched once more.

    Raises:
        NotFound: the file or its filter is not there.
        Damaged: cut off, changed, or of another format version.
        KeyUnavailable: the index key that it names is missing.
        SiteUnavailable: the store does not answer.
    """
    try:
        return _open(store, name, keys_of, cache)
    except Damaged as error:
        # The digest of the filter is in the file, which was good then.
        store.forget(error.key if error.key == name + FILTER_SUFFIX else name)
        return _open(store, name, keys_of, cache)


def _open(store: IndexStore, name: str, keys_of: KeysOf, cache: BlockCache) -> IndexFile:
    file = store.open(name)
    try:
        encoded = file.read(0, sealing.INDEX_HEADER_BYTES, keep=True)
        header = sealing.decode_index_header(encoded, name)
        keys = keys_of(header.key_id)
        sealer = sealing.Sealer(keys.blocks, encoded)
        directory = _read_directory(file, sealer, name)
        mapped = store.map(name + FILTER_SUFFIX)
        try:
            checked = Filter(
                mapped.view,
                file_id=header.file_id,
                sha256=directory.filter_sha256,
                name=name + FILTER_SUFFIX,
            )
        except Damaged:
            mapped.close()
            raise
        contents = _Contents(header, keys, directory, checked, sealer)
        return IndexFile(name, contents, file, mapped, cache)
    except BaseException:
        file.close()
        raise


def _read_directory(file: RangeFile, sealer: sealing.Sealer, name: str) -> Directory:
    start = max(sealing.INDEX_HEADER_BYTES, file.size - _TAIL)
    tail = file.read(start, file.size - start, keep=True)
    if len(tail) < TRAILER.size:
        raise Damaged(f"{name} is cut off", key=name, hint=sealing.REBUILD)
    offset, length, magic = TRAILER.unpack(tail[-TRAILER.size :])
    if magic != TRAILER_MAGIC or offset + length + TRAILER.size != file.size:
        raise Damaged(f"{name}: its end was changed or cut off", key=name, hint=sealing.REBUILD)
    if length > _LONGEST_DIRECTORY:
        raise Damaged(f"{name}: no directory has {length} bytes", key=name, hint=sealing.REBUILD)
    if offset >= start:
        sealed = tail[offset - start : offset - start + length]
    else:
        sealed = file.read(offset, length, keep=True)
    return decode_directory(sealer.open(sealing.DIRECTORY, 0, sealed, name), offset, name)


@dataclass(frozen=True, slots=True)
class _Contents:
    """What was read and checked when an index file was opened."""

    header: sealing.Header
    keys: IndexKeys
    directory: Directory
    filter: Filter
    sealer: sealing.Sealer


class IndexFile:
    """Safe to share between threads; made by ``open_index``."""

    def __init__(
        self, name: str, contents: _Contents, file: RangeFile, mapped: MappedFile, cache: BlockCache
    ) -> None:
        """``mapped``: the filter's file."""
        self.name = name
        self.header = contents.header
        self.keys = contents.keys
        self.filter = contents.filter
        self.claims = contents.directory.claims
        self._directory = contents.directory
        self._file = file
        self._mapped = mapped
        self._sealer = contents.sealer
        self._cache = cache

    @property
    def table(self) -> SegmentTable:
        """The segments that it covers."""
        return self._directory.table

    @property
    def facts(self) -> IndexFacts:
        """What a plan of merges needs to know."""
        days = sorted(segment.day for segment in self.table.segments) or [""]
        return IndexFacts(self.name, self.header.tier, self.header.key_id, days[0], days[-1])

    @property
    def size(self) -> int:
        """Bytes, without the filter."""
        return self._file.size

    def close(self) -> None:
        self._file.close()
        self._mapped.close()

    def refs(self, section: IndexSection, token: int, low: int = 0, high: int = 2**63) -> UInt64s:
        """The references of a token within [low, high), ascending. Raises Damaged, SiteUnavailable."""
        parts = [self._postings(section, block).of(token) for block in self._span(section, token, low, high)]
        refs = parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.uint64), *parts])
        if low == 0 and high == 2**63:
            return refs
        cuts = np.searchsorted(refs, np.array([low, high], np.uint64))
        return refs[int(cuts[0]) : int(cuts[1])]

    def bound(self, section: IndexSection, token: int, low: int = 0, high: int = 2**63) -> int:
        """As many references as ``refs`` gives, or a few more: reads two blocks at most.

        Raises Damaged, SiteUnavailable.
        """
        span = self._span(section, token, low, high)
        edges = {block for block in (span.start, span.stop - 1) if block in span}
        records = self._directory.keys.records if section == "keys" else self._directory.facets.records
        inner = int(records[span.start + 1 : span.stop - 1].sum()) if len(span) > 2 else 0
        bounds = np.array([low, high], np.uint64)
        for block in edges:
            cuts = np.searchsorted(self._postings(section, block).of(token), bounds)
            inner += int(cuts[1] - cuts[0])
        return inner

    def dossiers(self, prefix: str, limit: int) -> list[str]:
        """The first ``limit`` distinct dossier numbers that start with ``prefix``, ascending.

        Raises Damaged, SiteUnavailable.
        """
        firsts = self._directory.first_dossiers
        found: list[str] = []
        for block in range(max(0, bisect_right(firsts, prefix) - 1), len(firsts)):
            numbers = self._dossier_block(block)
            for number in numbers[bisect_left(numbers, prefix) :]:
                if len(found) == limit or not number.startswith(prefix):
                    return found
                found.append(number)
        return found

    def rollups(self, from_day: int, to_day: int) -> list[Rollups]:
        """Lines, block by block, of days (since 1970) that may lie in [from_day, to_day].

        Raises Damaged, SiteUnavailable.
        """
        edges = zip(self._directory.first_days, self._directory.last_days, strict=True)
        blocks = [block for block, (first, last) in enumerate(edges) if first <= to_day and last >= from_day]
        return [self._rollup_block(block) for block in blocks]

    def months(self) -> list[Rollups]:
        """All lines summed by month, block by block: each line's day is the first of its month.

        Raises Damaged, SiteUnavailable.
        """
        return [
            decode_rollups(
                self._read(sealing.MONTHS, self._directory.months, block), self._combinations(), self.name
            )
            for block in range(len(self._directory.months))
        ]

    def days(self) -> tuple[int, int] | None:
        """First and last day (since 1970) of the rollups; None without any."""
        firsts, lasts = self._directory.first_days, self._directory.last_days
        return (firsts[0], lasts[-1]) if firsts else None

    def all_postings(self, section: IndexSection) -> Iterator[Postings]:
        """Every block in order, past the cache. Raises Damaged, SiteUnavailable."""
        blocks = self._directory.keys if section == "keys" else self._directory.facets
        for block in range(len(blocks)):
            yield self._read_postings(section, block)

    def all_dossiers(self) -> Iterator[str]:
        """Every distinct dossier number, ascending, past the cache. Raises Damaged, SiteUnavailable."""
        blocks = range(len(self._directory.dossiers))
        return chain.from_iterable(self._read_dossiers(block) for block in blocks)

    def _span(self, section: IndexSection, token: int, low: int, high: int) -> range:
        """The blocks that may hold the token's references within [low, high)."""
        blocks = self._directory.keys if section == "keys" else self._directory.facets
        first, end = blocks.span(token)
        # A later block of a long stretch begins with the token and tells with which reference.
        while end - 1 > first and int(blocks.first_refs[end - 1]) >= high:
            end -= 1
        tokens, refs = blocks.first_tokens, blocks.first_refs
        while first + 1 < end and int(tokens[first + 1]) == token and int(refs[first + 1]) <= low:
            first += 1
        return range(first, end)

    def _postings(self, section: IndexSection, block: int) -> Postings:
        def load() -> tuple[Postings, int]:
            found = self._read_postings(section, block)
            return found, found.nbytes

        found: Postings = self._cache.get_or_load((self.header.file_id, section, block), load)
        return found

    def _read_postings(self, section: IndexSection, block: int) -> Postings:
        blocks = self._directory.keys if section == "keys" else self._directory.facets
        return decode_postings(self._read(_NUMBERS[section], blocks, block), self.name)

    def _dossier_block(self, block: int) -> list[str]:
        def load() -> tuple[list[str], int]:
            numbers = self._read_dossiers(block)
            return numbers, sum(map(len, numbers)) + _TEXT_COST * len(numbers)

        found: list[str] = self._cache.get_or_load((self.header.file_id, "dossiers", block), load)
        return found

    def _read_dossiers(self, block: int) -> list[str]:
        plain = self._read(sealing.DOSSIERS, self._directory.dossiers, block)
        lengths, text = decode_columns(plain, 2, self.name)
        whole = text.astype(np.uint8).tobytes()
        ends = np.cumsum(lengths.astype(np.int64)).tolist()
        return [whole[start:end].decode() for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def _rollup_block(self, block: int) -> Rollups:
        def load() -> tuple[Rollups, int]:
            plain = self._read(sealing.ROLLUPS, self._directory.rollups, block)
            part = decode_rollups(plain, self._combinations(), self.name)
            return part, part.nbytes

        found: Rollups = self._cache.get_or_load((self.header.file_id, "rollups", block), load)
        return found

    def _combinations(self) -> Sequence[Combination]:
        def load() -> tuple[Sequence[Combination], int]:
            packed = self._read(sealing.COMBINATIONS, self._directory.combinations, 0)
            plain = unpack(packed, self.name)
            return tuple(Combination(*fields) for fields in orjson.loads(plain)), 5 * len(plain)

        found: Sequence[Combination] = self._cache.get_or_load((self.header.file_id, "combinations", 0), load)
        return found

    def _read(self, section: int, blocks: Blocks, block: int) -> bytes:
        offset, length = int(blocks.offsets[block]), int(blocks.lengths[block])
        try:
            sealed = self._file.read(offset, length)
        except NotFound as error:
            raise NotFound(f"{self.name} was deleted while in use", hint="Ask again.") from error
        return self._sealer.open(section, block, sealed, self.name)
