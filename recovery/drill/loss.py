"""RPO: what was acknowledged, against what a recovered archive serves.

Acknowledged is what production's catalogue and hot tail hold: rows of segments, and of batches that no
segment holds. An object's name is the digest of its bytes, so an object that is there whole serves all its
rows. Only rows of objects that are not are looked for one by one, by id and digest: a segment may be lost
while its batches are still there, or the other way round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, KnownBatch, KnownSegment, Query
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.model import Entry, Message
from vanvault.archiver.core.names import batch_prefix, parse_key, segment_prefix
from vanvault.archiver.stores import SiteReader
from vanvault.recovery.drill.later import AcknowledgedSoFar, Position, is_later
from vanvault.recovery.drill.model import Loss, LostEntry
from vanvault.recovery.drill.readers import in_subset
from vanvault.recovery.verified import Problem, Subset
from vanvault.recovery.verify import VerifyReport

#: An object with one of these findings, or a row of it, is not served.
_LOST: frozenset[Problem] = frozenset(
    ("missing", "damaged", "swapped", "undecipherable", "forged", "foreign", "header", "digest", "signature")
)

#: Lost entries that the evidence names; the rest is counted. So many of each sort are kept to choose from.
MOST_NAMED, _KEPT = 50, 5_000


def loss(
    production: ArchiveReader,
    before: AcknowledgedSoFar,
    node: ArchiveReader,
    recovered: SiteReader,
    verified: VerifyReport,
    garbage: Collection[str] = (),
    *,
    lagging: bool = False,
) -> Loss:
    """Acknowledged entries that the recovered site does not list, or does not hold whole.

    Args:
        before: what was acknowledged when the drill began: what production takes since is not in question.
        node: rebuilt from the recovered site.
        verified: of this site; ``garbage``: keys of what nobody ever acknowledged.
        lagging: it comes from a copy that cannot hold what came after it; that is counted by itself.

    Raises SiteUnavailable, KeyUnavailable, Damaged (production's own segments cannot be read).
    """
    bad = {
        finding.key
        for finding in verified.findings
        if finding.problem in _LOST and finding.site == recovered.site
    }.difference(garbage)
    tally = _Tally(before)
    batches = {batch.key: batch for batch in production.tail.uncompacted()[0] if _is_of(before, batch)}
    tally.acknowledged = len(batches)
    listed = (version.key for version in recovered.list(batch_prefix()))
    gone = {key for key in absent(sorted(batches), listed) if not node.catalogue.covers(key)}
    for key in sorted(gone | (bad & batches.keys())):
        tally.add_batch(key, production.tail.entries(batches[key].n))
    whole = {version.key for version in recovered.list(segment_prefix())} - bad

    def is_served(segment: KnownSegment, row: Item) -> bool:
        parts = segment.manifest.parts
        needed = {part.key for part in parts if part.kind != "originals" or row["original"] is not None}
        if {segment.key, *needed} <= whole:
            return True
        if holds((row["writer"], row["sequence"])):
            return True
        return _answers(node, row, not_from=segment.manifest.segment)

    def holds(at: Position) -> bool:
        listed = {version.key for version in recovered.list(batch_prefix(*at))}
        return bool(listed.difference(bad, garbage))

    standing = []
    for segment in _segments_of(production, before):
        tally.acknowledged += 1
        if {segment.key, *(part.key for part in segment.manifest.parts)} <= whole:
            standing.append(segment)
        else:
            tally.add_segment(segment, production, is_served, holds)
    large = {key for key in bad if (name := parse_key(key)) is not None and name.family == "large"}
    tally.add_large(large, production)
    if lagging and tally.lost:
        tally.note_later(is_later(tally.lost, recovered, standing, bad))
    return tally.loss()


def loss_of_node(
    production: ArchiveReader, before: AcknowledgedSoFar, new: ArchiveReader, subset: Subset
) -> Loss:
    """Entries of a subset, acknowledged before, that a rebuilt node does not know. Raises as ``loss``."""
    tally = _Tally(before)
    batches = {
        batch.key: batch
        for batch in production.tail.uncompacted()[0]
        if in_subset(batch.key, subset) and _is_of(before, batch)
    }
    tally.acknowledged = len(batches)
    for key in absent(sorted(batches), new.tail.keys("")):
        if not new.catalogue.covers(key):
            tally.add_batch(key, production.tail.entries(batches[key].n))

    def holds(at: Position) -> bool:
        return next(new.tail.keys(batch_prefix(*at)), None) is not None

    known = {segment.key for segment in new.catalogue.segments() if segment.indexed}
    for segment in _segments_of(production, before):
        if in_subset(segment.key, subset):
            tally.acknowledged += 1
            if segment.key not in known:
                tally.add_segment(segment, production, lambda _, row: _answers(new, row), holds)
    return tally.loss()


def acknowledged_now(production: ArchiveReader) -> AcknowledgedSoFar:
    """What production has acknowledged until now, by its segments and what they do not cover."""
    last: dict[str, int] = {}
    for segment in production.catalogue.segments():
        for cover in segment.manifest.covers:
            last[cover.writer] = max(last.get(cover.writer, -1), cover.last)
    for batch in production.tail.uncompacted()[0]:
        name = parse_key(batch.key)
        if name is not None:
            last[name.writer] = max(last.get(name.writer, -1), name.sequence)
    return AcknowledgedSoFar(last, rows_known(production))


def _is_of(before: AcknowledgedSoFar, batch: KnownBatch) -> bool:
    name = parse_key(batch.key)
    return name is not None and before.has((name.writer, name.sequence))


def _segments_of(production: ArchiveReader, before: AcknowledgedSoFar) -> Iterator[KnownSegment]:
    """Those that hold something of it; a compaction goes on meanwhile."""
    for segment in production.catalogue.segments():
        if any(before.has((cover.writer, cover.first)) for cover in segment.manifest.covers):
            yield segment


def rows_known(node: ArchiveReader) -> int:
    """Rows of all segments, and of all batches that none holds."""
    return node.catalogue.counts()["rows"] + sum(batch.header.rows for batch in node.tail.uncompacted()[0])


def absent(wanted: Iterable[str], there: Iterable[str]) -> Iterator[str]:
    """Of ``wanted`` what is not ``there``: both sorted, the second with repetitions. Pure."""
    held = iter(there)
    at = next(held, None)
    for key in wanted:
        while at is not None and at < key:
            at = next(held, None)
        if at != key:
            yield key


class _Tally:
    """What is lost so far: entries by the batch in which they were acknowledged."""

    def __init__(self, before: AcknowledgedSoFar) -> None:
        self._before = before
        self.acknowledged = 0
        self.lost: dict[Position, tuple[int, int]] = {}  # messages and events
        self._large = 0  # messages in batches that are there, whose large object is not
        self._objects: set[str] = set()
        self._later: frozenset[Position] = frozenset()
        self._named: list[tuple[Position, LostEntry]] = []
        self._of_sort: Counter[str] = Counter()

    def add_batch(self, key: str, entries: Iterable[Entry]) -> None:
        name = parse_key(key)
        if name is None:
            return
        self._objects.add(key)
        for entry in entries:
            kind = "message" if isinstance(entry, Message) else "event"
            self._add((name.writer, name.sequence), LostEntry(kind, entry.id, entry.gateway, entry.client_id))

    def add_segment(
        self,
        segment: KnownSegment,
        production: ArchiveReader,
        is_served: Callable[[KnownSegment, Item], bool],
        holds: Callable[[Position], bool],
    ) -> None:
        """The rows that are not served in another way; ``holds``: is this batch there?

        Where no site of production gives the log, its rows are those of the batches that are there.
        """
        try:
            rows = production.locator.rows(segment)
        except (Damaged, NotFound):
            self._add_unread(segment, production, holds)
            return
        for row in (one for one in rows if self._before.has((one["writer"], one["sequence"]))):
            if not is_served(segment, row):
                self._objects.add(segment.key)
                kind = row["entry"]
                if kind == "disposed":
                    continue
                lost = LostEntry(kind, row["id"], row["gateway"], row[f"{kind}_id"])
                self._add((row["writer"], row["sequence"]), lost)

    def _add_unread(
        self, segment: KnownSegment, production: ArchiveReader, holds: Callable[[Position], bool]
    ) -> None:
        covers = segment.manifest.covers
        every = ((one.writer, number) for one in covers for number in range(one.first, one.last + 1))
        for at in (one for one in every if self._before.has(one) and not holds(one)):
            self._objects.add(segment.key)
            try:
                header = production.locator.evidence(segment, *at).header
            except (Damaged, NotFound):  # nobody knows how many rows it had: no more than the segment
                self.lost[at] = (segment.manifest.messages, segment.manifest.events)
                return
            self.lost[at] = (header.rows, 0) if header.kind == "messages" else (0, header.rows)

    def add_large(self, keys: Collection[str], production: ArchiveReader) -> None:
        """Messages of these large objects; nothing finds them by it, so all messages are walked."""
        self._objects.update(keys)
        query = Query(filters={"entry": "message"}, order="oldest")
        for item in production.search.every(query) if keys else ():
            writer, sequence, _ = item["id"].rsplit("-", 2)
            at = (writer, int(sequence))
            if item.get("large_object", "") in keys and self._before.has(at) and at not in self.lost:
                self._large += 1
                self._name(at, _of_item(item))

    def note_later(self, later: frozenset[Position]) -> None:
        self._later = later

    def loss(self) -> Loss:
        messages, events = (sum(counts[kind] for counts in self.lost.values()) for kind in (0, 1))
        named = [replace(one, later=at in self._later) for at, one in self._named]
        # Messages first, and of those the ones that a copy should have held: they are asked for again.
        named.sort(key=lambda one: (one.entry != "message", one.later))
        return Loss(
            acknowledged=self.acknowledged,
            objects=len(self._objects),
            messages=messages + self._large,
            events=events,
            later_messages=sum(self.lost[position][0] for position in self._later),
            only_later=bool(self.lost) and not self._large and self._later == self.lost.keys(),
            named=tuple(named[:MOST_NAMED]),
        )

    def _add(self, position: Position, lost: LostEntry) -> None:
        messages, events = self.lost.get(position, (0, 0))
        is_message = lost.entry == "message"
        self.lost[position] = (messages + is_message, events + (not is_message))
        self._name(position, lost)

    def _name(self, position: Position, lost: LostEntry) -> None:
        """Some of each sort are kept: of a thousand events and one message, the message is named."""
        self._of_sort[lost.entry] += 1
        if self._of_sort[lost.entry] <= _KEPT:
            self._named.append((position, lost))


def _of_item(item: Item) -> LostEntry:
    kind = item["entry"]
    return LostEntry(kind, item["id"], item["gateway"], item[f"{kind}_id"])


def _answers(node: ArchiveReader, row: Item, *, not_from: str = "") -> bool:
    """Does the node know the entry, by id and digest, and not from the segment ``not_from``?"""
    try:
        item = node.search.entry(row["id"])
    except (NotFound, Damaged):
        return False
    elsewhere = not not_from or item.get("segment") != not_from
    return elsewhere and bool(item["sha256"] == row["sha256"].hex())
