"""Finding one row of a segment by its id or its position, and what proves its batch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa

from vanvault.archiver.catalogue.catalogue import Catalogue, KnownSegment
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.catalogue.segments.rows import (
    DISPOSED,
    Row,
    entry_at,
    id_of,
    position_at,
    reduced,
    rows_at,
    rows_of,
)
from vanvault.archiver.core.caches import BoundedCache
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.format.batches import check_proof, columns_of, decode_commit, decode_header
from vanvault.archiver.core.format.segments import residue_rows
from vanvault.archiver.core.model import (
    BatchHeader,
    Commit,
    Entry,
    ResidueRow,
    SegmentManifest,
    SegmentPart,
)
from vanvault.archiver.core.names import parse_archive_id

_EVIDENCE_CACHED = 16
_RESIDUES_CACHED = 64
_SHA512_BYTES = 64


@dataclass(frozen=True, slots=True)
class Located:
    """A row of a segment's log."""

    segment: KnownSegment
    row: Row


@dataclass(frozen=True, slots=True)
class BatchEvidence:
    """What a segment keeps of one batch besides its rows."""

    key: str  # of the batch object
    header: BatchHeader
    header_text: bytes  # as its writer signed it
    proof: bytes  # likewise
    commit: Commit | None
    first_us: int
    last_us: int
    sha512: bytes  # 64 for every row, in row order


#: By id of the entry: what was disposed of.
Residue = Mapping[str, ResidueRow]


class Locator:
    """Looks into segments that the catalogue knows; safe to use from many threads."""

    def __init__(self, catalogue: Catalogue, files: SegmentFiles) -> None:
        self._catalogue = catalogue
        self._files = files
        self._evidence: BoundedCache[str, pa.Table] = BoundedCache(_EVIDENCE_CACHED)
        self._residues: BoundedCache[str, Residue] = BoundedCache(_RESIDUES_CACHED)

    def by_id(self, archive_id: str) -> Located:
        """Raises NotFound, BatchLost, InvalidInput (not an id), Damaged, SiteUnavailable, KeyUnavailable."""
        writer, sequence, number = parse_archive_id(archive_id)
        segment = self._catalogue.covering(writer, sequence)
        if segment is not None:
            batch = self.evidence(segment, writer, sequence)
            for row in self._between(segment.manifest, batch.first_us, batch.last_us, number=number):
                if (row["writer"], row["sequence"]) == (writer, sequence):
                    return Located(segment, row)
        else:
            self._catalogue.check_not_lost(writer, sequence)
        raise NotFound(f"the archive holds no entry {archive_id}")

    def at(self, position: bytes) -> Located:
        """The row at a position. Raises as ``by_id`` does."""
        us = int.from_bytes(position[:8])
        for segment in self._catalogue.spanning(us):
            for row in self._between(segment.manifest, us, us):
                if position_at(row) == position:
                    return Located(segment, row)
        raise NotFound("the archive holds no entry at this position")

    def evidence(self, segment: KnownSegment, writer: str, sequence: int) -> BatchEvidence:
        """What the segment keeps of one batch. Raises NotFound, Damaged, SiteUnavailable, KeyUnavailable."""
        table = self._evidence_of(segment.manifest)
        writers = table.column("writer")
        numbered = np.flatnonzero(table.column("sequence").to_numpy() == sequence).tolist()
        found = [place for place in numbered if writers[place].as_py() == writer]
        if not found:
            raise NotFound(f"segment {segment.manifest.segment} holds no batch {sequence} of {writer}")
        return _evidence_at(rows_at(table, found[:1])[0])

    def all_evidence(self, segment: KnownSegment) -> list[BatchEvidence]:
        """The same of every batch in the segment. Raises Damaged, SiteUnavailable, KeyUnavailable."""
        return [_evidence_at(row) for row in rows_of(self._evidence_of(segment.manifest))]

    def residue(self, manifest: SegmentManifest) -> Residue:
        """What was disposed of in a segment; nothing where it is no residue segment.

        Raises Damaged, SiteUnavailable, KeyUnavailable.
        """
        if not manifest.is_residue:
            return {}
        part = part_of(manifest, "residue")

        def load() -> tuple[Residue, int]:
            rows = residue_rows(self._files.table(manifest, part), key=part.key)
            return {one.id: one for one in rows}, 1

        with whole_part():
            return self._residues.get_or_load(part.key, load)

    def disposed(self, located: Located) -> ResidueRow | None:
        """What was disposed of in this row; None: nothing. Raises as ``residue`` does."""
        return disposed_in(located.row, self.residue(located.segment.manifest), located.segment.manifest)

    def gone(self, segment: KnownSegment, batch: BatchEvidence) -> dict[int, ResidueRow]:
        """By row, the entries of a batch that were disposed of whole. Raises as ``residue`` does."""
        place = (batch.header.writer, batch.header.sequence)
        found = self.residue(segment.manifest).values()
        return {one.row: one for one in found if one.is_whole and (one.writer, one.sequence) == place}

    def entries(self, segment: KnownSegment, batch: BatchEvidence) -> list[Entry]:
        """All rows of a compacted batch in row order, proved, without bodies.

        Of an entry that was disposed of (``gone``) there is only what its row still says.

        Raises Forged (its writer did not sign these rows), Damaged, SiteUnavailable, ...
        """
        header = batch.header
        rows = [
            row
            for row in self._between(segment.manifest, batch.first_us, batch.last_us)
            if (row["writer"], row["sequence"]) == (header.writer, header.sequence)
        ]
        rows.sort(key=lambda row: int(row["row"]))
        if [row["row"] for row in rows] != list(range(header.rows)):
            raise Damaged(f"segment {segment.manifest.segment} lacks rows of {batch.key}", key=batch.key)
        gone = self.gone(segment, batch)
        if {row["row"] for row in rows if row["entry"] == DISPOSED} != gone.keys():
            raise Damaged(f"segment {segment.manifest.segment} does not say what is gone of {batch.key}")
        rows = [reduced(row, gone[n].entry) if n in gone else row for n, row in enumerate(rows)]
        digests = [batch.sha512[at : at + _SHA512_BYTES] for at in range(0, len(batch.sha512), _SHA512_BYTES)]
        entries = [entry_at(row, digest) for row, digest in zip(rows, digests, strict=True)]
        columns = columns_of(header.kind, entries)
        known = {n: one.digest for n, one in gone.items()}
        check_proof(batch.key, header, batch.header_text, batch.proof, columns, self._files.keys, known=known)
        return entries

    def rows(self, segment: KnownSegment) -> list[Row]:
        """Every row of a segment's log with its ``id``, by time. Raises Damaged, SiteUnavailable, ..."""
        manifest = segment.manifest
        rows = self._between(manifest, manifest.first_us, manifest.last_us)
        return [{**row, "id": id_of(row)} for row in rows]

    def body(self, located: Located) -> bytes:
        """The bytes of a message that lies in its segment, unchecked. Raises Damaged, SiteUnavailable, ..."""
        manifest, number = located.segment.manifest, located.row["original"]
        part = part_of(manifest, "originals")
        if number is None:
            raise NotFound("this entry has no original in its segment")
        with whole_part():
            header = self._files.header(manifest, part)
            group, index = divmod(int(number), header.group_rows)
            column = self._files.group(manifest, part, group).column("body")
        if index >= len(column):
            raise Damaged(f"{part.key} has no row {number}", key=part.key)
        body: bytes = column[index].as_py()
        return body

    def _between(
        self, manifest: SegmentManifest, first_us: int, last_us: int, *, number: int | None = None
    ) -> list[Row]:
        """The rows received between two times, both included; ``number``: those with it in their batch."""
        part = part_of(manifest, "log")
        with whole_part():
            starts = self._files.header(manifest, part).first_us
        first = max(0, bisect_left(starts, first_us) - 1)
        rows: list[Row] = []
        for group in range(first, bisect_right(starts, last_us)):
            with whole_part():
                table = self._files.group(manifest, part, group)
            times = table.column("received_at").to_numpy().astype("datetime64[us]").astype(np.int64)
            within = (times >= first_us) & (times <= last_us)
            if number is not None:
                within &= table.column("row").to_numpy() == number
            rows += rows_at(table, np.flatnonzero(within).tolist())
        return rows

    def _evidence_of(self, manifest: SegmentManifest) -> pa.Table:
        part = part_of(manifest, "evidence")
        with whole_part():
            return self._evidence.get_or_load(part.key, lambda: (self._files.table(manifest, part), 1))


def disposed_in(row: Row, residue: Residue, manifest: SegmentManifest) -> ResidueRow | None:
    """What was disposed of in a row of a segment; None: nothing. Raises Damaged: log and residue disagree."""
    if not residue:
        return None
    found = residue.get(id_of(row))
    if (row["entry"] == DISPOSED) != (found is not None and found.is_whole):
        raise Damaged(f"log and residue of segment {manifest.segment} disagree about {id_of(row)}")
    return found


def _evidence_at(row: Row) -> BatchEvidence:
    commit = row["commit"]
    return BatchEvidence(
        key=row["key"],
        header=decode_header(row["header"], key=row["key"]),
        header_text=row["header"],
        proof=row["proof"],
        commit=decode_commit(orjson.loads(commit)) if commit is not None else None,
        first_us=row["first_us"],
        last_us=row["last_us"],
        sha512=row["sha512"],
    )


@contextmanager
def whole_part() -> Iterator[None]:
    """A part that a signed manifest names and no site has is damage, not somebody's wrong request."""
    try:
        yield
    except NotFound as error:
        raise Damaged(
            f"{error.message}, though a proved segment names it",
            hint="Run: vanvault verify. If another copy of the site exists, restore it from there.",
        ) from error


def part_of(manifest: SegmentManifest, kind: str) -> SegmentPart:
    """The part of this kind. Raises Damaged: the manifest names none."""
    part = manifest.part(kind)
    if part is None:
        raise Damaged(f"segment {manifest.segment} has no {kind}")
    return part
