"""Reads a batch that is to be compacted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from vanvault.archiver.core.format.batches import decode_bodies, read_batch_table
from vanvault.archiver.core.model import Commit
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import read_anywhere
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep.compaction.gather import SourceBatch, check_digests


def read_source(sites: Mapping[str, Site], keys: ParquetKeys, key: str, commit: Commit | None) -> SourceBatch:
    """A batch from the first site that gives it whole, with all its rows checked.

    Of its bodies the stored bytes stay in memory, which are decoded again where they are needed.

    Raises Damaged, NotFound (no site gives it whole), SiteUnavailable, KeyUnavailable.
    """
    data = read_anywhere(sites, key)
    found = read_batch_table(key, data, keys)
    check_digests(SourceBatch.of(key, found, commit))
    return SourceBatch.of(key, found, commit, partial(decode_bodies, key, data, keys))
