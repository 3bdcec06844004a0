"""Parquet schemas of segments (archiver/FORMAT.md, sections 12 and 13). Never change these."""

from __future__ import annotations

import pyarrow as pa

from vanvault.archiver.core.format.batches.schema import EVENTS, MESSAGES

#: Key of the footer's key-value metadata under which a part says which segment it is of.
SEGMENT_KEY = b"vanvault.segment"

_TIME = pa.timestamp("us", tz="UTC")


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


#: Columns that batches of both kinds have under the same name, and the log takes over as they are.
_SHARED = (
    "gateway",
    "size",
    "sha256",
    "kind",
    "transaction_id",
    "ivan",
    "employer_code",
    "tax_code",
    "insurance_numbers",
    "dossier_number",
    "procedure",
    "period",
    "state",
    "agency",
)
#: Columns that only one kind of batch has; rows of the other kind hold "".
MESSAGE_TEXTS = ("content_type", "metadata_note", "large_object")
EVENT_TEXTS = ("event_id", "type", "actor", "detail")

#: One row per message or event, in time order; bodies lie apart.
LOG = pa.schema(
    [
        _required("received_at", _TIME),
        _required("entry", pa.string()),
        _required("writer", pa.string()),
        _required("sequence", pa.int64()),
        _required("row", pa.int32()),
        _required("message_id", pa.string()),
        *(MESSAGES.field(name) for name in _SHARED),
        *(MESSAGES.field(name) for name in MESSAGE_TEXTS),
        *(EVENTS.field(name) for name in EVENT_TEXTS),
        pa.field("occurred_at", _TIME, nullable=True),
        pa.field("original", pa.int64(), nullable=True),
        _required("repeats", pa.string()),
    ]
)

#: One row per message whose bytes lie in the segment, in the order of the log.
ORIGINALS = pa.schema([_required("body", pa.binary())])

#: One row per covered batch, by writer and sequence.
EVIDENCE = pa.schema(
    [
        _required("writer", pa.string()),
        _required("sequence", pa.int64()),
        _required("key", pa.string()),
        _required("header", pa.binary()),
        _required("proof", pa.binary()),
        pa.field("commit", pa.binary(), nullable=True),
        _required("first_us", pa.int64()),
        _required("last_us", pa.int64()),
        _required("sha512", pa.binary()),
    ]
)

#: One row per entry that was disposed of, by writer, sequence and row.
RESIDUE = pa.schema(
    [
        _required("writer", pa.string()),
        _required("sequence", pa.int64()),
        _required("row", pa.int32()),
        _required("what", pa.string()),
        _required("entry", pa.string()),
        _required("rule", pa.string()),
        _required("due_us", pa.int64()),
        _required("disposal", pa.string()),
        _required("disposed_us", pa.int64()),
        _required("digest", pa.binary(32)),
        pa.field("leaf", pa.binary(32), nullable=True),
    ]
)

SEGMENT_SCHEMAS = {"log": LOG, "originals": ORIGINALS, "evidence": EVIDENCE, "residue": RESIDUE}

#: Few distinct values, or ones that repeat from row to row: worth a dictionary.
DICTIONARY = (
    "entry",
    "writer",
    "gateway",
    "kind",
    "ivan",
    "employer_code",
    "tax_code",
    "procedure",
    "period",
    "state",
    "agency",
    "content_type",
    "metadata_note",
    "type",
    "actor",
    "repeats",
    "transaction_id",
)
#: Numbers that mostly rise.
DELTA = ("received_at", "sequence", "row", "size", "occurred_at", "original")
#: Texts that share beginnings with their neighbours.
FRONT_CODED = ("message_id", "event_id", "dossier_number", "large_object", "detail")
