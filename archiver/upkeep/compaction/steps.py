"""From the parts of a segment to one that is trusted: put at every site, proved there, locked, then signed.

::

    put        each part at every site as soon as it is encoded, under a short lock like that of a batch
    prove      each part read back from every site: the bytes, and what they decode to, row by row
    lock       each part for its retention class, read back
    ── trust point: the signed manifest, at every site ──

A crash before the trust point leaves parts to which no manifest refers: nobody reads them, and what was there
before is still what counts. Their locks end soon, unless the crash came between the last two steps. A crash
after the trust point leaves a whole segment; where the manifest reached one site only, ``proof.py`` brings it
to the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
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
    has_chunks,
    header_of,
    manifest_statement,
    write_part,
)
from vanvault.archiver.core.format.segments.schema import SEGMENT_SCHEMAS
from vanvault.archiver.core.model import SegmentManifest, SegmentPart
from vanvault.archiver.core.names import PART_NUMBERS, ObjectSubject, SegmentKind
from vanvault.archiver.core.times import from_us, parse_rfc3339, rfc3339_seconds, to_us
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.replicas import Placing
from vanvault.archiver.stores import SiteReader

_log = Logger("vanvault.compaction")

#: Bytes of a part that is read back from all sites at once; a larger one from one after the other.
_READ_TOGETHER = 32 * 2**20


@dataclass(frozen=True, slots=True)
class SegmentLocks:
    """How long parts are locked: by the time of a segment's last row, whole seconds."""

    log: Callable[[datetime], datetime]
    originals: Callable[[datetime], datetime]
    unproved: timedelta  # from now, while a part is not proved
    at_least: datetime | None = None  # no proved part is locked for less

    def of(self, kind: str, last_us: int) -> datetime:
        """The lock of a proved part; what proves messages is kept as long as log and messages are."""
        by_class = self._by_class(kind, from_us(last_us))
        return by_class if self.at_least is None else max(by_class, self.at_least)

    def _by_class(self, kind: str, last: datetime) -> datetime:
        if kind == "originals":
            return self.originals(last)
        return max(self.log(last), self.originals(last))


@dataclass(frozen=True, slots=True)
class PartSource:
    """A part that is to be written."""

    kind: SegmentKind
    header: PartHeader
    tables: Iterable[pa.Table]  # to be taken once
    rows: pa.Table | BodyDigests  # what it must decode to; of bodies, what they must hash to

    @classmethod
    def of_table(cls, kind: SegmentKind, header: PartHeader, table: pa.Table) -> PartSource:
        """A part of which all rows are in memory."""
        return cls(kind, header, [table], table)


@dataclass(frozen=True, slots=True)
class _Part:
    header: PartHeader
    rows: pa.Table | BodyDigests
    placing: Placing


class SegmentSteps:
    """Makes segments trusted, one after the other."""

    def __init__(
        self,
        archive: Archive,
        executor: Executor,
        fault: Fault = no_fault,
        *,
        numbers: Mapping[SegmentKind, int] = PART_NUMBERS,
        at_least: datetime | None = None,
    ) -> None:
        """Args:
        executor: threads that put and read back.
        numbers: of the objects, by kind (``core/names.py``).
        at_least: the earliest end of a proved part's lock; by default its class alone says.
        """
        settings = archive.settings.compaction
        self._archive = archive
        self._executor = executor
        self._fault = fault
        self._numbers = numbers
        self._level = settings.compression_level
        self._locks = SegmentLocks(
            log=lambda last: archive.retain_until("events", last),
            originals=lambda last: archive.retain_until("messages", last),
            unproved=settings.lock_pace().lock,
            at_least=at_least,
        )

    def trust(self, parts: Iterable[PartSource], unsigned: SegmentManifest) -> tuple[str, SegmentManifest]:
        """All the steps; returns past the trust point, with the manifest's key.

        Args:
            unsigned: the manifest without its parts, time, signing key and signature.

        Raises:
            SiteUnavailable: not every site holds the segment; what was there before is what counts.
            Damaged: a site gives back other bytes than it was given.
            KeyUnavailable: a master or signing key is missing.
        """
        encoding = [self._executor.submit(self._encode, part) for part in parts]
        placed = []
        for encoded in encoding:
            placed.append(encoded.result())
            self._put(placed[-1].placing)
        self._fault("segment-before-prove")
        for part in placed:
            self._prove(part)
        self._fault("segment-before-lock")
        last_us = unsigned.last_us
        signer = self._archive.signing.active()
        manifest = replace(
            unsigned, parts=tuple(self._lock(part, last_us) for part in placed), signing_key=signer.key_id
        )
        manifest = replace(manifest, created_us=to_us(self._archive.clock.now()))
        manifest = replace(manifest, signature=signer.sign(manifest_statement(manifest)))
        data = encode_manifest(manifest)
        digest = hashlib.sha256(data).digest()
        key = self._archive.object_signer.sign_name(self._subject(manifest.segment, "manifest"), digest)
        until = max(parse_rfc3339(part.retain_until) for part in manifest.parts)
        self._fault("segment-before-manifest")
        self._put(Placing(key, data, digest, until))
        self._fault("segment-trusted")
        return key, manifest

    def index(self, manifest: SegmentManifest, log: pa.Table, group_rows: int) -> None:
        """While its rows are in memory. Where that fails, the next fold indexes it."""
        try:
            self._archive.index.add(manifest, log, group_rows)
        except (VanVaultError, OSError) as error:
            _log.warning("a segment is indexed by the next fold", segment=manifest.segment, reason=str(error))

    def _encode(self, part: PartSource) -> _Part:
        subject = self._subject(part.header.segment, part.kind)
        properties, data_key, wrapped = self._archive.parquet.encryption_of_part(subject)
        blocks = RowKey(data_key, wrapped) if part.kind == "log" else None
        data = write_part(part.header, part.tables, properties, compression_level=self._level, rows=blocks)
        digest = hashlib.sha256(data).digest()
        until = (self._archive.clock.now() + self._locks.unproved).replace(microsecond=0)
        key = self._archive.object_signer.sign_name(subject, digest)
        return _Part(part.header, part.rows, Placing(key, data, digest, until))

    def _subject(self, segment: str, kind: SegmentKind) -> ObjectSubject:
        return self._archive.object_signer.subject("segment", segment, self._numbers[kind], kind)

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
        # Batches may have lain for so long that their period is over: no lock becomes shorter.
        until = max(self._locks.of(part.header.kind, last_us), part.placing.retain_until)
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
