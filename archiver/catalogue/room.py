"""The parts of search, put together for one archive."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vanvault.archiver.catalogue.catalogue import Catalogue
from vanvault.archiver.catalogue.claims import Claims
from vanvault.archiver.catalogue.hot_tail.hot_tail import HotTail
from vanvault.archiver.catalogue.index.open import open_index_store
from vanvault.archiver.catalogue.index.store import IndexStore
from vanvault.archiver.catalogue.key_index import KeyIndex
from vanvault.archiver.catalogue.search.histogram import Histograms
from vanvault.archiver.catalogue.search.places import Places
from vanvault.archiver.catalogue.search.search import Search
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import Locator
from vanvault.archiver.catalogue.segments.search import SegmentSearch
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.options import ScanLimits
from vanvault.archiver.core.ports import Clock, Entropy, Stopwatch
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.keys import ParquetKeys, SigningKeys
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
    places: Places
    threads: ThreadPoolExecutor

    def close(self) -> None:
        """Give back threads and files."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.places.close()
        self.files.close()
        self.index.close()


def open_search(
    *,
    tail: HotTail,
    sites: Mapping[str, Site],
    parquet: ParquetKeys,
    provider: KeyProvider,
    signing: SigningKeys,
    store: IndexStore,
    folder: Path,
    cursor_key: bytes,
    clock: Clock,
    stopwatch: Stopwatch,
    entropy: Entropy,
    limits: ScanLimits,
    threads: int,
    cache_bytes: int,
) -> SearchRoom:
    """Search over hot tail and segments.

    Args:
        store: of index files; ``folder``: on local disk, for those in the making.
        threads: row groups decoded at once for one page.
        cache_bytes: decoded row groups and index blocks in memory, together.
    """
    catalogue = Catalogue(tail)
    files = SegmentFiles(sites, parquet, cache_bytes=cache_bytes * 2 // 3)
    locator = Locator(catalogue, files)
    index = KeyIndex(
        store,
        provider=provider,
        catalogue=catalogue,
        files=files,
        folder=folder,
        clock=clock,
        entropy=entropy,
        cache_bytes=cache_bytes // 3,
    )
    pool = ThreadPoolExecutor(threads, thread_name_prefix="search")
    places = Places(sites, stopwatch, there=sites.there if isinstance(sites, Readable) else None)
    search = Search(
        tail=tail,
        catalogue=catalogue,
        index=index,
        segments=SegmentSearch(files, pool),
        locator=locator,
        places=places,
        cursor_key=cursor_key,
        stopwatch=stopwatch,
        limits=limits,
    )
    claims = Claims(tail, catalogue, index, files)
    histograms = Histograms(tail, catalogue, index)
    return SearchRoom(catalogue, files, locator, index, claims, search, histograms, places, pool)


def room_of(
    settings: Settings,
    *,
    home: Path,
    work: Path,
    tail: HotTail,
    sites: Mapping[str, Site],
    parquet: ParquetKeys,
    provider: KeyProvider,
    signing: SigningKeys,
    cursor_key: bytes,
    clock: Clock,
    stopwatch: Stopwatch,
    entropy: Entropy,
) -> SearchRoom:
    """Search as the settings say; ``work``: a folder for index files in the making."""
    return open_search(
        tail=tail,
        sites=sites,
        parquet=parquet,
        provider=provider,
        signing=signing,
        store=open_index_store(
            settings.index.url, home=home, cache=work / "parts", options=settings.index.s3.options()
        ),
        folder=work,
        cursor_key=cursor_key,
        clock=clock,
        stopwatch=stopwatch,
        entropy=entropy,
        limits=settings.search.limits(),
        threads=settings.search.threads,
        cache_bytes=settings.search.cache_bytes,
    )
