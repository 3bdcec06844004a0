"""What can be found: the hot tail, segments, their index, search, histogram, first receipts."""

from __future__ import annotations

from vanvault.archiver.catalogue.catalogue import Catalogue, KnownSegment
from vanvault.archiver.catalogue.claims import Claims
from vanvault.archiver.catalogue.fold import (
    FoldReport,
    fold_batches,
    fold_segments,
    follow,
    merge_reports,
)
from vanvault.archiver.catalogue.hot_tail import Claim, FoldedBatch, HotTail, KnownBatch, search_secrets
from vanvault.archiver.catalogue.items import Item
from vanvault.archiver.catalogue.key_index import IndexStorage, KeyIndex
from vanvault.archiver.catalogue.originals import Originals
from vanvault.archiver.catalogue.receipts import FirstReceipts
from vanvault.archiver.catalogue.room import SearchKeys, SearchRoom
from vanvault.archiver.catalogue.search.histogram import HistogramQuery
from vanvault.archiver.catalogue.search.query import Query
from vanvault.archiver.catalogue.search.search import Page, Search
from vanvault.archiver.catalogue.segments.locate import Locator

__all__ = [
    "Catalogue",
    "Claim",
    "Claims",
    "FirstReceipts",
    "FoldReport",
    "FoldedBatch",
    "HistogramQuery",
    "HotTail",
    "IndexStorage",
    "Item",
    "KeyIndex",
    "KnownBatch",
    "KnownSegment",
    "Locator",
    "Originals",
    "Page",
    "Query",
    "Search",
    "SearchKeys",
    "SearchRoom",
    "fold_batches",
    "fold_segments",
    "follow",
    "merge_reports",
    "search_secrets",
]
