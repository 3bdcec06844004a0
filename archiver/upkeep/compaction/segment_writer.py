"""One segment of many batches: their rows gathered, then put, proved, locked and trusted (``steps.py``).

Life of a segment: its rows are gathered, every body hashed against its row; then ``SegmentSteps`` makes it
trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor

import pyarrow as pa

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.format.segments import (
    evidence_header,
    log_header,
    merge_covers,
    originals_header,
)
from vanvault.archiver.core.model import SegmentManifest
from vanvault.archiver.core.names import WRITER_ENTROPY, new_writer_id
from vanvault.archiver.upkeep.compaction.gather import Gathered, SourceBatch, gather
from vanvault.archiver.upkeep.compaction.plan import day_of
from vanvault.archiver.upkeep.compaction.steps import PartSource, SegmentSteps


class SegmentWriter:
    """Writes segments, one after the other."""

    def __init__(self, archive: Archive, executor: Executor, fault: Fault = no_fault) -> None:
        """``executor``: threads that put and read back."""
        self._archive = archive
        self._fault = fault
        self._steps = SegmentSteps(archive, executor, fault)

    def write(self, batches: list[SourceBatch], repeats: Mapping[str, str]) -> tuple[str, SegmentManifest]:
        """Compact batches of one day; returns past the trust point, with the manifest's key.

        Args:
            batches: are taken out of this list, so that memory holds their rows once.
            repeats: id of an entry -> id of the entry that stands in its place.

        Raises:
            SiteUnavailable: not every site holds the segment; the batches are what counts.
            Damaged: a batch contradicts itself, or a site gives back other bytes than it was given.
            KeyUnavailable: a master or signing key is missing.
        """
        archive = self._archive.settings.archive
        segment = new_writer_id(self._archive.clock.now(), self._archive.entropy.token(WRITER_ENTROPY))
        gathered, headers = gather(batches, repeats), [batch.header for batch in batches]
        batches.clear()
        times = gathered.log.column("received_at").cast(pa.int64())
        messages = sum(batch.rows for batch in headers if batch.kind == "messages")
        self._fault("segment-before-put")
        header = log_header(archive, segment, gathered.log)
        key, manifest = self._steps.trust(
            [PartSource.of_table("log", header, gathered.log), *self._other_parts(segment, gathered)],
            SegmentManifest(
                archive=archive,
                segment=segment,
                day=day_of(max(batch.created_us for batch in headers)),
                created_us=0,
                first_us=times[0].as_py(),
                last_us=times[-1].as_py(),
                messages=messages,
                events=gathered.log.num_rows - messages,
                raw_bytes=gathered.raw_bytes,
                covers=merge_covers([(batch.writer, batch.sequence) for batch in headers]),
                parts=(),
            ),
        )
        self._steps.index(manifest, gathered.log, header.group_rows)
        return key, manifest

    def _other_parts(self, segment: str, gathered: Gathered) -> Iterator[PartSource]:
        """Of events alone there are no originals."""
        archive = self._archive.settings.archive
        if count := gathered.originals.num_rows:
            header = originals_header(archive, segment, count)
            yield PartSource(
                "originals", header, gathered.originals.tables(header.group_rows), gathered.digests
            )
        evidence = gathered.evidence
        yield PartSource.of_table("evidence", evidence_header(archive, segment, evidence.num_rows), evidence)
