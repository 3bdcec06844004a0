"""Reads one segment: its manifests, then the parts that a trusted one names, and checks what they hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from vanvault.archiver.core.errors import Damaged, Forged, InvalidInput, KeyUnavailable
from vanvault.archiver.core.format.batches import digest_bodies
from vanvault.archiver.core.format.encrypted import key_material, opened
from vanvault.archiver.core.format.row_blocks import check_area
from vanvault.archiver.core.format.segments import (
    PartHeader,
    chunk_digests,
    decode_manifest,
    has_chunks,
    header_of,
)
from vanvault.archiver.core.format.segments.schema import SEGMENT_SCHEMAS
from vanvault.archiver.core.model import SegmentManifest, SegmentPart
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.objects import CompactedRange, Copies, SegmentCopies
from vanvault.recovery.verify.chains import ExpectedBatch
from vanvault.recovery.verify.contents import (
    Content,
    Flaw,
    ForgedContent,
    Reference,
    SegmentContent,
    Undecipherable,
)
from vanvault.recovery.verify.reading import CopyRead, ObjectRead, ObjectReader
from vanvault.recovery.verify.segment_contents import OpenPart, SegmentCheck, check_segment

if TYPE_CHECKING:
    import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class SegmentObject:
    """A manifest, or a part that a trusted manifest names."""

    name: ObjectName
    copies: Copies
    read: ObjectRead | None  # None: only its listing was looked at
    retain_until: datetime | None


@dataclass(frozen=True, slots=True)
class HeldSegment:
    """A trusted segment, every part of which some site holds whole: what it covers counts."""

    key: str  # of its manifest
    sites: tuple[str, ...]  # that hold the manifest
    ranges: tuple[CompactedRange, ...]
    references: tuple[Reference, ...]
    expected: tuple[ExpectedBatch, ...]
    let_go: tuple[str, ...] = ()  # large objects of entries or originals that were disposed of


@dataclass(frozen=True, slots=True)
class SegmentRead:
    """Everything about the objects of one segment, without their bytes."""

    objects: tuple[SegmentObject, ...]
    leftovers: tuple[Copies, ...]  # parts that no trusted manifest names
    strangers: tuple[Copies, ...]  # no names of objects
    held: tuple[HeldSegment, ...]
    messages: int = 0  # rows that were checked
    events: int = 0


class SegmentReader:
    """Safe to share between threads; holds one segment in memory for each that calls."""

    def __init__(self, objects: ObjectReader) -> None:
        self._objects = objects

    def read(self, segment: SegmentCopies, *, parts: bool) -> SegmentRead:
        """The segment's objects; without ``parts`` only manifests are read, and parts are looked up.

        Raises nothing about objects or sites: what went wrong is in the result.
        """
        listed = {copies.key: copies for copies in segment.objects}
        names = {key: name for key in listed if (name := parse_key(key)) is not None}
        objects: list[SegmentObject] = []
        held: list[HeldSegment] = []
        messages = events = 0
        for key, name in names.items():
            if name.kind != "manifest":
                continue
            manifest, found = self.trusted_manifest(name, listed[key])
            if manifest is None:
                objects.append(found)
                continue
            reading = ReadParts(self._objects, manifest, listed, read=parts)
            objects += [*reading.objects, reading.blamed(found)]
            messages += reading.check.messages
            events += reading.check.events
            whole = reading.held(key, tuple(listed[key].at))
            held += [whole] if whole is not None else []
        known = {one.name.key for one in objects}
        return SegmentRead(
            objects=tuple(objects),
            leftovers=tuple(listed[key] for key in names if key not in known),
            strangers=tuple(copies for key, copies in listed.items() if key not in names),
            held=tuple(held),
            messages=messages,
            events=events,
        )

    def trusted(self, copies: Copies) -> SegmentManifest | None:
        """The manifest under this key, if it is to be trusted."""
        name = parse_key(copies.key)
        return self.trusted_manifest(name, copies)[0] if name is not None else None

    def trusted_manifest(
        self, name: ObjectName, copies: Copies
    ) -> tuple[SegmentManifest | None, SegmentObject]:
        """The manifest when it is to be trusted, and what was read of it."""
        reads, data = self._objects.copies(name, copies)
        if data is None:
            return None, SegmentObject(name, copies, ObjectRead(reads, None), None)
        manifest, flaws, until = None, [], None
        try:
            self._objects.parquet.proved(name.key)
            manifest = decode_manifest(data, self._objects.public_key, key=name.key)
            flaws = _manifest_flaws(name, manifest, self._objects.archive)
            until = max(parse_rfc3339(part.retain_until) for part in manifest.parts) if not flaws else None
        except Forged as error:
            flaws = [("forged", error.message)]
        except (Damaged, KeyUnavailable) as error:
            flaws = [("signature", error.message)]
        content = SegmentContent("", until, tuple(flaws))
        found = SegmentObject(name, copies, ObjectRead(reads, content), until)
        return (manifest if not flaws else None), found


class ReadParts:
    """The parts that one trusted manifest names."""

    def __init__(
        self,
        reader: ObjectReader,
        manifest: SegmentManifest,
        listed: Mapping[str, Copies],
        *,
        read: bool,
    ) -> None:
        self._reader = reader
        self._manifest = manifest
        self._whole = True  # every part is at some site as it should be, as far as it was read
        self.check = SegmentCheck()
        opened_parts: dict[str, OpenPart] = {}
        found: dict[str, tuple[ObjectName, Copies, tuple[CopyRead, ...], Content | None]] = {}
        for part in manifest.parts:
            name = _name_of(part)
            copies = listed.get(part.key, Copies(part.key, {}))
            if not read:
                self._whole &= any(
                    versions[0].size == part.size for versions in copies.at.values() if versions
                )
                found[part.kind] = (name, copies, (), None)
                continue
            reads, data = reader.copies(name, copies)
            self._whole &= data is not None
            content, table = (None, None) if data is None else self._open(part, data)
            if table is not None:
                opened_parts[part.kind] = table
            found[part.kind] = (name, copies, reads, content)
        if len(opened_parts) == len(manifest.parts):
            check_segment(self.check, manifest, opened_parts, reader.parquet, reader.public_key)
        self.opened: Mapping[str, OpenPart] = opened_parts  # those that decode, by kind
        self._read_whole = len(opened_parts) == len(manifest.parts)
        self.objects = [
            SegmentObject(
                name,
                copies,
                ObjectRead(reads, self._with_flaws(kind, content)) if read else None,
                parse_rfc3339(next(part.retain_until for part in manifest.parts if part.kind == kind)),
            )
            for kind, (name, copies, reads, content) in found.items()
        ]

    def blamed(self, manifest: SegmentObject) -> SegmentObject:
        """The manifest with what its parts show to be wrong in it."""
        read = manifest.read
        if read is None or not isinstance(read.content, SegmentContent):
            return manifest
        flaws = (*read.content.flaws, *self.check.flaws.get("manifest", ()))
        content = SegmentContent("", read.content.retain_until, flaws)
        return SegmentObject(
            manifest.name, manifest.copies, ObjectRead(read.copies, content), manifest.retain_until
        )

    def held(self, key: str, sites: tuple[str, ...]) -> HeldSegment | None:
        """What the segment covers; None when it must not be relied on."""
        if not self._whole or any(self.check.flaws.values()):
            return None
        covers = [CompactedRange(c.writer, c.first, c.last, key) for c in self._manifest.covers]
        ranges = self.check.ranges if self._read_whole else covers
        return HeldSegment(
            key,
            sites,
            tuple(ranges),
            tuple(self.check.references),
            tuple(self.check.expected),
            tuple(sorted(self.check.let_go)),
        )

    def _open(self, part: SegmentPart, data: bytes) -> tuple[Content, OpenPart | None]:
        master_key = ""
        until = parse_rfc3339(part.retain_until)
        if len(data) != part.size:
            self.check.note("manifest", ("header", f"{part.key} has {len(data)} bytes, not {part.size}"))
        if part.chunks != (chunk_digests(data) if has_chunks(part.kind) else b""):
            self.check.note("manifest", ("header", f"the pieces of {part.key} are not those that it names"))
        try:
            master_key = key_material(data).key_id
            with opened(data, self._reader.parquet, part.key) as file:
                try:
                    header = header_of(
                        file,
                        archive=self._manifest.archive,
                        segment=self._manifest.segment,
                        kind=part.kind,
                        key=part.key,
                    )
                except Damaged as error:
                    self._whole = False
                    return SegmentContent(master_key, until, (("header", error.message),)), None
                opened_part = decoded_part(part, header, file)
            if header.rows != part.rows:
                detail = f"{part.key} has {header.rows} rows, not {part.rows}"
                self.check.note("manifest", ("header", detail))
            if part.kind == "log":
                self._check_rows(part, data, opened_part.table)
            return SegmentContent(master_key, until), opened_part
        except KeyUnavailable as error:
            return self._reader.sealed(master_key, error), None  # what it covers counts until its key is back
        except Forged as error:
            self._whole = False
            return ForgedContent(error.message), None
        except Damaged as error:
            self._whole = False
            return Undecipherable(error.message), None
        except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
            self._whole = False
            return Undecipherable(f"its columns are not the format's: {type(error).__name__}"), None

    def _check_rows(self, part: SegmentPart, data: bytes, table: pa.Table) -> None:
        """Row blocks are what searches read, so they must hold what the columns do. A log may have none."""
        keys, key = self._reader.parquet, part.key
        try:
            head = check_area(data, table, lambda wrapped: keys.data_key(key, wrapped), key)
        except Damaged as error:
            self.check.note("log", ("header", error.message))
            return
        named = (self._manifest.archive, self._manifest.segment)
        if head is not None and (head.archive, head.segment) != named:
            self.check.note("log", ("header", f"its row blocks are of segment {head.segment}"))

    def _with_flaws(self, kind: str, content: Content | None) -> Content | None:
        flaws = self.check.flaws.get(kind)
        if not flaws or not isinstance(content, SegmentContent):
            return content
        return SegmentContent(content.master_key, content.retain_until, (*content.flaws, *flaws))


def decoded_part(part: SegmentPart, header: PartHeader, file: pq.ParquetFile) -> OpenPart:
    """All of a part but its bodies, of which one row group at a time is in memory."""
    schema = SEGMENT_SCHEMAS[part.kind]
    if part.kind != "originals":
        return OpenPart(part.key, header, file.read(use_threads=False).cast(schema))
    groups = (
        file.read_row_group(group, use_threads=False).cast(schema).column("body")
        for group in range(file.num_row_groups)
    )
    return OpenPart(part.key, header, schema.empty_table(), digest_bodies(groups))


def _name_of(part: SegmentPart) -> ObjectName:
    name = parse_key(part.key)
    if name is None:
        raise Damaged(f"{part.key} is not the name of an archive object", key=part.key)
    return name


def _manifest_flaws(name: ObjectName, manifest: SegmentManifest, archive: str) -> list[Flaw]:
    """A signed manifest, against its name and within itself."""
    if manifest.archive != archive:
        return [("foreign", f"it belongs to the archive {manifest.archive}")]
    if manifest.segment != name.writer:
        return [("header", f"within it is segment {manifest.segment}")]
    kinds = [part.kind for part in manifest.parts]
    if len(set(kinds)) != len(kinds) or not {"log", "evidence"} <= set(kinds) <= SEGMENT_SCHEMAS.keys():
        return [("header", "it does not name one log, one evidence and at most one originals part")]
    for part in manifest.parts:
        found = parse_key(part.key)
        if found is None or (found.family, found.writer, found.kind) != ("segment", name.writer, part.kind):
            return [("header", f"its {part.kind} part is not an object of this segment")]
        try:
            parse_rfc3339(part.retain_until)
        except InvalidInput:
            return [("header", f"the retain-until of its {part.kind} part is no date")]
    if any(cover.first > cover.last for cover in manifest.covers) or not manifest.covers:
        return [("header", "the batches that it covers are none")]
    return []


def is_clean(segment: SegmentRead, sites: Collection[str]) -> bool:
    """Is nothing wrong with the segment at these sites, so that it need not be looked at again?"""
    return all(_is_clean(one, sites) for one in segment.objects)


def _is_clean(one: SegmentObject, sites: Collection[str]) -> bool:
    if one.read is None:
        return all(site in one.copies.at for site in sites)
    content, newest = one.read.content, {copy.site: copy for copy in reversed(one.read.copies)}
    if not isinstance(content, SegmentContent) or content.flaws or not all(site in newest for site in sites):
        return False
    return all(
        copy.sha256 == one.name.sha256
        and copy.version.retain_until is not None
        and (one.retain_until is None or copy.version.retain_until >= one.retain_until)
        for copy in newest.values()
    )
