"""Open parts of segments, and the row groups that were decoded last. Safe to use from many threads.

Nothing is checked against the SHA-256 of a whole part here, because only ranges are read. Of log and evidence
the signed manifest names a digest for each piece, which every range is checked by; whoever reads an original
compares it with the digest in its row. So no row is believed because somebody held the part's data key.

Searches read a log's row blocks (``blocks``, ``log_groups``), and its columns only where it has none; single
entries and what is proved come from the columns (``group``, ``table``).
"""

from __future__ import annotations

import io
import mmap
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pyarrow as pa

from vanvault.archiver.catalogue.segments.row_files import Block, SearchBlock, TableBlock
from vanvault.archiver.core.caches import BoundedCache
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.format.encrypted import MAGIC, reading
from vanvault.archiver.core.format.row_blocks import RowArea, open_area
from vanvault.archiver.core.format.segments import (
    PartHeader,
    check_chunks,
    chunk_range,
    has_chunks,
    header_of,
)
from vanvault.archiver.core.format.segments.schema import DICTIONARY, LOG
from vanvault.archiver.core.model import SegmentManifest, SegmentPart
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import serves_others, unreadable
from vanvault.archiver.stores import Site, SiteReader

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_T = TypeVar("_T")
_O = TypeVar("_O")

#: Read with one request when a part is opened: footer and key material of all but the largest parts.
_TAIL_BYTES = 64 * 1024
#: Parts up to this size get address space of their own length; larger ones are read through Python.
MAPPED_BYTES = 16 * 2**20
#: Memory for heads of row blocks: those of ten years of days with 15 row groups each, or more.
_HEAD_BYTES = 24 * 2**20
#: Length of the footer, and the magic behind it.
_ENDING_BYTES = 8


#: Opens a version of a part (None: the newest) at a site; raises Damaged, NotFound, SiteUnavailable.
_OpenVersion = Callable[[Site, SegmentManifest, SegmentPart, str | None], _O]


@dataclass(frozen=True, slots=True)
class _Way(Generic[_O]):
    """One of two ways to look into a part: its Parquet file, or its row blocks."""

    open: _OpenVersion[_O]
    held: BoundedCache[tuple[str, str], _O]  # by site and key
    size: Callable[[_O], int]  # of one, as ``held`` counts it


@dataclass(frozen=True, slots=True)
class _Rows:
    """A log part's row blocks, as one site gives them."""

    ranges: _PartRanges
    area: RowArea | None  # None: it was written without any

    @property
    def nbytes(self) -> int:
        """Memory that it takes, about."""
        return 2_000 + (100 * len(self.area.head.lengths) if self.area is not None else 0)


@dataclass(slots=True)
class _Open:
    source: StreamedPart | MappedPart
    file: pq.ParquetFile
    header: PartHeader
    columns: tuple[str, ...]
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class LogGroups:
    """How the rows of a log part are cut into row groups."""

    group_rows: int  # rows of every group but the last
    first_us: tuple[int, ...]  # received_at of the first row of every group


class SegmentFiles:
    """Reads row groups of parts, from the first site that gives them."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        keys: ParquetKeys,
        *,
        open_files: int = 512,
        cache_bytes: int = 96 * 2**20,
    ) -> None:
        """``open_files``: parts whose footers stay in memory; ``cache_bytes``: of decoded row groups."""
        self._sites = sites
        self.keys = keys
        self._files = _Way(self._open_version, BoundedCache(open_files), lambda _: 1)
        self._rows = _Way(self._open_rows, BoundedCache(_HEAD_BYTES), lambda rows: rows.nbytes)
        # By part and number: tables by their columns too, blocks without.
        self._groups: BoundedCache[Hashable, Any] = BoundedCache(cache_bytes, largest=cache_bytes // 4)

    @property
    def sites(self) -> Mapping[str, Site]:
        """In the order in which they are asked now."""
        return self._sites

    def header(self, manifest: SegmentManifest, part: SegmentPart) -> PartHeader:
        """The header of a part. Raises Damaged, NotFound, SiteUnavailable, KeyUnavailable."""
        return self._anywhere(self._files, manifest, part, lambda open_: open_.header)

    def log_groups(self, manifest: SegmentManifest, part: SegmentPart) -> LogGroups:
        """Where the rows of a log part lie. Raises as ``header`` does."""
        area = self._anywhere(self._rows, manifest, part, lambda rows: rows.area)
        if area is not None:
            return LogGroups(area.head.group_rows, area.head.first_us)
        header = self.header(manifest, part)
        return LogGroups(header.group_rows, header.first_us)

    def blocks(self, manifest: SegmentManifest, part: SegmentPart, groups: Sequence[int]) -> dict[int, Block]:
        """The rows of row groups of a log that lie near each other, as searches read them.

        Those that are not held yet come with one request to the site, if the part has row blocks.

        Raises Damaged, NotFound, SiteUnavailable: no site gives them; KeyUnavailable.
        """
        found: dict[int, Block] = {}
        for group in groups:
            if (held := self._groups.get((part.key, group))) is not None:
                found[group] = held
        missing = [group for group in groups if group not in found]
        if not missing:
            return found
        span = range(min(missing), max(missing) + 1)
        read = self._anywhere(self._rows, manifest, part, lambda rows: _read_blocks(rows, span))
        for group in missing:
            if read is None:
                found[group] = TableBlock(self.group(manifest, part, group))
            else:
                found[group] = read[group - span.start]
                self._groups.put((part.key, group), found[group], found[group].nbytes)
        return found

    def group(
        self, manifest: SegmentManifest, part: SegmentPart, group: int, columns: Sequence[str] = ()
    ) -> pa.Table:
        """The rows of one row group; ``columns``: only these (all by default).

        Raises Damaged, NotFound, SiteUnavailable: no site gives it; KeyUnavailable.
        """
        wanted = tuple(columns)
        table: pa.Table | None = self._groups.get((part.key, group, ()))
        if table is None and wanted:
            table = self._groups.get((part.key, group, wanted))
        if table is not None:
            return table.select(list(wanted)) if wanted else table
        table = self._anywhere(
            self._files, manifest, part, lambda open_: _read(open_, part.key, group, wanted)
        )
        self._groups.put((part.key, group, wanted), table, table.get_total_buffer_size())
        return table

    def table(self, manifest: SegmentManifest, part: SegmentPart, columns: Sequence[str] = ()) -> pa.Table:
        """All rows of a part (``columns``: only these), past the cache. Raises as ``group`` does."""

        def read(open_: _Open) -> pa.Table:
            with open_.lock, reading(part.key):
                open_.source.load_whole()
                try:
                    return open_.file.read(columns=list(columns) or None, use_threads=False)
                finally:
                    open_.source.unload()

        return self._anywhere(self._files, manifest, part, read)

    def close(self) -> None:
        """Forget everything."""
        self._files.held.clear()
        self._rows.held.clear()
        self._groups.clear()

    def _anywhere(
        self, way: _Way[_O], manifest: SegmentManifest, part: SegmentPart, read: Callable[[_O], _T]
    ) -> _T:
        failure: VanVaultError = NotFound(f"no site holds {part.key}")
        refused: list[tuple[Site, SiteUnavailable]] = []
        for name, site in self._sites.items():
            try:
                return read(self._opened(way, site, manifest, part))
            except (Damaged, NotFound, SiteUnavailable) as error:
                way.held.remove((name, part.key))
                if isinstance(error, SiteUnavailable):
                    refused.append((site, error))
                elif isinstance(error, Damaged):
                    failure = error
        away: SiteUnavailable | None = None
        for site, refusal in refused:
            if not serves_others(site, part.key):  # a site that may yet give it is no damage
                away = away or refusal
                continue
            for older in self._older(way, site, manifest, part):
                with suppress(Damaged, NotFound, SiteUnavailable):
                    return read(older)
            failure = unreadable(site, part.key, refusal)
        raise away or failure

    def _older(self, way: _Way[_O], site: Site, manifest: SegmentManifest, part: SegmentPart) -> Iterator[_O]:
        """What opens of the versions below the newest, which the site refuses to read."""
        try:
            versions = site.versions(part.key)[1:]
        except SiteUnavailable:
            return
        for version in versions:
            try:
                opened = way.open(site, manifest, part, version.version)
            except (Damaged, NotFound, SiteUnavailable):
                continue
            yield opened

    def _opened(self, way: _Way[_O], site: Site, manifest: SegmentManifest, part: SegmentPart) -> _O:
        at = (site.site, part.key)

        def load() -> tuple[_O, int]:
            opened = self._open(way, site, manifest, part)
            return opened, way.size(opened)

        return way.held.get_or_load(at, load)

    def _open(self, way: _Way[_O], site: Site, manifest: SegmentManifest, part: SegmentPart) -> _O:
        """The newest version that opens: an attacker may have put a damaged one after it."""
        try:
            return way.open(site, manifest, part, None)
        except Damaged:
            for older in site.versions(part.key)[1:]:
                if older.size == part.size:
                    with suppress(Damaged, NotFound):
                        return way.open(site, manifest, part, older.version)
            raise

    def _open_version(
        self, site: Site, manifest: SegmentManifest, part: SegmentPart, version: str | None
    ) -> _Open:
        import pyarrow.parquet as pq  # takes 9 ms to load, and row blocks do without

        kind = MappedPart if part.size <= MAPPED_BYTES else StreamedPart
        source = kind(_PartRanges(site, part, version))
        tail = min(source.size(), _TAIL_BYTES)
        source.load(source.size() - tail, tail)
        ending = source.last(_ENDING_BYTES)
        footer = int.from_bytes(ending[:-4], "little") + _ENDING_BYTES
        if ending[-4:] != MAGIC or footer > part.size - len(MAGIC):
            raise Damaged(f"{part.key} at {site.site} is not an encrypted Parquet file", key=part.key)
        if footer > tail:
            source.load(part.size - footer, footer)
        with reading(part.key):
            file = pq.ParquetFile(
                source.native(),
                decryption_properties=self.keys.decryption(part.key),
                pre_buffer=False,
                read_dictionary=list(DICTIONARY) if part.kind == "log" else None,
            )
        source.unload()
        header = header_of(
            file, archive=manifest.archive, segment=manifest.segment, kind=part.kind, key=part.key
        )
        return _Open(source, file, header, tuple(file.schema_arrow.names))

    def _open_rows(
        self, site: Site, manifest: SegmentManifest, part: SegmentPart, version: str | None
    ) -> _Rows:
        ranges = _PartRanges(site, part, version)
        key = part.key
        area = open_area(ranges.fetch, part.size, lambda wrapped: self.keys.data_key(key, wrapped), LOG, key)
        if area is not None:
            head = area.head
            named = (head.archive, head.segment, head.rows)
            if named != (manifest.archive, manifest.segment, part.rows) or area.end > part.size:
                raise Damaged(f"{key} holds the rows of segment {head.segment}", key=key)
        return _Rows(ranges, area)


def _read_blocks(rows: _Rows, run: range) -> list[Block] | None:
    """The blocks of a run of row groups, read with one request; None: the part has none."""
    if rows.area is None:
        return None
    offset, length = rows.area.extent(run.start, run.stop - 1)
    data = memoryview(rows.ranges.fetch(offset, length))
    found: list[Block] = []
    for number in run:
        start, size = rows.area.extent(number, number)
        found.append(SearchBlock(rows.area, number, bytes(data[start - offset : start - offset + size])))
    return found


def _read(open_: _Open, key: str, group: int, columns: tuple[str, ...]) -> pa.Table:
    names = [name for name in columns if name in open_.columns] or None
    with open_.lock, reading(key):
        open_.source.load(*_extent(open_, group))
        try:
            return open_.file.read_row_group(group, columns=names, use_threads=False)
        finally:
            open_.source.unload()


def _extent(open_: _Open, group: int) -> tuple[int, int]:
    """Where a row group's bytes lie: offset and length. The last one is taken up to the end of the file."""
    start = _start(open_, group)
    end = _start(open_, group + 1) if group + 1 < open_.file.num_row_groups else open_.source.size()
    return start, end - start


def _start(open_: _Open, group: int) -> int:
    column = open_.file.metadata.row_group(group).column(0)
    pages = [column.data_page_offset]
    if column.has_dictionary_page:
        pages.append(column.dictionary_page_offset)
    return int(min(pages))


@dataclass(frozen=True, slots=True)
class _PartRanges:
    """Ranges of one version of a part, each checked by the digests in the manifest where it has them."""

    site: SiteReader
    part: SegmentPart
    version: str | None  # None: the newest

    @property
    def size(self) -> int:
        return max(1, self.part.size)

    def fetch(self, offset: int, length: int) -> bytes:
        """Exactly so many bytes. Raises NotFound, SiteUnavailable, Damaged (shorter, or other bytes)."""
        part = self.part
        if not has_chunks(part.kind):
            return self._read(offset, length)
        start, whole = chunk_range(part, offset, length)
        data = self._read(start, whole)
        check_chunks(part, start, data)
        return data[offset - start : offset - start + length]

    def _read(self, offset: int, length: int) -> bytes:
        key, site = self.part.key, self.site
        data = site.get_range(key, offset, length, self.version)
        if len(data) != length:
            raise Damaged(f"{key} at {site.site} ends before byte {offset + length}", key=key, site=site.site)
        return data


class MappedPart:
    """Stretches of one object at their own offsets. Not shared between threads.

    pyarrow decodes from memory without asking Python for every page, so that threads decode side by side.
    What is not loaded takes no memory and reads as zeros, which no page of an encrypted file is.
    """

    def __init__(self, ranges: _PartRanges) -> None:
        self._ranges = ranges
        self._size = ranges.size
        self._memory = mmap.mmap(-1, self._size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def load(self, offset: int, length: int) -> None:
        """Bring a stretch into memory. Raises NotFound, SiteUnavailable, Damaged."""
        data = self._ranges.fetch(offset, length)
        self._memory[offset : offset + length] = data

    def load_whole(self) -> None:
        """Bring all of it into memory. Raises as ``load`` does."""
        self.load(0, self._size)

    def unload(self) -> None:
        """Free everything that was loaded."""
        self._memory.madvise(mmap.MADV_DONTNEED)

    def size(self) -> int:
        """Bytes of the object."""
        return self._size

    def last(self, length: int) -> bytes:
        """The last bytes, which must be loaded."""
        return self._memory[max(0, self._size - length) :]

    def native(self) -> pa.NativeFile:
        """For pyarrow."""
        return pa.BufferReader(pa.py_buffer(self._memory))


class StreamedPart(io.RawIOBase):
    """Reads ranges of one object; its size is known from what names it. Not shared between threads.

    pyarrow asks for every column of a row group by itself. ``load`` brings a stretch into memory with one
    request to the site, and reads within it are served from there.
    """

    def __init__(self, ranges: _PartRanges) -> None:
        super().__init__()
        self._ranges = ranges
        self._size = ranges.size
        self._at = 0
        self._start = 0
        self._loaded = memoryview(b"")

    def load(self, offset: int, length: int) -> None:
        """Hold this stretch, and nothing else, in memory. Raises NotFound, SiteUnavailable, Damaged."""
        self._loaded = memoryview(self._ranges.fetch(offset, length))
        self._start = offset

    def load_whole(self) -> None:
        """Nothing: what is asked for is fetched then."""

    def unload(self) -> None:
        """Free what was loaded."""
        self._loaded = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        """Bytes of the object."""
        return self._size

    def read(self, length: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        wanted = left if length is None or length < 0 else min(length, left)
        if not wanted:
            return b""
        begin = self._at - self._start
        if begin >= 0 and begin + wanted <= len(self._loaded):
            data = bytes(self._loaded[begin : begin + wanted])
        else:
            data = self._ranges.fetch(self._at, wanted)
        self._at += wanted
        return data

    def last(self, length: int) -> bytes:
        """The last bytes. Raises as ``load`` does."""
        self.seek(max(0, self._size - length))
        return self.read()

    def native(self) -> pa.NativeFile:
        """For pyarrow."""
        self.seek(0)
        return pa.PythonFile(self, mode="r")
