"""Reads a batch that is to be compacted."""

from __future__ import annotations

from collections.abc import Mapping

from vanvault.archiver.core.format.batches import read_batch_table
from vanvault.archiver.core.model import Commit
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import read_anywhere
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep.compaction.gather import SourceBatch, check_digests


def read_source(sites: Mapping[str, Site], keys: ParquetKeys, key: str, commit: Commit | None) -> SourceBatch:
    """A batch from the first site that gives it whole, with all its rows checked.

    Raises Damaged, NotFound (no site gives it whole), SiteUnavailable, KeyUnavailable.
    """
    source = SourceBatch.of(key, read_batch_table(key, read_anywhere(sites, key), keys), commit)
    check_digests(source)
    return source
