"""Reads a batch that is to be compacted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from vanvault.archiver.core.format.batches import decode_bodies, raw_bytes_of, read_batch_table
from vanvault.archiver.core.model import Commit
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import read_anywhere
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep.compaction.gather import SourceBatch, check_digests

#: Bodies of so many times the stored bytes stay decoded: as much memory, and they are decoded once.
_KEPT_DECODED = 2


def measure_source(sites: Mapping[str, Site], keys: ParquetKeys, key: str, commit: Commit | None) -> int:
    """Raw bytes of a batch that some site gives whole, by its name; its rows are checked when it is read.

    Raises Damaged, NotFound (no site gives it whole), SiteUnavailable, KeyUnavailable.
    """
    return raw_bytes_of(key, _bytes(sites, key, commit), keys)


def read_source(sites: Mapping[str, Site], keys: ParquetKeys, key: str, commit: Commit | None) -> SourceBatch:
    """A batch from the first site that gives it whole, with all its rows checked.

    Of its bodies the stored bytes stay in memory, which are decoded again where they are needed, unless the
    decoded ones take little more.

    Raises Damaged, NotFound (no site gives it whole), SiteUnavailable, KeyUnavailable.
    """
    data = _bytes(sites, key, commit)
    found = read_batch_table(key, data, keys)
    source = SourceBatch.of(key, found, commit)
    check_digests(source)
    if source.raw_bytes <= _KEPT_DECODED * len(data):
        return source
    return SourceBatch.of(key, found, commit, partial(decode_bodies, key, data, keys))


def _bytes(sites: Mapping[str, Site], key: str, commit: Commit | None) -> bytes:
    """Its bytes, looked for where its commit says that they were put."""
    return read_anywhere(sites, key, {one.site: one.version for one in commit.placements} if commit else None)
