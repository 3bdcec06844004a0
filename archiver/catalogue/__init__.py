"""The door of catalogue."""

from __future__ import annotations

from vanvault.archiver.catalogue.catalogue import Catalogue, KnownSegment
from vanvault.archiver.catalogue.claims import Claims
from vanvault.archiver.catalogue.fold import FoldReport, fold_batches, fold_segments, follow, merge_reports
from vanvault.archiver.catalogue.hot_tail import (
    Claim,
    FindClaim,
    FoldedBatch,
    HotTail,
    KnownBatch,
    search_secrets,
)
from vanvault.archiver.catalogue.index.fields import ROLLUP_FIELDS
from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.catalogue.index.open import open_index_store
from vanvault.archiver.catalogue.items import PREFIX, SEARCH_FIELDS, Item, without_body
from vanvault.archiver.catalogue.key_index import Build, IndexStorage, KeyIndex
from vanvault.archiver.catalogue.originals import read_original
from vanvault.archiver.catalogue.receipts import FirstReceipts
from vanvault.archiver.catalogue.room import SearchKeys, SearchRoom, open_search
from vanvault.archiver.catalogue.search.histogram import BY, parse_histogram
from vanvault.archiver.catalogue.search.query import (
    MAX_LIMIT,
    MAX_VALUE,
    Order,
    Query,
    open_cursor,
    parse_query,
)
from vanvault.archiver.catalogue.search.search import Page, Search
from vanvault.archiver.catalogue.segments.locate import Locator, item_at_position
from vanvault.archiver.catalogue.segments.rows import Row, id_of
from vanvault.archiver.catalogue.unwrapping import unwrap_object

__all__ = [
    "BY",
    "MAX_LIMIT",
    "MAX_VALUE",
    "PREFIX",
    "ROLLUP_FIELDS",
    "SEARCH_FIELDS",
    "Build",
    "Catalogue",
    "Claim",
    "Claims",
    "FindClaim",
    "FirstReceipts",
    "FoldReport",
    "FoldedBatch",
    "FolderStore",
    "HotTail",
    "IndexStorage",
    "Item",
    "KeyIndex",
    "KnownBatch",
    "KnownSegment",
    "Locator",
    "Order",
    "Page",
    "Query",
    "Row",
    "Search",
    "SearchKeys",
    "SearchRoom",
    "fold_batches",
    "fold_segments",
    "follow",
    "id_of",
    "item_at_position",
    "merge_reports",
    "open_cursor",
    "open_index_store",
    "open_search",
    "parse_histogram",
    "parse_query",
    "read_original",
    "search_secrets",
    "unwrap_object",
    "without_body",
]
