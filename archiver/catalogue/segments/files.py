"""Open parts of segments, and the row groups that were decoded last. Safe to use from many threads.

Nothing is checked against the SHA-256 of a whole part here, because only ranges are read: every page is
authenticated by AES-GCM, the header within says of which segment the part is, and whoever reads an
original compares it with the digest in its row.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from vanvault.archiver.catalogue.segments.range_file import RangeFile
from vanvault.archiver.catalogue.segments.sparse_file import SparseFile
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.format import DICTIONARY, MAGIC, PartHeader, header_of, reading
from vanvault.archiver.core.model import SegmentManifest, SegmentPart
from vanvault.archiver.keys import ParquetKeys
from vanvault.archiver.stores import Site

_T = TypeVar("_T")

#: Read with one request when a part is opened: footer and key material of all but the largest parts.
_TAIL_BYTES = 64 * 1024
#: Parts up to this size get address space of their own length; larger ones are read through Python.
SPARSE_BYTES = 16 * 2**20
#: Length of the footer, and the magic behind it.
_ENDING_BYTES = 8


@dataclass(slots=True)
class _Open:
    source: RangeFile | SparseFile
    file: pq.ParquetFile
    header: PartHeader
    columns: tuple[str, ...]
    lock: threading.Lock = field(default_factory=threading.Lock)


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
        self._keys = keys
        self._open_files = open_files
        self._cache_bytes = cache_bytes
        self._files: OrderedDict[tuple[str, str], _Open] = OrderedDict()  # by site and key
        self._groups: OrderedDict[tuple[str, int, tuple[str, ...]], pa.Table] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def header(self, manifest: SegmentManifest, part: SegmentPart) -> PartHeader:
        """The header of a part. Raises Damaged, NotFound, SiteUnavailable, KeyUnavailable."""
        return self._anywhere(manifest, part, lambda open_: open_.header)

    def group(
        self, manifest: SegmentManifest, part: SegmentPart, group: int, columns: Sequence[str] = ()
    ) -> pa.Table:
        """The rows of one row group; ``columns``: only these (all by default).

        Raises Damaged, NotFound, SiteUnavailable: no site gives it; KeyUnavailable.
        """
        wanted = tuple(columns)
        with self._lock:
            for cached in ((part.key, group, ()), (part.key, group, wanted)):
                if cached in self._groups:
                    self._groups.move_to_end(cached)
                    table = self._groups[cached]
                    return table.select(list(wanted)) if wanted else table
        table = self._anywhere(manifest, part, lambda open_: _read(open_, part.key, group, wanted))
        self._keep((part.key, group, wanted), table)
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

        return self._anywhere(manifest, part, read)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._files.clear()
            self._groups.clear()
            self._held = 0

    def _keep(self, at: tuple[str, int, tuple[str, ...]], table: pa.Table) -> None:
        size = table.get_total_buffer_size()
        if size > self._cache_bytes // 4:
            return
        with self._lock:
            if at not in self._groups:
                self._groups[at] = table
                self._held += size
            while self._held > self._cache_bytes and self._groups:
                _, dropped = self._groups.popitem(last=False)
                self._held -= dropped.get_total_buffer_size()

    def _anywhere(self, manifest: SegmentManifest, part: SegmentPart, read: Callable[[_Open], _T]) -> _T:
        failure: VanVaultError = NotFound(f"no site holds {part.key}")
        for name, site in self._sites.items():
            try:
                return read(self._opened(site, manifest, part))
            except NotFound:
                self._forget(name, part.key)
            except (Damaged, SiteUnavailable) as error:
                self._forget(name, part.key)
                if not isinstance(failure, SiteUnavailable):  # a site that may yet give it is no damage
                    failure = error
        raise failure

    def _opened(self, site: Site, manifest: SegmentManifest, part: SegmentPart) -> _Open:
        at = (site.site, part.key)
        with self._lock:
            found = self._files.get(at)
            if found is not None:
                self._files.move_to_end(at)
                return found
        found = self._open(site, manifest, part)
        with self._lock:
            self._files[at] = found
            while len(self._files) > self._open_files:
                self._files.popitem(last=False)
        return found

    def _open(self, site: Site, manifest: SegmentManifest, part: SegmentPart) -> _Open:
        """The newest version, or the newest below it that opens: whoever may write may put garbage on top."""
        try:
            return self._open_version(site, manifest, part, None)
        except Damaged:
            for older in site.versions(part.key)[1:]:
                if older.size == part.size:
                    with suppress(Damaged, NotFound):
                        return self._open_version(site, manifest, part, older.version)
            raise

    def _open_version(
        self, site: Site, manifest: SegmentManifest, part: SegmentPart, version: str | None
    ) -> _Open:
        kind = SparseFile if part.size <= SPARSE_BYTES else RangeFile
        source = kind(site, part.key, max(1, part.size), version)
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
                decryption_properties=self._keys.decryption(),
                pre_buffer=False,
                read_dictionary=list(DICTIONARY) if part.kind == "log" else None,
            )
        source.unload()
        header = header_of(
            file, archive=manifest.archive, segment=manifest.segment, kind=part.kind, key=part.key
        )
        return _Open(source, file, header, tuple(file.schema_arrow.names))

    def _forget(self, site: str, key: str) -> None:
        with self._lock:
            self._files.pop((site, key), None)


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
