"""Batch objects: entries <-> encrypted Parquet bytes (archiver/FORMAT.md, sections 3 and 4)."""

from __future__ import annotations

from vanvault.archiver.core.format.batches.batch import (
    BatchTable,
    columns_of,
    decode_batch,
    decode_commit,
    decode_header,
    decode_row_body,
    encode_batch,
    encode_commit,
    entries_of,
    read_batch_table,
)
from vanvault.archiver.core.format.batches.events import canonical_event, canonical_of
from vanvault.archiver.core.format.batches.proof import check_proof
from vanvault.archiver.core.format.batches.schema import EVENTS, MESSAGES

__all__ = [
    "EVENTS",
    "MESSAGES",
    "BatchTable",
    "canonical_event",
    "canonical_of",
    "check_proof",
    "columns_of",
    "decode_batch",
    "decode_commit",
    "decode_header",
    "decode_row_body",
    "encode_batch",
    "encode_commit",
    "entries_of",
    "read_batch_table",
]
