"""An archive that can only be read: production as a drill sees it, and what a drill has rebuilt.

Both are the same thing, keys, readers of sites, a hot tail, search and receipts, so that their answers can be
compared. Production's hot tail is the home's; a rebuilt one lies in the scratch folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.archive import Archive, hot_tail_of
from vanvault.archiver.evidence.receipts import Receipt
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.keys.port import KeyProvider
from vanvault.archiver.keys.signing import SigningKeys
from vanvault.archiver.model.batch import Placement
from vanvault.archiver.ports import Entropy
from vanvault.archiver.search.fold import FoldReport, catch_up
from vanvault.archiver.search.folded import KnownBatch
from vanvault.archiver.search.hot_tail import HotTail
from vanvault.archiver.search.items import Item
from vanvault.archiver.search.originals import read_original
from vanvault.archiver.search.receipts import FirstReceipts
from vanvault.archiver.search.search import Search
from vanvault.archiver.search.secrets import search_secrets
from vanvault.archiver.store.port import SiteReader
from vanvault.recovery.drill.readers import ReadOnlySite, for_reading
from vanvault.recovery.verify.reading import ObjectReader


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
    ) -> None:
        self.archive = archive
        self.sites = {name: ReadOnlySite(site) for name, site in sites.items()}
        self.keys = keys
        self.signing = signing
        self.tail = tail
        self.search = search
        self.parquet = ParquetKeys(keys)
        self._receipts = FirstReceipts(tail, signing, _as_listed)

    def fold(self) -> FoldReport:
        """Bring the hot tail level with the sites. Raises SiteUnavailable, KeyUnavailable."""
        return catch_up(for_reading(self.sites), self.tail, self.parquet, settle=False)

    def receipt(self, archive_id: str) -> Receipt:
        """The receipt of an entry. Raises NotFound, KeyUnavailable."""
        return self._receipts.of(archive_id)

    def original(self, item: Item) -> bytes:
        """The original of a message. Raises NotFound, Damaged, SiteUnavailable, KeyUnavailable."""
        return read_original(for_reading(self.sites), self.parquet, self.keys, item)

    def reader(self, sites: Mapping[str, SiteReader]) -> ObjectReader:
        """Reads objects at ``sites`` with this node's keys."""
        return ObjectReader(sites, archive=self.archive, parquet=self.parquet, keys=self.keys)


def production(archive: Archive) -> ReadingNode:
    """An open archive, without its writing verbs."""
    return ReadingNode(
        archive=archive.settings.archive,
        sites=archive.sites,
        keys=archive.keys,
        signing=archive.signing,
        tail=archive.tail,
        search=archive.search,
    )


def rebuilt(
    folder: Path,
    *,
    archive: str,
    sites: Mapping[str, SiteReader],
    keys: KeyProvider,
    signing: SigningKeys,
    entropy: Entropy,
) -> ReadingNode:
    """A node with an empty hot tail in ``folder``: ``fold`` fills it. Raises KeyUnavailable."""
    secrets = search_secrets(keys)
    tail = HotTail(hot_tail_of(folder, secrets.key_id), secrets, entropy, archive=archive)
    search = Search(tail, secrets.cursors)
    return ReadingNode(archive=archive, sites=sites, keys=keys, signing=signing, tail=tail, search=search)


def _as_listed(batch: KnownBatch) -> tuple[Placement, ...]:
    """Of a batch whose commit nobody recorded yet: where the fold saw it. A drill mends nothing."""
    return batch.placements
