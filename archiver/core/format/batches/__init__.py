"""Batch objects: entries <-> encrypted Parquet bytes (archiver/FORMAT.md, sections 3 and 4)."""

from __future__ import annotations

from vanvault.archiver.core.format.batches.batch import (
    BatchTable,
    HashedBatch,
    columns_in,
    columns_of,
    decode_batch,
    decode_bodies,
    decode_commit,
    decode_hashed,
    decode_header,
    decode_row_body,
    encode_batch,
    encode_commit,
    entries_of,
    raw_bytes_of,
    read_batch_table,
)
from vanvault.archiver.core.format.batches.bodies import BodyDigests, Hashes, digest_bodies, hashes_of
from vanvault.archiver.core.format.batches.events import canonical_event, canonical_of
from vanvault.archiver.core.format.batches.proof import check_proof, row_digests
from vanvault.archiver.core.format.batches.schema import EVENTS, MESSAGES

__all__ = [
    "EVENTS",
    "MESSAGES",
    "BatchTable",
    "BodyDigests",
    "HashedBatch",
    "Hashes",
    "canonical_event",
    "canonical_of",
    "check_proof",
    "columns_in",
    "columns_of",
    "decode_batch",
    "decode_bodies",
    "decode_commit",
    "decode_hashed",
    "decode_header",
    "decode_row_body",
    "digest_bodies",
    "encode_batch",
    "encode_commit",
    "entries_of",
    "hashes_of",
    "raw_bytes_of",
    "read_batch_table",
    "row_digests",
]
