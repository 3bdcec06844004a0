"""Segments: parts, and the signed manifest that makes one trusted (archiver/FORMAT.md, section 12)."""

from __future__ import annotations

from vanvault.archiver.core.format.segments.chunks import check_chunks, chunk_digests, chunk_range, has_chunks
from vanvault.archiver.core.format.segments.manifest import (
    decode_manifest,
    encode_manifest,
    load_manifest,
    manifest_statement,
    merge_covers,
)
from vanvault.archiver.core.format.segments.part import (
    PartHeader,
    encode_part,
    evidence_header,
    header_of,
    log_header,
    originals_header,
    residue_header,
    write_part,
)
from vanvault.archiver.core.format.segments.replaced import Standing, standing
from vanvault.archiver.core.format.segments.residue import residue_rows, residue_table

__all__ = [
    "PartHeader",
    "Standing",
    "check_chunks",
    "chunk_digests",
    "chunk_range",
    "decode_manifest",
    "encode_manifest",
    "encode_part",
    "evidence_header",
    "has_chunks",
    "header_of",
    "load_manifest",
    "log_header",
    "manifest_statement",
    "merge_covers",
    "originals_header",
    "residue_header",
    "residue_rows",
    "residue_table",
    "standing",
    "write_part",
]
