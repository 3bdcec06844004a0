"""An independent look at two sites: everything FORMAT.md section 10 asks for, on whole archives."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.format.batches import canonical_event, decode_batch
from vanvault.archiver.core.model import Batch, Entry, Event
from vanvault.archiver.core.names import parse_archive_id, parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.replicas import read_large
from vanvault.archiver.stores import Site

LogicalId = tuple[str, str, str]


def read_entries(archive: Archive, sites: Mapping[str, Site] | None = None) -> dict[LogicalId, bytes]:
    """Check both sites, and return the bytes of every logical entry by (entry, gateway, id).

    Fails when the sites differ, an object or a row is not what it says, a chain has a gap, or a
    (gateway, id) was archived twice.
    """
    sites = sites or archive.sites
    whole = {name: _objects(site) for name, site in sites.items()}
    # A large object to which no row refers was never acknowledged, and may lie at one site only.
    held = {frozenset(key for key in objects if key.startswith("batch/")) for objects in whole.values()}
    assert len(held) == 1, "the sites hold different objects"
    assert all(not list(site.strays()) for site in sites.values())
    objects = next(iter(whole.values()))
    batches = [
        decode_batch(key, data, archive.parquet) for key, data in objects.items() if key.startswith("batch/")
    ]
    for batch in batches:
        _check_batch(batch, archive, sites)
    _check_chains(batches, objects.keys())
    rows = [
        (logical_id(entry), bytes_of(archive, sites, entry)) for batch in batches for entry in batch.entries
    ]
    twice = [found for found, count in Counter(found for found, _ in rows).items() if count > 1]
    assert not twice, f"archived twice: {twice}"
    return dict(rows)


def logical_id(entry: Entry) -> LogicalId:
    return ("event" if isinstance(entry, Event) else "message", entry.gateway, entry.client_id)


def bytes_of(archive: Archive, sites: Mapping[str, Site], entry: Entry) -> bytes:
    """The original or the canonical event, its digests checked; a large original is read from each site."""
    if isinstance(entry, Event):
        data = canonical_event(
            gateway=entry.gateway,
            event_id=entry.event_id,
            occurred_us=entry.occurred_us,
            type=entry.type,
            actor=entry.actor,
            message_id=entry.message_id,
            metadata=entry.metadata,
            detail=entry.detail,
        )
    elif entry.large_object:
        copies = {read_large({n: s}, archive.parquet, entry.large_object) for n, s in sites.items()}
        assert len(copies) == 1
        data = copies.pop()
    else:
        assert entry.body is not None
        data = entry.body
    assert (entry.size, entry.sha256, entry.sha512) == (
        len(data),
        hashlib.sha256(data).digest(),
        hashlib.sha512(data).digest(),
    )
    return data


def _objects(site: Site) -> dict[str, bytes]:
    """Every object of a site; each version of it holds the bytes that its name promises."""
    objects: dict[str, bytes] = {}
    for version in site.list():
        name = parse_key(version.key)
        assert name is not None, f"{version.key} is no name"
        data = site.get(version.key, version.version)
        assert hashlib.sha256(data).digest() == name.sha256, f"{version.key} at {site.site}"
        objects[version.key] = data
    return objects


def _check_batch(batch: Batch, archive: Archive, sites: Mapping[str, Site]) -> None:
    name, header = parse_key(batch.key), batch.header
    assert name is not None
    assert (header.writer, header.sequence, header.kind) == (name.writer, name.sequence, name.kind)
    assert header.archive == archive.settings.archive
    for row, entry in enumerate(batch.entries):
        assert parse_archive_id(entry.id) == (header.writer, header.sequence, row)
    for site in sites.values():
        for version in site.versions(batch.key):
            assert version.retain_until is not None
            assert version.retain_until >= parse_rfc3339(header.retain_until)


def _check_chains(batches: list[Batch], keys: object) -> None:
    chains: dict[str, list[Batch]] = defaultdict(list)
    for batch in batches:
        chains[batch.header.writer].append(batch)
    for chain in chains.values():
        chain.sort(key=lambda batch: batch.header.sequence)
        assert [batch.header.sequence for batch in chain] == list(range(len(chain)))
        previous, last_us = "", 0
        for batch in chain:
            assert batch.header.previous == previous
            name = parse_key(batch.key)
            assert name is not None
            previous = name.sha256.hex()
            for entry in batch.entries:
                assert entry.received_us > last_us
                last_us = entry.received_us
            for key in (*batch.header.heads, *(commit.key for commit in batch.header.commits)):
                assert key in keys, f"{key} is missing"  # type: ignore[operator]
