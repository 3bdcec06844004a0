"""Parquet schemas of batches, format version 1 (archiver/FORMAT.md, section 4). Never change these.

A new column means a new format version beside this one. Texts are required columns in which ""
means unknown, so that there is one spelling for it.
"""

from __future__ import annotations

import pyarrow as pa

FORMAT_VERSION = 1

#: Key of the footer's key-value metadata under which the batch header lies, as canonical JSON.
HEADER_KEY = b"vanvault.batch"
#: The same for what proves the writer (``proof.py``).
PROOF_KEY = b"vanvault.proof"


def _text(name: str) -> pa.Field:
    return pa.field(name, pa.string(), nullable=False)


_METADATA = [
    _text("kind"),
    _text("transaction_id"),
    _text("ivan"),
    _text("employer_code"),
    _text("tax_code"),
    pa.field("insurance_numbers", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
    _text("dossier_number"),
    _text("procedure"),
    _text("period"),
    _text("state"),
    _text("agency"),
]
_TIME = pa.timestamp("us", tz="UTC")
_DIGESTS = [
    pa.field("size", pa.int64(), nullable=False),
    pa.field("sha256", pa.binary(32), nullable=False),
    pa.field("sha512", pa.binary(64), nullable=False),
]

#: One row per original message. ``body`` is null exactly when ``large_object`` is not "".
MESSAGES = pa.schema(
    [
        _text("id"),
        _text("gateway"),
        _text("message_id"),
        pa.field("received_at", _TIME, nullable=False),
        _text("content_type"),
        *_DIGESTS,
        *_METADATA,
        _text("metadata_note"),
        _text("large_object"),
        pa.field("body", pa.binary(), nullable=True),
    ]
)

#: One row per line of the transaction log.
EVENTS = pa.schema(
    [
        _text("id"),
        _text("gateway"),
        _text("event_id"),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("occurred_at", _TIME, nullable=False),
        _text("type"),
        _text("actor"),
        _text("message_id"),
        *_DIGESTS,
        *_METADATA,
        _text("detail"),
    ]
)

SCHEMAS = {"messages": MESSAGES, "events": EVENTS}
