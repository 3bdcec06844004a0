"""Was this (gateway, id) archived before? Exact over ten years: the hot tail, then filters, then rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vanvault.archiver.catalogue.catalogue import Catalogue, CatalogueState
from vanvault.archiver.catalogue.hot_tail import Claim, HotTail
from vanvault.archiver.catalogue.index.fields import EntryKind
from vanvault.archiver.catalogue.index.reader import IndexReader, Rows
from vanvault.archiver.catalogue.key_index import KeyIndex
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.locate import part_of, whole_part
from vanvault.archiver.catalogue.segments.rows import DISPOSED, kind_of, position_at, rows_of
from vanvault.archiver.core.errors import Damaged, SiteUnavailable
from vanvault.archiver.core.model import Entry, Event

_COLUMNS = ("entry", "gateway", "message_id", "event_id", "sha256", "received_at", "writer", "repeats")


class Claims:
    """Safe to use from many threads. A new id costs one probe for each index file's filter."""

    def __init__(self, tail: HotTail, catalogue: Catalogue, index: KeyIndex, files: SegmentFiles) -> None:
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
        return found or self.compacted(entry, gateway, client_id)

    def compacted(self, entry: str, gateway: str, client_id: str) -> Claim | None:
        """The same, asking segments only."""
        return self._compacted(self._catalogue.current(), entry, gateway, client_id)

    def look_up(self, entry: str, gateway: str, client_id: str) -> tuple[Claim | None, CatalogueState | None]:
        """As ``find``; without a claim also the state of the catalogue in which there was none."""
        claim = self._tail.claim(entry, gateway, client_id)
        if claim is not None:
            return claim, None
        state = self._catalogue.current()
        return self._compacted(state, entry, gateway, client_id), state

    def recall(
        self, entry: str, gateway: str, client_id: str, *, absent_from: CatalogueState | None = None
    ) -> tuple[Claim | None, bool]:
        """The claim, and whether that is certain, from what is on this host: reads no site and no store.

        Not certain: a filter says "perhaps", or the index is not open as the catalogue is now. ``look_up``
        knows. ``absent_from``: a state of the catalogue in which a look-up found nothing.
        """
        claim = self._tail.claim(entry, gateway, client_id)
        if claim is not None:
            return claim, True
        state = self._catalogue.current()
        if not state.segments or (absent_from is not None and absent_from.version == state.version):
            return None, True
        if self._catalogue.unheld(self._tail.connection(), state):
            return None, False
        kind: EntryKind = "event" if entry == "event" else "message"
        return None, self._index.surely_lacks(state.logs, kind, client_id)

    def surely_lacks(self, wanted: Sequence[tuple[str, str, str]]) -> list[bool]:
        """Of each (kind of entry, gateway, id): does ``recall`` surely find nothing? By one look for all."""
        found = self._tail.surely_lacks(wanted)
        state = self._catalogue.current()
        if not state.segments:
            return found
        if self._catalogue.unheld(self._tail.connection(), state):
            return [False] * len(found)
        return [
            lacks
            and self._index.surely_lacks(state.logs, "event" if one[0] == "event" else "message", one[2])
            for lacks, one in zip(found, wanted, strict=True)
        ]

    def _compacted(self, state: CatalogueState, entry: str, gateway: str, client_id: str) -> Claim | None:
        if not state.segments:
            return None
        kind: EntryKind = "event" if entry == "event" else "message"
        claims, lacking = self._index.ask(state.logs, lambda reader: reader.claims(kind, client_id))
        found = self._among(claims, state, (entry, gateway, client_id))
        if found is None:
            self._check_complete(state, lacking)
        return found

    def repeated(self, entries: Sequence[Entry]) -> dict[int, Claim]:
        """Which of these entries, by place, repeat a compacted one, and the claim of that.

        Raises as ``find`` does.
        """
        state = self._catalogue.current()
        if not state.by_log:
            return {}
        found: dict[int, Claim] = {}
        kinds: tuple[EntryKind, ...] = ("message", "event")
        for kind in kinds:
            places = [n for n, one in enumerate(entries) if isinstance(one, Event) == (kind == "event")]
            ids = [entries[place].client_id for place in places]
            if not ids:
                continue

            def likely(reader: IndexReader, kind: EntryKind = kind, ids: list[str] = ids) -> list[int]:
                return np.flatnonzero(reader.may_hold_many(kind, ids)).tolist()

            for at in self._index.ask(state.logs, likely)[0]:
                one = entries[places[at]]
                claim = self.compacted(kind, one.gateway, one.client_id)
                if claim is not None:
                    found[places[at]] = claim
        return found

    def _among(self, rows: Rows, state: CatalogueState, wanted: tuple[str, str, str]) -> Claim | None:
        entry = wanted[0]
        for info, numbers in rows:
            segment = state.by_log.get(info.key)
            if segment is None:
                continue
            part = part_of(segment.manifest, "log")
            for number in numbers.tolist():
                group, index = divmod(int(number), info.row_group_rows)
                with whole_part():
                    table = self._files.group(segment.manifest, part, group, _COLUMNS)
                if index >= table.num_rows:
                    raise Damaged(f"{part.key} has no row {number}", key=part.key)
                row = rows_of(table.slice(index, 1))[0]
                if (kind_of(row), row["gateway"], row[f"{entry}_id"]) == wanted and not row["repeats"]:
                    return Claim(position_at(row), row["sha256"], gone=row["entry"] == DISPOSED)
        return None

    def _check_complete(self, state: CatalogueState, lacking: frozenset[str]) -> None:
        """Nothing was found: is that the whole truth?"""
        unheld = self._catalogue.unheld(self._tail.connection(), state)
        if lacking or unheld:
            raise SiteUnavailable(
                f"{len(lacking) + len(unheld)} segments are not indexed now, so nobody can say whether this"
                " id was archived before",
                site="index",
                may_be_stored=False,
                hint="Send it again later. If this lasts, see: vanvault index status.",
            )
