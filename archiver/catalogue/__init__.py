"""The door of catalogue."""

from __future__ import annotations

from vanvault.archiver.catalogue.catalogue import Catalogue, KnownSegment
from vanvault.archiver.catalogue.claims import Claims
from vanvault.archiver.catalogue.fold import FoldReport, catch_up
from vanvault.archiver.catalogue.fold_segments import SegmentFold, fold_segments
from vanvault.archiver.catalogue.follow import follow
from vanvault.archiver.catalogue.hot_tail.folded import Claim, FoldedBatch, KnownBatch
from vanvault.archiver.catalogue.hot_tail.hot_tail import HotTail
from vanvault.archiver.catalogue.hot_tail.reader import FindClaim
from vanvault.archiver.catalogue.hot_tail.repeats import recheck
from vanvault.archiver.catalogue.hot_tail.secrets import search_secrets
from vanvault.archiver.catalogue.index.fields import ROLLUP_FIELDS
from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.catalogue.index.open import open_index_store
from vanvault.archiver.catalogue.key_index import Build, IndexReport, IndexStorage, KeyIndex
from vanvault.archiver.catalogue.receipts import FirstReceipts
from vanvault.archiver.catalogue.room import SearchKeys, SearchLimits, SearchRoom, open_search
from vanvault.archiver.catalogue.search.histogram import BY, parse_histogram
from vanvault.archiver.catalogue.search.items import PREFIX, SEARCH_FIELDS, Item, without_body
from vanvault.archiver.catalogue.search.originals import read_original
from vanvault.archiver.catalogue.search.query import (
    MAX_LIMIT,
    MAX_VALUE,
    Order,
    Query,
    open_cursor,
    parse_query,
)
from vanvault.archiver.catalogue.search.search import Page, ScanLimits, Search
from vanvault.archiver.catalogue.segments.locate import Locator, item_at_position
from vanvault.archiver.catalogue.segments.rows import Row, id_of
from vanvault.archiver.catalogue.unwrapping import unwrap_object
from vanvault.archiver.catalogue.writers import last_batches

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
    "IndexReport",
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
    "ScanLimits",
    "Search",
    "SearchKeys",
    "SearchLimits",
    "SearchRoom",
    "SegmentFold",
    "catch_up",
    "fold_segments",
    "follow",
    "id_of",
    "item_at_position",
    "last_batches",
    "open_cursor",
    "open_index_store",
    "open_search",
    "parse_histogram",
    "parse_query",
    "read_original",
    "recheck",
    "search_secrets",
    "unwrap_object",
    "without_body",
]
