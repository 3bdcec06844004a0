"""An archive that can only be read: production as a drill sees it, and what a drill has rebuilt.

Both are the same thing, keys, readers of sites, a hot tail, search and receipts, so that their answers can be
compared. Production's hot tail is the home's; a rebuilt one lies in the scratch folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from vanvault.archiver.appliance import INDEX_WORK, Archive, hot_tail_of
from vanvault.archiver.catalogue import (
    Catalogue,
    FirstReceipts,
    FoldReport,
    HotTail,
    IndexStorage,
    Item,
    KeyIndex,
    KnownBatch,
    Locator,
    Originals,
    Search,
    SearchKeys,
    SearchRoom,
    fold_batches,
    fold_segments,
    merge_reports,
    search_secrets,
)
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.model import Placement
from vanvault.archiver.core.options import S3Options, SearchLimits
from vanvault.archiver.core.ports import Clock, Entropy, Ports, SystemStopwatch
from vanvault.archiver.keys import ParquetKeys, SigningKeys
from vanvault.archiver.stores import SiteReader
from vanvault.recovery.drill.readers import ReadOnlySite, for_reading
from vanvault.recovery.verify import ObjectReader

#: Decoded row groups and index blocks of a rebuilt node, in memory.
_CACHE_BYTES = 64 * 2**20


class ReadingNode:
    """Answers as a node does, and cannot write to its sites."""

    def __init__(
        self,
        *,
        archive: str,
        sites: Mapping[str, SiteReader],
        keys: KeyProvider,
        signing: SigningKeys,
        tail: HotTail,
        search: Search,
        catalogue: Catalogue,
        index: KeyIndex,
        locator: Locator,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.archive = archive
        self.sites = {name: ReadOnlySite(site) for name, site in sites.items()}
        self.keys = keys
        self.signing = signing
        self.tail = tail
        self.search = search
        self.catalogue = catalogue
        self.index = index
        self.locator = locator
        self._close = close
        self.parquet = ParquetKeys(keys)
        self._receipts = FirstReceipts(tail, signing, _as_listed, locator)

    def close(self) -> None:
        """Give back what a rebuilt node holds open; production's belongs to its archive."""
        self._close()

    def fold(self) -> FoldReport:
        """Bring catalogue, index and hot tail level with the sites. Raises as ``Archive.catch_up`` does."""
        sites = for_reading(self.sites)
        segments = fold_segments(sites, self.catalogue, self.signing.public, archive=self.archive)
        indexed = self.index.catch_up()
        folded = fold_batches(
            sites, self.tail, self.parquet, settle=False, is_compacted=self.catalogue.covers
        )
        return merge_reports(segments, indexed, folded)

    def receipt(self, archive_id: str) -> Receipt:
        """The receipt of an entry. Raises NotFound, KeyUnavailable."""
        return self._receipts.of(archive_id)

    def original(self, item: Item) -> bytes:
        """The original of a message. Raises NotFound, Damaged, SiteUnavailable, KeyUnavailable."""
        return Originals(for_reading(self.sites), self.parquet, self.keys, self.locator).read(item)

    def reader(self, sites: Mapping[str, SiteReader]) -> ObjectReader:
        """Reads objects at ``sites`` with this node's keys."""
        return ObjectReader(
            sites,
            archive=self.archive,
            parquet=self.parquet,
            keys=self.keys,
            public_key=self.signing.public,
        )


def production(archive: Archive) -> ReadingNode:
    """An open archive, without its writing verbs."""
    return ReadingNode(
        archive=archive.settings.archive,
        sites=archive.sites,
        keys=archive.keys,
        signing=archive.signing,
        tail=archive.tail,
        search=archive.search,
        catalogue=archive.catalogue,
        index=archive.index,
        locator=archive.locator,
    )


def rebuilt(
    folder: Path,
    *,
    archive: str,
    sites: Mapping[str, SiteReader],
    keys: KeyProvider,
    signing: SigningKeys,
    clock: Clock,
    entropy: Entropy,
) -> ReadingNode:
    """A node with an empty hot tail and index in ``folder``: ``fold`` fills them. Raises KeyUnavailable."""
    secrets = search_secrets(keys)
    tail = HotTail(hot_tail_of(folder, secrets.key_id), secrets, entropy, archive=archive)
    room = SearchRoom.open(
        tail,
        for_reading({name: ReadOnlySite(site) for name, site in sites.items()}),
        SearchKeys(keys, ParquetKeys(keys), secrets.cursors),
        IndexStorage.open("file:index", home=folder, folder=folder / INDEX_WORK, options=S3Options()),
        Ports(clock, SystemStopwatch(), entropy),
        SearchLimits(threads=2, cache_bytes=_CACHE_BYTES),
    )

    def close() -> None:
        room.close()
        tail.close()

    return ReadingNode(
        archive=archive,
        sites=sites,
        keys=keys,
        signing=signing,
        tail=tail,
        search=room.search,
        catalogue=room.catalogue,
        index=room.index,
        locator=room.locator,
        close=close,
    )


def _as_listed(batch: KnownBatch) -> tuple[Placement, ...]:
    """Of a batch whose commit nobody recorded yet: where the fold saw it. A drill mends nothing."""
    return batch.placements
