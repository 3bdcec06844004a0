"""Was this (gateway, id) archived before? Exact over ten years: the hot tail, then filters, then rows."""

from __future__ import annotations

from vanvault.archiver.search.catalogue import Catalogue
from vanvault.archiver.search.folded import Claim
from vanvault.archiver.search.key_index import KeyIndex
from vanvault.archiver.search.locate import part_of
from vanvault.archiver.search.segment_files import SegmentFiles
from vanvault.archiver.search.segment_rows import position_at, rows_of
from vanvault.archiver.search.tail_reader import TailReader

_COLUMNS = {
    "message": ("entry", "gateway", "message_id", "sha256", "received_at", "writer", "repeats"),
    "event": ("entry", "gateway", "event_id", "sha256", "received_at", "writer", "repeats"),
}


class Claims:
    """Safe to use from many threads. A new id costs one probe for each index file's filter."""

    def __init__(self, tail: TailReader, catalogue: Catalogue, index: KeyIndex, files: SegmentFiles) -> None:
        self._tail = tail
        self._catalogue = catalogue
        self._index = index
        self._files = files

    def find(self, entry: str, gateway: str, client_id: str) -> Claim | None:
        """The first archived entry ("message" or "event") with this gateway and id, or None.

        Raises SiteUnavailable, Damaged: the answer lies where nothing can be read now; it may be yes.
        """
        # The hot tail first: what leaves it is in the index by then, never the other way round.
        found = self._tail.claim(entry, gateway, client_id)
        return found or self._compacted(entry, gateway, client_id)

    def _compacted(self, entry: str, gateway: str, client_id: str) -> Claim | None:
        state = self._catalogue.state(self._tail.connection())
        if not state.by_log:
            return None
        reader = self._index.reader(state.logs)
        for info, numbers in reader.claims("event" if entry == "event" else "message", client_id):
            segment = state.by_log.get(info.key)
            if segment is None:
                continue
            part = part_of(segment.manifest, "log")
            for number in numbers.tolist():
                group, index = divmod(int(number), info.row_group_rows)
                table = self._files.group(segment.manifest, part, group, _COLUMNS[entry]).slice(index, 1)
                row = rows_of(table)[0]
                same = (row["entry"], row["gateway"], row[f"{entry}_id"]) == (entry, gateway, client_id)
                if same and not row["repeats"]:
                    return Claim(position_at(row), row["sha256"])
        return None
