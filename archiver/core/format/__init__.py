"""The door of core.format."""

from __future__ import annotations

from vanvault.archiver.core.format.batch import (
    decode_batch,
    decode_commit,
    decode_header,
    decode_placement,
    decode_row_body,
    encode_batch,
    encode_commit,
    encode_placement,
    entries_of,
    read_batch_table,
)
from vanvault.archiver.core.format.canonical import canonical, canonical_flat, parse_canonical
from vanvault.archiver.core.format.encrypted import MAGIC, key_material, opened, reading
from vanvault.archiver.core.format.events import canonical_event, canonical_of
from vanvault.archiver.core.format.framed import NONCE_PREFIX_BYTES, open_framed, read_header, seal
from vanvault.archiver.core.format.manifest import (
    decode_manifest,
    encode_manifest,
    load_manifest,
    manifest_statement,
    merge_covers,
)
from vanvault.archiver.core.format.schema import EVENTS, MESSAGES
from vanvault.archiver.core.format.segment import (
    PartHeader,
    encode_part,
    evidence_header,
    header_of,
    log_header,
    originals_header,
)
from vanvault.archiver.core.format.segment_schema import (
    DICTIONARY,
    EVENT_TEXTS,
    EVIDENCE,
    LOG,
    MESSAGE_TEXTS,
    ORIGINALS,
    SEGMENT_SCHEMAS,
)

__all__ = [
    "DICTIONARY",
    "EVENTS",
    "EVENT_TEXTS",
    "EVIDENCE",
    "LOG",
    "MAGIC",
    "MESSAGES",
    "MESSAGE_TEXTS",
    "NONCE_PREFIX_BYTES",
    "ORIGINALS",
    "SEGMENT_SCHEMAS",
    "PartHeader",
    "canonical",
    "canonical_event",
    "canonical_flat",
    "canonical_of",
    "decode_batch",
    "decode_commit",
    "decode_header",
    "decode_manifest",
    "decode_placement",
    "decode_row_body",
    "encode_batch",
    "encode_commit",
    "encode_manifest",
    "encode_part",
    "encode_placement",
    "entries_of",
    "evidence_header",
    "header_of",
    "key_material",
    "load_manifest",
    "log_header",
    "manifest_statement",
    "merge_covers",
    "open_framed",
    "opened",
    "originals_header",
    "parse_canonical",
    "read_batch_table",
    "read_header",
    "reading",
    "seal",
]
