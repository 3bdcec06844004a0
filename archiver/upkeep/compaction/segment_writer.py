"""One segment: its parts put at every site, read back whole from each, locked, and only then trusted.

Life of a segment::

    gather     rows of the batches, every body hashed against its row
    put        each part at every site as soon as it is encoded, under a short lock like that of a batch
    prove      each part read back from every site: the bytes, and what they decode to, row by row
    lock       each part for its retention class, read back
    ── trust point: the signed manifest, at every site ──

A crash before the trust point leaves parts to which no manifest refers: nobody reads them, and the batches
are still what counts. Their locks end soon, unless the crash came between the last two steps. A crash after
the trust point leaves a whole segment; where the manifest reached one site only, ``proof.py`` brings it to
the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import pyarrow as pa

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged, SiteFull, SiteUnavailable, VanVaultError
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.format.batches import BodyDigests, digest_bodies
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.row_blocks import RowKey, check_area
from vanvault.archiver.core.format.segments import (
    PartHeader,
    chunk_digests,
    encode_manifest,
    evidence_header,
    has_chunks,
    header_of,
    log_header,
    manifest_statement,
    merge_covers,
    originals_header,
    write_part,
)
from vanvault.archiver.core.format.segments.schema import SEGMENT_SCHEMAS
from vanvault.archiver.core.model import BatchHeader, SegmentManifest, SegmentPart
from vanvault.archiver.core.names import WRITER_ENTROPY, ObjectSubject, SegmentKind, new_writer_id
from vanvault.archiver.core.times import from_us, rfc3339_seconds, to_us
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.replicas import Placing
from vanvault.archiver.stores import SiteReader
from vanvault.archiver.upkeep.compaction.gather import Gathered, SourceBatch, gather
from vanvault.archiver.upkeep.compaction.plan import day_of

_log = Logger("vanvault.compaction")

#: Bytes of a part that is read back from all sites at once; a larger one from one after the other.
_READ_TOGETHER = 32 * 2**20
#: Kind of part -> its number in the names.
_NUMBER: dict[SegmentKind, int] = {"log": 0, "originals": 1, "evidence": 2, "manifest": 3}


@dataclass(frozen=True, slots=True)
class SegmentLocks:
    """How long parts are locked: by the time of a segment's last row, whole seconds."""

    log: Callable[[datetime], datetime]
    originals: Callable[[datetime], datetime]
    unproved: timedelta  # from now, while a part is not proved

    def of(self, kind: str, last_us: int) -> datetime:
        """The lock of a proved part; what proves messages is kept as long as log and messages are."""
        last = from_us(last_us)
        if kind == "originals":
            return self.originals(last)
        return max(self.log(last), self.originals(last))


@dataclass(frozen=True, slots=True)
class _Part:
    header: PartHeader
    rows: pa.Table | BodyDigests  # what it must decode to; of bodies, what they must hash to
    placing: Placing


class SegmentWriter:
    """Writes segments, one after the other."""

    def __init__(self, archive: Archive, executor: Executor, fault: Fault = no_fault) -> None:
        """``executor``: threads that put and read back."""
        settings = archive.settings.compaction
        self._archive = archive
        self._executor = executor
        self._fault = fault
        self._level = settings.compression_level
        self._locks = SegmentLocks(
            log=lambda last: archive.retain_until("events", last),
            originals=lambda last: archive.retain_until("messages", last),
            unproved=settings.lock_pace().lock,
        )

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
        segment = new_writer_id(self._archive.clock.now(), self._archive.entropy.token(WRITER_ENTROPY))
        gathered, headers = gather(batches, repeats), [batch.header for batch in batches]
        batches.clear()
        self._fault("segment-before-put")
        encoding = [self._executor.submit(self._encode, *part) for part in self._parts(segment, gathered)]
        parts = []
        for encoded in encoding:
            parts.append(encoded.result())
            self._put(parts[-1].placing)
        self._fault("segment-before-prove")
        for part in parts:
            self._prove(part)
        self._fault("segment-before-lock")
        last_us = int(gathered.log.column("received_at")[-1].cast(pa.int64()).as_py())
        placed = tuple(self._lock(part, last_us) for part in parts)
        manifest = self._manifest(segment, headers, gathered, placed)
        data = encode_manifest(manifest)
        digest = hashlib.sha256(data).digest()
        key = self._archive.object_signer.sign_name(self._subject(segment, "manifest"), digest)
        until = max(self._locks.of(part.kind, last_us) for part in placed)
        self._fault("segment-before-manifest")
        self._put(Placing(key, data, digest, until))
        self._fault("segment-trusted")
        self._index(manifest, parts[0].header, gathered.log)
        return key, manifest

    def _index(self, manifest: SegmentManifest, header: PartHeader, log: pa.Table) -> None:
        """While its rows are in memory. Where that fails, the next fold indexes it."""
        try:
            self._archive.index.add(manifest, log, header.group_rows)
        except (VanVaultError, OSError) as error:
            _log.warning("a segment is indexed by the next fold", segment=manifest.segment, reason=str(error))

    def _parts(
        self, segment: str, gathered: Gathered
    ) -> Iterator[tuple[SegmentKind, PartHeader, Iterable[pa.Table], pa.Table | BodyDigests]]:
        """Kind, header and rows of every part, and what it must decode to; of events alone, no originals."""
        archive = self._archive.settings.archive
        yield "log", log_header(archive, segment, gathered.log), [gathered.log], gathered.log
        if count := gathered.originals.num_rows:
            header = originals_header(archive, segment, count)
            bodies = gathered.originals.tables(header.group_rows)
            yield "originals", header, bodies, gathered.digests
        evidence = gathered.evidence
        yield "evidence", evidence_header(archive, segment, evidence.num_rows), [evidence], evidence

    def _encode(
        self,
        kind: SegmentKind,
        header: PartHeader,
        tables: Iterable[pa.Table],
        rows: pa.Table | BodyDigests,
    ) -> _Part:
        subject = self._subject(header.segment, kind)
        properties, data_key, wrapped = self._archive.parquet.encryption_of_part(subject)
        blocks = RowKey(data_key, wrapped) if kind == "log" else None
        data = write_part(header, tables, properties, compression_level=self._level, rows=blocks)
        digest = hashlib.sha256(data).digest()
        until = (self._archive.clock.now() + self._locks.unproved).replace(microsecond=0)
        key = self._archive.object_signer.sign_name(subject, digest)
        return _Part(header, rows, Placing(key, data, digest, until))

    def _subject(self, segment: str, kind: SegmentKind) -> ObjectSubject:
        return self._archive.object_signer.subject("segment", segment, _NUMBER[kind], kind)

    def _put(self, placing: Placing) -> None:
        if placing.put(self._archive.sites, self._executor):
            return
        site, failure = next(iter(placing.failures.items()))
        kind = SiteFull if isinstance(failure, SiteFull) else SiteUnavailable
        raise kind(
            f"no segment was made: {failure.message}",
            site=failure.site if isinstance(failure, SiteUnavailable) else site,
            may_be_stored=not placing.surely_nowhere,
            hint="Nothing is lost: the batches stay locked. Compact again when the site is back.",
        ) from failure

    def _prove(self, part: _Part) -> None:
        """Every site gives back the bytes that were put, and they decode to the rows that were gathered.

        A large part is in memory twice, and not once more for each site.
        """
        key, header = part.placing.key, part.header
        asked: list[tuple[str, Callable[[], bytes]]] = []
        for name, site in self._archive.sites.items():
            ask = partial(_digest_at, site, key, part.placing.placements[name].version)
            together = len(part.placing.data) <= _READ_TOGETHER
            asked.append((name, self._executor.submit(ask).result if together else ask))
        for name, digest in asked:
            if digest() != part.placing.sha256:
                raise Damaged(
                    f"{key} did not come back from {name} as it was put; the segment is not used",
                    key=key,
                    site=name,
                    hint=f"Probe the store of {name}; the batches stay locked.",
                )
        with opened(part.placing.data, self._archive.parquet, key) as file:
            header_of(file, archive=header.archive, segment=header.segment, kind=header.kind, key=key)
            # One row group at a time: a part may be large.
            groups = (file.read_row_group(at, use_threads=False) for at in range(file.num_row_groups))
            if not is_made_of(part.rows, (group.cast(SEGMENT_SCHEMAS[header.kind]) for group in groups)):
                raise Damaged(f"{key} does not decode to the rows of its batches", key=key)
        if isinstance(part.rows, pa.Table) and header.kind == "log":
            keys = self._archive.parquet
            check_area(part.placing.data, part.rows, lambda wrapped: keys.data_key(key, wrapped), key)

    def _lock(self, part: _Part, last_us: int) -> SegmentPart:
        until = self._locks.of(part.header.kind, last_us)
        for name, site in self._archive.sites.items():
            locked = site.extend(part.placing.key, part.placing.placements[name].version, until)
            if locked.retain_until is None or locked.retain_until < until:
                raise Damaged(f"{name} did not lock {part.placing.key}", key=part.placing.key, site=name)
        return SegmentPart(
            kind=part.header.kind,
            key=part.placing.key,
            size=len(part.placing.data),
            rows=part.header.rows,
            retain_until=rfc3339_seconds(until),
            chunks=chunk_digests(part.placing.data) if has_chunks(part.header.kind) else b"",
        )

    def _manifest(
        self,
        segment: str,
        batches: Sequence[BatchHeader],
        gathered: Gathered,
        parts: tuple[SegmentPart, ...],
    ) -> SegmentManifest:
        times = gathered.log.column("received_at").cast(pa.int64())
        messages = sum(batch.rows for batch in batches if batch.kind == "messages")
        signer = self._archive.signing.active()
        unsigned = SegmentManifest(
            archive=self._archive.settings.archive,
            segment=segment,
            day=day_of(max(batch.created_us for batch in batches)),
            created_us=to_us(self._archive.clock.now()),
            first_us=times[0].as_py(),
            last_us=times[-1].as_py(),
            messages=messages,
            events=gathered.log.num_rows - messages,
            raw_bytes=gathered.raw_bytes,
            covers=merge_covers([(batch.writer, batch.sequence) for batch in batches]),
            parts=parts,
            signing_key=signer.key_id,
        )
        return replace(unsigned, signature=signer.sign(manifest_statement(unsigned)))


def _digest_at(site: SiteReader, key: str, version: str) -> bytes:
    return hashlib.sha256(site.get(key, version)).digest()


def is_made_of(rows: pa.Table | BodyDigests, groups: Iterable[pa.Table]) -> bool:
    """Do these row groups hold exactly these rows, or bodies with these digests?"""
    if isinstance(rows, BodyDigests):
        return digest_bodies(group.column("body") for group in groups) == rows
    start = 0
    for group in groups:
        if not group.equals(rows.slice(start, group.num_rows)):
            return False
        start += group.num_rows
    return bool(start == rows.num_rows)
