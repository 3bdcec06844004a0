"""Originals by the archive's id: exact bytes, checked against the digests before they leave."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from vanvault.archiver.catalogue.items import Item
from vanvault.archiver.catalogue.segments.disposed import error_of
from vanvault.archiver.catalogue.segments.locate import Locator
from vanvault.archiver.catalogue.segments.rows import DISPOSED
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.format.batches import decode_row_body
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import read_anywhere, read_large
from vanvault.archiver.stores import Site


class Originals:
    """Reads originals from the first site that gives the right bytes; safe to use from many threads."""

    def __init__(self, sites: Mapping[str, Site], parquet: ParquetKeys, locator: Locator) -> None:
        self._sites = sites
        self._parquet = parquet
        self._locator = locator

    def read(self, item: Item) -> bytes:
        """The original of a search item.

        Raises:
            NotFound: the item is no message.
            EntryDisposed: it, or its bytes, were disposed of.
            Damaged, SiteUnavailable: no site gives the bytes that the digests name.
            KeyUnavailable: the originals' master key is missing.
        """
        if "disposed" in item or item["entry"] == DISPOSED:
            gone = self._locator.disposed(self._locator.by_id(item["id"]))
            if gone is not None and (gone.is_whole or gone.entry == "message"):
                raise error_of(gone)
        if item["entry"] != "message":
            raise NotFound("this entry is a line of the log; it has no original")
        try:
            body = self._body(item)
        except NotFound as error:  # the entry is there: it is its bytes that are lost
            raise Damaged(
                f"the bytes of {item['id']} are lost: {error.message}",
                key=str(item["large_object"] or item.get("object") or ""),
                hint="Run: vanvault verify.",
            ) from error
        digest = hashlib.sha256(body).hexdigest()
        if not hmac.compare_digest(digest, item["sha256"]):
            raise Damaged(
                f"the bytes of {item['id']} do not have the digest that its row names", key=item["object"]
            )
        return body

    def _body(self, item: Item) -> bytes:
        if item["large_object"]:
            return read_large(self._sites, self._parquet, item["large_object"])
        if item.get("segment"):
            return self._locator.body(self._locator.by_id(item["id"]))
        data = read_anywhere(self._sites, item["object"])
        return decode_row_body(item["object"], data, self._parquet, item["row"])
