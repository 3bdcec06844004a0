"""An independent reader of segments, by archiver/FORMAT.md, section 12, and what must be true of locks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.format.batches import decode_batch, encode_commit
from vanvault.archiver.core.format.batches.batch import HEADER_KEY
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.model import BUSINESS_FIELDS, Entry, Event, Message, Metadata
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.stores import Site

#: (writer, sequence) of a batch.
BatchId = tuple[str, int]


def whole_segments(
    sites: Mapping[str, Site], now: datetime, known: Mapping[str, dict[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Manifests, by key, of segments whose every object lies at every site with the right bytes, locked.

    ``known`` ones were looked at before, and nothing was harmed since.
    """
    found = dict(known or {})
    keys = {version.key for site in sites.values() for version in site.list("segment/")}
    for key in keys - found.keys():
        if not key.endswith(".manifest.json"):
            continue
        manifests = [_locked(site, key, now) for site in sites.values()]
        if None in manifests:
            continue
        manifest = orjson.loads(manifests[0] or b"")
        parts = [part["key"] for part in manifest["parts"]]
        if all(_locked(site, part, now) is not None for site in sites.values() for part in parts):
            found[key] = manifest
    return found


def _locked(site: Site, key: str, now: datetime) -> bytes | None:
    name = parse_key(key)
    assert name is not None
    for version in site.versions(key):
        if version.retain_until is None or version.retain_until <= now:
            continue
        data = site.get(key, version.version)
        if hashlib.sha256(data).digest() == name.sha256:
            return data
    return None


def covered(manifests: Iterable[dict[str, Any]]) -> set[BatchId]:
    return {
        (cover["writer"], sequence)
        for manifest in manifests
        for cover in manifest["covers"]
        for sequence in range(cover["first"], cover["last"] + 1)
    }


class LockWatch:
    """No batch is without a lock unless a segment that is whole and locked at every site holds it.

    ``check``, called right after the clock moved and before anybody acted, speaks for the whole time in
    between, because locks are only ever moved later.
    """

    def __init__(self, sites: Mapping[str, Site]) -> None:
        self._sites = sites
        self._let_go: set[str] = set()  # batches whose segment was found whole when their lock ended
        self._whole: dict[str, dict[str, Any]] = {}

    def check(self, now: datetime) -> None:
        held: set[BatchId] | None = None
        for site in self._sites.values():
            for version in site.list("batch/"):
                locked = version.retain_until is not None and version.retain_until > now
                if locked or version.key in self._let_go:
                    continue
                if held is None:
                    self._whole = whole_segments(self._sites, now, self._whole)
                    held = covered(self._whole.values())
                name = parse_key(version.key)
                assert name is not None
                assert (name.writer, name.sequence) in held, f"{version.key} at {site.site} is not locked"
        if held is not None:
            self._let_go |= {
                version.key
                for version in next(iter(self._sites.values())).list("batch/")
                if (name := parse_key(version.key)) is not None and (name.writer, name.sequence) in held
            }


def check_locks(sites: Mapping[str, Site], now: datetime) -> None:
    """The same once, from nothing."""
    LockWatch(sites).check(now)


def batch_entries(archive: Archive, sites: Mapping[str, Site] | None = None) -> dict[BatchId, list[Entry]]:
    """All rows of all batches that some site gives."""
    found: dict[BatchId, list[Entry]] = {}
    for site in (sites or archive.sites).values():
        for version in site.list("batch/"):
            data = site.get(version.key, version.version)
            name = parse_key(version.key)
            assert name is not None
            if hashlib.sha256(data).digest() == name.sha256:
                batch = decode_batch(version.key, data, archive.parquet)
                found[(name.writer, name.sequence)] = list(batch.entries)
    return found


def read_part(archive: Archive, site: Site, key: str) -> tuple[dict[str, Any], pa.Table]:
    """Header and rows of one part."""
    with opened(site.get(key), archive.parquet, key) as file:
        header = orjson.loads(file.metadata.metadata[b"vanvault.segment"])
        return header, file.read(use_threads=False)


def segment_entries(archive: Archive, site: Site, manifest: dict[str, Any]) -> dict[BatchId, list[Entry]]:
    """The entries of one segment by batch, from its three parts; order, numbers and headers are checked."""
    keys = {part["kind"]: part["key"] for part in manifest["parts"]}
    tables = {}
    for part in manifest["parts"]:
        header, tables[part["kind"]] = read_part(archive, site, part["key"])
        assert (header["segment"], header["kind"], header["rows"]) == (
            manifest["segment"],
            part["kind"],
            part["rows"],
        )
        assert tables[part["kind"]].num_rows == part["rows"]
        assert len(site.get(part["key"])) == part["size"]
    evidence = {(row["writer"], row["sequence"]): row for row in tables["evidence"].to_pylist()}
    assert list(evidence) == sorted(evidence)
    assert set(evidence) == covered([manifest])
    bodies = tables["originals"].column("body").to_pylist() if "originals" in keys else []
    rows = _rows(tables["log"])
    order = [(row["received_at"], hashlib.sha256(row["writer"].encode()).digest()[:4]) for row in rows]
    assert order == sorted(set(order))
    assert [row["original"] for row in rows if row["original"] is not None] == list(range(len(bodies)))
    found: dict[BatchId, list[Entry]] = {}
    for row in sorted(rows, key=lambda row: (row["writer"], row["sequence"], row["row"])):
        batch = (row["writer"], row["sequence"])
        digests = evidence[batch]["sha512"]
        entry = _entry(row, bodies, digests[64 * row["row"] : 64 * row["row"] + 64])
        assert row["row"] == len(found.setdefault(batch, []))
        found[batch].append(entry)
    for batch, entries in found.items():
        times = (entries[0].received_us, entries[-1].received_us)
        assert (evidence[batch]["first_us"], evidence[batch]["last_us"]) == times
    return found


def check_evidence(archive: Archive, site: Site, manifest: dict[str, Any], batches: Site) -> None:
    """Headers and commit records are those of the batches."""
    key = next(part["key"] for part in manifest["parts"] if part["kind"] == "evidence")
    commits = {
        commit.key: commit
        for version in batches.list("batch/")
        for commit in decode_batch(
            version.key, batches.get(version.key), archive.parquet, bodies=False
        ).header.commits
    }
    _, table = read_part(archive, site, key)
    for row in table.to_pylist():
        with opened(batches.get(row["key"]), archive.parquet, row["key"]) as file:
            assert row["header"] == file.metadata.metadata[HEADER_KEY]
        assert row["commit"] == canonical(encode_commit(commits[row["key"]]))


def check_compacted(archive: Archive, sites: Mapping[str, Site], now: datetime) -> set[BatchId]:
    """Every segment holds exactly the rows of its batches; which batches those are."""
    batches = batch_entries(archive, sites)
    found: set[BatchId] = set()
    for manifest in whole_segments(sites, now).values():
        entries = segment_entries(archive, next(iter(sites.values())), manifest)
        for batch, rows in entries.items():
            assert rows == batches[batch]
        assert manifest["bytes"] == sum(entry.size for rows in entries.values() for entry in rows)
        found |= set(entries)
    return found


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name in ("received_at", "occurred_at"):
            row[name] = row[name] if row[name] is None else to_us(row[name])
    return rows


def _entry(row: dict[str, Any], bodies: list[bytes], sha512: bytes) -> Entry:
    values = {name: row[name] for name in BUSINESS_FIELDS}
    about = Metadata(**{**values, "insurance_numbers": tuple(row["insurance_numbers"])})
    id = f"{row['writer']}-{row['sequence']}-{row['row']}"
    shared = {
        "id": id,
        "gateway": row["gateway"],
        "received_us": row["received_at"],
        "size": row["size"],
        "sha256": row["sha256"],
        "sha512": sha512,
        "metadata": about,
        "message_id": row["message_id"],
    }
    if row["entry"] == "event":
        assert row["original"] is None
        assert row["content_type"] == row["metadata_note"] == row["large_object"] == ""
        return Event(
            **shared,
            event_id=row["event_id"],
            occurred_us=row["occurred_at"],
            type=row["type"],
            actor=row["actor"],
            detail=row["detail"],
        )
    assert row["entry"] == "message"
    assert (row["event_id"], row["type"], row["actor"], row["detail"], row["occurred_at"]) == (
        *[""] * 4,
        None,
    )
    body = None if row["original"] is None else bodies[row["original"]]
    return Message(
        **shared,
        content_type=row["content_type"],
        metadata_note=row["metadata_note"],
        large_object=row["large_object"],
        body=body,
    )


def until_of(manifest: dict[str, Any]) -> datetime:
    return max(parse_rfc3339(part["retain_until"]) for part in manifest["parts"])
