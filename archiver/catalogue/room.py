"""The parts of search, put together for one archive."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vanvault.archiver.catalogue.catalogue import Catalogue
from vanvault.archiver.catalogue.claims import Claims
from vanvault.archiver.catalogue.columns import LogColumns
from vanvault.archiver.catalogue.hot_tail import HotTail
from vanvault.archiver.catalogue.key_index import IndexStorage, KeyIndex
from vanvault.archiver.catalogue.originals import Originals
from vanvault.archiver.catalogue.search.copies import CopyLookup
from vanvault.archiver.catalogue.search.histogram import Histograms
from vanvault.archiver.catalogue.search.search import Search, SearchSources
from vanvault.archiver.catalogue.search.sources import SegmentSearch
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import Locator
from vanvault.archiver.core.options import SearchLimits
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import Readable
from vanvault.archiver.stores import Site


@dataclass(frozen=True, slots=True)
class SearchRoom:
    """Everything that finds entries."""

    catalogue: Catalogue
    files: SegmentFiles
    locator: Locator
    index: KeyIndex
    claims: Claims
    search: Search
    histograms: Histograms
    originals: Originals
    copies: CopyLookup
    columns: LogColumns
    threads: ThreadPoolExecutor

    @classmethod
    def open(
        cls,
        tail: HotTail,
        sites: Mapping[str, Site],
        keys: ParquetKeys,
        storage: IndexStorage,
        ports: Ports,
        limits: SearchLimits,
    ) -> SearchRoom:
        """Search over the hot tail and the segments of ``sites``; ``keys`` opens and seals their files."""
        catalogue = Catalogue(tail)
        files = SegmentFiles(sites, keys, cache_bytes=limits.cache_bytes * 2 // 3)
        locator = Locator(catalogue, files)
        index = KeyIndex(
            storage,
            provider=keys.provider,
            catalogue=catalogue,
            files=files,
            ports=ports,
            cache_bytes=limits.cache_bytes // 3,
        )
        threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="search")
        there = sites.there if isinstance(sites, Readable) else None
        copies = CopyLookup(sites, ports.stopwatch, there=there)
        search = Search(
            SearchSources(tail, catalogue, index, SegmentSearch(files, threads), locator),
            copies,
            cursor_key=tail.cursor_key,
            stopwatch=ports.stopwatch,
            limits=limits.scan,
        )
        claims = Claims(tail, catalogue, index, files)
        histograms = Histograms(tail, catalogue, index)
        originals = Originals(sites, keys, locator)
        return cls(
            catalogue=catalogue,
            files=files,
            locator=locator,
            index=index,
            claims=claims,
            search=search,
            histograms=histograms,
            originals=originals,
            copies=copies,
            columns=LogColumns(tail, catalogue, files),
            threads=threads,
        )

    def close(self) -> None:
        """Stop the threads and close the files."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.copies.close()
        self.files.close()
        self.index.close()
