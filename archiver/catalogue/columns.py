"""Columns of all logs, for what goes through the whole archive once instead of asking for entry after entry.

Rows come as they lie: those that repeat others too, and a row twice where two segments hold its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from vanvault.archiver.catalogue.catalogue import Catalogue, KnownSegment
from vanvault.archiver.catalogue.hot_tail import HotTail
from vanvault.archiver.catalogue.items import POSITION_BYTES, Item
from vanvault.archiver.catalogue.search.query import Unread, unread_of, unread_segment
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import part_of
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.format.segments.schema import LOG
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.times import parse_rfc3339, to_us

#: Entries of the hot tail in one table.
_TAIL_ROWS = 10_000


class LogColumns:
    """Reads columns of logs (names and types: FORMAT.md, section 12). Safe to use from many threads."""

    def __init__(self, tail: HotTail, catalogue: Catalogue, files: SegmentFiles) -> None:
        self._tail = tail
        self._catalogue = catalogue
        self._files = files

    def of_segment(self, segment: KnownSegment, columns: Sequence[str]) -> pa.Table:
        """All rows of a segment. Raises Damaged, NotFound, SiteUnavailable (of all sites), KeyUnavailable."""
        manifest = segment.manifest
        return self._files.table(manifest, part_of(manifest, "log"), columns).select(list(columns))

    @staticmethod
    def unread(segment: KnownSegment, error: VanVaultError) -> Unread:
        """How an answer names a segment that could not be read."""
        return unread_segment(segment, error)

    def every(
        self,
        columns: Sequence[str],
        unread: Callable[[Unread], None],
        *,
        wanted: Callable[[str], bool] = lambda log: True,
    ) -> Iterator[tuple[str, pa.Table]]:
        """The hot tail under the name "", then each segment under the key of its log part.

        What is compacted meanwhile may come twice, and nothing that was there at the call is left out.

        Args:
            unread: is told what could not be looked at: lost batches, and segments that no site gives.
            wanted: of which names; by default of all.

        Raises KeyUnavailable, CacheLost.
        """
        for lost in self._tail.lost_batches.known():
            unread(unread_of(lost))
        if wanted(""):
            for table in self._of_tail(columns):
                yield "", table
        for segment in self._catalogue.segments():
            log = part_of(segment.manifest, "log").key
            if not wanted(log):
                continue
            try:
                table = self.of_segment(segment, columns)
            except (Damaged, NotFound, SiteUnavailable) as error:
                unread(unread_segment(segment, error))
            else:
                yield log, table

    def _of_tail(self, columns: Sequence[str]) -> list[pa.Table]:
        schema = pa.schema([LOG.field(name) for name in columns])
        found: list[pa.Table] = []
        rows: list[dict[str, Any]] = []
        with self._tail.snapshot():
            for row in self._tail.scan([], bytes(POSITION_BYTES), b"\xff" * POSITION_BYTES, newest=False):
                rows.append(_row(row.item))
                if len(rows) == _TAIL_ROWS:
                    found.append(pa.Table.from_pylist(rows, schema))
                    rows = []
        return [*found, pa.Table.from_pylist(rows, schema)]


def _row(item: Item) -> dict[str, Any]:
    """An item of the hot tail as a row of a log."""
    writer, sequence, row = parse_archive_id(item["id"])
    is_event = item["entry"] == "event"
    return {
        **dict.fromkeys(("event_id", "type", "actor", "detail", "content_type", "metadata_note"), ""),
        "large_object": "",
        "original": None,
        "repeats": "",
        **item,
        "received_at": to_us(parse_rfc3339(item["received_at"])),
        "occurred_at": to_us(parse_rfc3339(item["occurred_at"])) if is_event else None,
        "sha256": bytes.fromhex(item["sha256"]),
        "writer": writer,
        "sequence": sequence,
        "row": row,
    }
