"""Archives of which days are compacted, ways to harm segments, and the disposal of what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.support.archives import SITES
from tests.support.clocks import TickingClock
from tests.support.lab import LARGE, Lab, build, event, message
from tests.support.names import signed_again
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.row_blocks import RowKey
from vanvault.archiver.core.format.segments import (
    chunk_digests,
    decode_manifest,
    encode_manifest,
    evidence_header,
    has_chunks,
    header_of,
    log_header,
    manifest_statement,
    originals_header,
)
from vanvault.archiver.core.format.segments.part import write_part
from vanvault.archiver.core.format.segments.schema import SEGMENT_SCHEMAS
from vanvault.archiver.core.model import SegmentManifest, SegmentPart
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.keys import SigningKey
from vanvault.archiver.upkeep import compact

PARTS = ("log", "originals", "evidence")
#: Long after the locks of batches are over, and before those of anything else are.
AFTER_LOCKS = timedelta(days=100)

Tables = dict[str, pa.Table]


def build_compacted(home: Path) -> None:
    """Two days in a segment each; a third writer's batches, and the compaction's own events, are in none."""
    build(home)
    clock = TickingClock(days=1)
    with Archive.open(home, ports=Ports.under(clock)) as archive:
        writer, _ = archive.open_writer()
        for number in range(2):
            writer.commit([message(archive, 2000 + number), event(archive, 2000 + number)])
        writer.commit([message(archive, 2100, body=LARGE + b"next", writer=writer)])
        writer.close()
        archive.catch_up()
    with Archive.open(home, ports=Ports.under(TickingClock(days=3))) as archive:
        run = compact(archive)
        assert len(run.report.segments) == 2
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 3000), event(archive, 3000)], final=True)
        writer.close()
        archive.catch_up()


class CompactedLab(Lab):
    """A copy of the compacted archive that a test may harm."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.clock = TickingClock(days=5)

    def segments(self) -> list[str]:
        return sorted({key.split("/")[1] for key in self.keys(family="segment")})

    def part(self, kind: str, segment: int = 0) -> str:
        """Key of one object of the segment with this number."""
        (key,) = [key for key in self.keys(kind=kind) if key.split("/")[1] == self.segments()[segment]]
        return key

    def manifest(self, segment: int = 0) -> SegmentManifest:
        key = self.part("manifest", segment)
        with self.open() as archive:
            return decode_manifest(self.data("primary", key), archive.signing.public, key=key)

    def compacted(self, segment: int | None = None) -> list[str]:
        """The batches that segments hold."""
        chosen = range(len(self.segments())) if segment is None else [segment]
        manifests = [self.manifest(number) for number in chosen]
        found = []
        for key in self.keys(family="batch"):
            name = parse_key(key)
            if name and any(manifest.holds(name.writer, name.sequence) for manifest in manifests):
                found.append(key)
        return found

    def dispose(self, *, sites: tuple[str, ...] = SITES, every: int = 1) -> list[str]:
        """Let the locks of compacted batches run out, and remove these, or one of ``every``."""
        self.clock.moment += AFTER_LOCKS
        gone = self.compacted()[::every]
        for key in gone:
            for site in sites:
                with self.open() as archive:
                    until = archive.sites[site].stat(key).retain_until
                    assert until is not None
                    assert until < self.clock.moment, "its lock is not over"
                self.drop(site, key)
        self.keep()
        return gone

    def keep(self) -> None:
        """What the keeper does all the time."""
        from vanvault.archiver.upkeep import keep_locks

        with self.open() as archive:
            keep_locks(archive)

    def tables(self, segment: int = 0) -> Tables:
        found = {}
        with self.open() as archive:
            for part in self.manifest(segment).parts:
                data = self.data("primary", part.key)
                with opened(data, archive.parquet, part.key) as file:
                    header_of(
                        file,
                        archive=archive.settings.archive,
                        segment=self.segments()[segment],
                        kind=part.kind,
                        key=part.key,
                    )
                    found[part.kind] = file.read(use_threads=False).cast(SEGMENT_SCHEMAS[part.kind])
        return found

    def forge_segment(
        self,
        change: Callable[[Tables], None] = lambda tables: None,
        *,
        segment: int = 0,
        state: Callable[[SegmentManifest], SegmentManifest] = lambda manifest: manifest,
        signed: Callable[[SegmentManifest, SigningKey], SegmentManifest] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """Put another segment in the place of one, at both sites, as only a holder of all keys can.

        Args:
            change: alters the parts' tables; the manifest is made to fit them.
            state: alters the manifest after that, before it is signed.
            signed: signs it; by default the archive's own key does.
            headers: fields of a part's header, by kind.

        Returns the keys of its objects by kind.
        """
        tables, before = self.tables(segment), self.manifest(segment)
        old_keys = [*(part.key for part in before.parts), self.part("manifest", segment)]
        change(tables)
        made: dict[str, bytes] = {}
        with self.open() as archive:
            parts = []
            for part in before.parts:
                data = self._encoded(archive, before, part, tables[part.kind], (headers or {}).get(part.kind))
                key = signed_again(archive, part.key, data)
                made[key] = data
                chunks = chunk_digests(data) if has_chunks(part.kind) else b""
                rows = tables[part.kind].num_rows
                parts.append(replace(part, key=key, size=len(data), rows=rows, chunks=chunks))
            log = tables["log"]
            times = log.column("received_at").cast(pa.int64()).to_pylist()
            messages = log.column("entry").to_pylist().count("message")
            manifest = state(
                replace(
                    before,
                    parts=tuple(parts),
                    messages=messages,
                    events=log.num_rows - messages,
                    raw_bytes=sum(log.column("size").to_pylist()),
                    first_us=times[0],
                    last_us=times[-1],
                )
            )
            manifest = (signed or sign)(manifest, archive.signing.active())
            data = encode_manifest(manifest)
            made[signed_again(archive, old_keys[-1], data)] = data
        for site in SITES:
            for old in old_keys:
                self.drop(site, old)
            for new, content in made.items():
                self.add(site, new, content)
        return {str(name.kind): new for new in made if (name := parse_key(new)) is not None}

    def _encoded(
        self,
        archive: Archive,
        manifest: SegmentManifest,
        part: SegmentPart,
        table: pa.Table,
        fields: dict[str, Any] | None,
    ) -> bytes:
        header = {
            "log": lambda: log_header(manifest.archive, manifest.segment, table),
            "originals": lambda: originals_header(manifest.archive, manifest.segment, table.num_rows),
            "evidence": lambda: evidence_header(manifest.archive, manifest.segment, table.num_rows),
        }[part.kind]()
        name = parse_key(part.key)
        assert name is not None
        subject = name.subject(archive.settings.archive)
        properties, data_key, wrapped = archive.parquet.encryption_of_part(subject)
        rows = RowKey(data_key, wrapped) if part.kind == "log" else None
        header = replace(header, **(fields or {}))
        return write_part(header, [table], properties, compression_level=1, rows=rows)


def sign(manifest: SegmentManifest, key: SigningKey) -> SegmentManifest:
    named = replace(manifest, signing_key=key.key_id)
    return replace(named, signature=key.sign(manifest_statement(named)))


def with_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    """The table with other values in one column."""
    place = table.column_names.index(name)
    field = table.schema.field(name)
    return table.set_column(place, field, pa.array(values, type=field.type))
