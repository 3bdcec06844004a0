"""A residue segment is made as any segment is, and then counts in the place of those that it replaces.

::

    read       the parts of the segment that holds all the others' batches
    prove      each batch of which something goes: the writer's signature, and that over its receipts
    reduce     rows without what goes; the originals that stay; what is left of the rest
    ── then as ``compaction/steps.py``: put, proved, locked, trusted ──

Until its manifest is trusted, the segments that were there before are what counts. From then on they are
replaced, and only wait to be removed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidSignature

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.evidence import build_tree
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.format.batches import BodyDigests, columns_of, row_digests
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.segments import (
    evidence_header,
    header_of,
    log_header,
    originals_header,
    residue_header,
    residue_table,
)
from vanvault.archiver.core.format.segments.schema import ORIGINALS, SEGMENT_SCHEMAS
from vanvault.archiver.core.model import ResidueRow, SegmentManifest
from vanvault.archiver.core.names import (
    RESIDUE_NUMBERS,
    WRITER_ENTROPY,
    new_writer_id,
    parse_archive_id,
    writer_started_at,
)
from vanvault.archiver.core.times import to_us
from vanvault.archiver.replicas import copy_object, read_anywhere
from vanvault.archiver.upkeep import PartSource, SegmentSteps, manifest_until, residue_until
from vanvault.archiver.upkeep.residue.reduce import Disposed, Reduced, check_disposed, reduced_log

_THREADS = 4
_SHA512_BYTES = 64
#: From the id of the youngest segment that is replaced to the next one.
_STEP = timedelta(milliseconds=1)


def write_residue(
    archive: Archive,
    segments: Sequence[KnownSegment],
    disposed: Sequence[Disposed],
    *,
    disposal: str,
    fault: Fault = no_fault,
) -> tuple[str, SegmentManifest]:
    """Make the segment that stands in the place of these, without what is disposed of; its manifest's key.

    Killed anywhere and run again: either nothing counts yet, or the segment stands, at every site.

    Args:
        segments: that count; the first holds all batches of the others.
        disposed: entries of the first one.
        disposal: id of the disposal, ``d-`` and 16 hex digits.

    Raises:
        InvalidInput: the segments are not so, or an entry cannot be let go of.
        SiteUnavailable: not every site holds the new segment; what was there before is what counts.
        Damaged, Forged: a segment is not what was signed, or a site gives back other bytes than it was given.
        KeyUnavailable: a master or signing key is missing.
    """
    archive.catch_up_segments()
    made = _made_before(archive, segments, disposal)
    if made is not None:
        key, manifest = made
        _bring_everywhere(archive, key, manifest)
    else:
        _check_line(archive, segments)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="residue") as pool:
            key, manifest = _Writing(archive, pool, fault).write(segments, disposed, disposal)
        fault("residue-before-catalogue")
        archive.catalogue.add(key, manifest)
    fault("residue-before-index")
    archive.index.catch_up(wait=True)
    return key, manifest


def _made_before(
    archive: Archive, segments: Sequence[KnownSegment], disposal: str
) -> tuple[str, SegmentManifest] | None:
    """What an earlier run of this disposal put in the place of these segments."""
    ids = {one.manifest.segment for one in segments}
    for one in archive.catalogue.segments(spare=True):
        if one.manifest.disposal == disposal and ids <= set(one.manifest.replaces):
            return one.key, one.manifest
    return None


def _check_line(archive: Archive, segments: Sequence[KnownSegment]) -> None:
    counting = {one.key for one in archive.catalogue.segments(spare=True)}
    if not segments or not {one.key for one in segments} <= counting:
        raise InvalidInput("a segment that is to be replaced does not count", field="segments")
    if not all(segments[0].manifest.holds_all(one.manifest) for one in segments):
        raise InvalidInput("the first segment does not hold all batches of the others", field="segments")


def _bring_everywhere(archive: Archive, key: str, manifest: SegmentManifest) -> None:
    """A run that was killed may have put the manifest at one site only. Its parts lie at every site."""
    lacking = [name for name, site in archive.sites.items() if not site.versions(key)]
    for target in lacking:
        source = next(name for name in archive.sites if name not in lacking)
        copy_object(
            archive.sites[source],
            archive.sites[target],
            key,
            retain_until=manifest_until(manifest),
            now=archive.clock.now,
        )


@dataclass(frozen=True, slots=True)
class _Writing:
    archive: Archive
    pool: ThreadPoolExecutor
    fault: Fault

    def write(
        self, segments: Sequence[KnownSegment], disposed: Sequence[Disposed], disposal: str
    ) -> tuple[str, SegmentManifest]:
        first = segments[0]
        log, evidence = self._table(first.manifest, "log"), self._table(first.manifest, "evidence")
        before = self._gone_before(segments)
        check_disposed(log, disposed, before)
        rows = {**before, **{one.id: one for one in self._residue(first, disposed, disposal)}}
        reduced = reduced_log(
            log,
            {id: one.entry for id, one in rows.items() if one.is_whole},
            frozenset(id for id, one in rows.items() if not one.is_whole),
        )
        replaced = {one.manifest.segment for one in segments}.union(
            *(one.manifest.replaces for one in segments)
        )
        now = self.archive.clock.now()
        segment = new_writer_id(
            max(now, writer_started_at(max(replaced)) + _STEP), self.archive.entropy.token(WRITER_ENTROPY)
        )
        steps = SegmentSteps(
            self.archive, self.pool, self.fault, numbers=RESIDUE_NUMBERS, at_least=residue_until(now)
        )
        self.fault("segment-before-put")
        unsigned = replace(
            first.manifest,
            segment=segment,
            parts=(),
            replaces=tuple(sorted(replaced)),
            disposal=disposal,
            signing_key="",
            signature=b"",
        )
        residue = residue_table(rows.values())
        parts = self._parts(segment, first.manifest, reduced, evidence, residue)
        key, manifest = steps.trust(parts, unsigned)
        steps.index(manifest, reduced.log, log_header(manifest.archive, segment, reduced.log).group_rows)
        return key, manifest

    def _gone_before(self, segments: Sequence[KnownSegment]) -> dict[str, ResidueRow]:
        """What was disposed of in any of these, by id."""
        found: dict[str, ResidueRow] = {}
        for segment in segments:
            for id, row in self.archive.locator.residue(segment.manifest).items():
                if id not in found or row.is_whole:
                    found[id] = row
        return found

    def _residue(
        self, segment: KnownSegment, disposed: Sequence[Disposed], disposal: str
    ) -> Iterator[ResidueRow]:
        """What is left of each entry; its batch is proved first, as is what was signed about its receipts."""
        at_us = to_us(self.archive.clock.now())
        batches: dict[tuple[str, int], dict[int, Disposed]] = {}
        for one in disposed:
            writer, sequence, row = parse_archive_id(one.id)
            batches.setdefault((writer, sequence), {})[row] = one
        for (writer, sequence), chosen in batches.items():
            digests, leaves = self._proved(segment, writer, sequence)
            entry = "message" if self._kind(segment, writer, sequence) == "messages" else "event"
            for row, one in chosen.items():
                yield ResidueRow(
                    writer=writer,
                    sequence=sequence,
                    row=row,
                    what=one.what,
                    entry=entry,
                    rule=one.rule,
                    due_us=one.due_us,
                    disposal=disposal,
                    disposed_us=at_us,
                    digest=digests[row],
                    leaf=leaves[row] if leaves else None,
                )

    def _kind(self, segment: KnownSegment, writer: str, sequence: int) -> str:
        return self.archive.locator.evidence(segment, writer, sequence).header.kind

    def _proved(
        self, segment: KnownSegment, writer: str, sequence: int
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Digests and leaves of all rows of a batch; no leaves where it has no commit record."""
        locator = self.archive.locator
        batch = locator.evidence(segment, writer, sequence)
        entries, gone = locator.entries(segment, batch), locator.gone(segment, batch)
        digests = list(row_digests(batch.header.kind, columns_of(batch.header.kind, entries)))
        if batch.commit is None:
            return digests, ()
        tree = build_tree(
            entries,
            archive=batch.header.archive,
            key=batch.key,
            placements=batch.commit.placements,
            large=batch.header.large,
            signing_key=batch.commit.signing_key,
            known={row: one.leaf for row, one in gone.items() if one.leaf is not None},
        )
        try:
            self.archive.signing.public(batch.commit.signing_key).verify(
                batch.commit.signature, tree.statement
            )
        except InvalidSignature as error:
            raise Damaged(
                f"the receipts of {batch.key} are not those that were signed",
                key=batch.key,
                hint="Nothing of it is disposed of. Run: vanvault verify.",
            ) from error
        return digests, [tree.leaf(row) for row in range(len(entries))]

    def _parts(
        self,
        segment: str,
        before: SegmentManifest,
        reduced: Reduced,
        evidence: pa.Table,
        residue: pa.Table,
    ) -> Iterator[PartSource]:
        archive = before.archive
        yield PartSource.of_table("log", log_header(archive, segment, reduced.log), reduced.log)
        if count := len(reduced.originals):
            header = originals_header(archive, segment, count)
            bodies = self._bodies(before, reduced.originals, header.group_rows)
            yield PartSource("originals", header, bodies, _digests(reduced.log, evidence))
        yield PartSource.of_table("evidence", evidence_header(archive, segment, evidence.num_rows), evidence)
        yield PartSource.of_table("residue", residue_header(archive, segment, residue.num_rows), residue)

    def _table(self, manifest: SegmentManifest, kind: str) -> pa.Table:
        """All rows of a part, whole by its name."""
        part = manifest.part(kind)
        if part is None:
            raise Damaged(f"segment {manifest.segment} has no {kind}")
        data = read_anywhere(self.archive.sites, part.key)
        with opened(data, self.archive.parquet, part.key) as file:
            header_of(file, archive=manifest.archive, segment=manifest.segment, kind=kind, key=part.key)
            return file.read(use_threads=False).cast(SEGMENT_SCHEMAS[kind])

    def _bodies(
        self, manifest: SegmentManifest, kept: np.ndarray[tuple[int], np.dtype[np.int64]], rows: int
    ) -> Iterator[pa.Table]:
        """The originals that stay, in tables of so many rows; one row group of them is decoded at a time."""
        part = manifest.part("originals")
        if part is None:
            raise Damaged(f"segment {manifest.segment} has no originals")
        data = read_anywhere(self.archive.sites, part.key)
        with opened(data, self.archive.parquet, part.key) as file:
            header = header_of(
                file, archive=manifest.archive, segment=manifest.segment, kind=part.kind, key=part.key
            )
            groups = (
                file.read_row_group(group, use_threads=False)
                .cast(ORIGINALS)
                .take(pa.array(kept[kept // header.group_rows == group] % header.group_rows))
                for group in range(file.num_row_groups)
            )
            yield from _in_tables(groups, rows)


def _in_tables(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of so many; the last one may be shorter."""
    left = ORIGINALS.empty_table()
    for table in tables:
        left = pa.concat_tables([left, table])
        while left.num_rows >= rows:
            yield left.slice(0, rows).combine_chunks()
            left = left.slice(rows)
    if left.num_rows:
        yield left.combine_chunks()


def _digests(log: pa.Table, evidence: pa.Table) -> BodyDigests:
    """What the rows name of the originals that stay, in order."""
    own = log.filter(log.column("original").is_valid())
    held: Mapping[tuple[str, int], bytes] = dict(
        zip(
            zip(evidence.column("writer").to_pylist(), evidence.column("sequence").to_pylist(), strict=True),
            evidence.column("sha512").to_pylist(),
            strict=True,
        )
    )
    places = zip(*(own.column(name).to_pylist() for name in ("writer", "sequence", "row")), strict=True)
    sha512 = b"".join(
        held[writer, sequence][_SHA512_BYTES * row : _SHA512_BYTES * (row + 1)]
        for writer, sequence, row in places
    )
    sizes = array("q", own.column("size").to_pylist())
    return BodyDigests(sizes, b"".join(own.column("sha256").to_pylist()), sha512)
