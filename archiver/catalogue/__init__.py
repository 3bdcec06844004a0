"""What can be found: the hot tail, segments, their index, search, histogram, first receipts."""

from __future__ import annotations

from vanvault.archiver.catalogue.catalogue import Catalogue, KnownSegment
from vanvault.archiver.catalogue.claims import Claims
from vanvault.archiver.catalogue.columns import LogColumns
from vanvault.archiver.catalogue.fold import (
    FoldReport,
    SiteFold,
)
from vanvault.archiver.catalogue.hot_tail import Claim, FoldedBatch, HotTail, KnownBatch, WrongClock
from vanvault.archiver.catalogue.items import Item, matches
from vanvault.archiver.catalogue.kept.kept_index import KeptLevel, KeptStanding
from vanvault.archiver.catalogue.kept.place import KeptPlace, kept_place
from vanvault.archiver.catalogue.key_index import IndexStorage, KeptSites
from vanvault.archiver.catalogue.receipts import FirstReceipts
from vanvault.archiver.catalogue.room import SearchRoom
from vanvault.archiver.catalogue.search.histogram import By, Histogram, HistogramQuery
from vanvault.archiver.catalogue.search.query import Query, Unread
from vanvault.archiver.catalogue.search.search import Page, Search
from vanvault.archiver.catalogue.segments.disposed import check_there

__all__ = [
    "By",
    "Catalogue",
    "Claim",
    "Claims",
    "FirstReceipts",
    "FoldReport",
    "FoldedBatch",
    "Histogram",
    "HistogramQuery",
    "HotTail",
    "IndexStorage",
    "Item",
    "KeptLevel",
    "KeptPlace",
    "KeptSites",
    "KeptStanding",
    "KnownBatch",
    "KnownSegment",
    "LogColumns",
    "Page",
    "Query",
    "Search",
    "SearchRoom",
    "SiteFold",
    "Unread",
    "WrongClock",
    "check_there",
    "kept_place",
    "matches",
]
