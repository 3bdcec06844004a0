"""Segment manifests: canonical JSON, signed. Pure. Layout: archiver/FORMAT.md, sections 12 and 13.

A manifest is not encrypted: it holds no business data, and whoever has the public key can see which
batches are compacted, how much there is and how long it is locked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.format.segments.chunks import CHUNK_BYTES, CHUNK_DIGEST_BYTES, has_chunks
from vanvault.archiver.core.model import Covered, SegmentManifest, SegmentPart
from vanvault.archiver.core.names import SEQUENCE_LIMIT, is_writer_id, parse_key
from vanvault.archiver.core.times import parse_rfc3339

MANIFEST_FORMAT = "vanvault-segment-v1"
#: Of a residue segment.
RESIDUE_FORMAT = "vanvault-segment-v2"

#: Kinds of the parts, in the order in which they stand: a segment of events alone has no originals.
_PARTS = (("log", "evidence"), ("log", "originals", "evidence"))
_DISPOSAL = re.compile(r"d-[0-9a-f]{16}")
_FIELDS = frozenset(
    (
        "archive",
        "bytes",
        "covers",
        "created_us",
        "day",
        "events",
        "first_us",
        "format",
        "last_us",
        "messages",
        "parts",
        "segment",
        "signature",
        "signing_key",
    )
)
_RESIDUE_FIELDS = _FIELDS | {"disposal", "replaces"}


def manifest_statement(manifest: SegmentManifest) -> bytes:
    """The signed text: a line that no other statement begins with, then the manifest unsigned."""
    return b"vanvault segment v1\n" + canonical(_body(manifest)) + b"\n"


def encode_manifest(manifest: SegmentManifest) -> bytes:
    """Canonical JSON of a signed manifest."""
    return canonical({**_body(manifest), "signature": manifest.signature.hex()})


def decode_manifest(
    data: bytes, public_key: Callable[[str], Ed25519PublicKey], *, key: str
) -> SegmentManifest:
    """A manifest whose signature fits.

    Args:
        public_key: gives the key of an id that this archive trusts; raises KeyUnavailable.
        key: name of the object, for errors.

    Raises Damaged (not a manifest, changed, or signed by nobody known), KeyUnavailable.
    """
    manifest = load_manifest(data, key=key)
    try:
        # One spelling of one manifest: a signature says nothing about how itself is written.
        name = parse_key(key)
        fits = name is None or name.of_residue == manifest.is_residue
        if encode_manifest(manifest) != data or not fits or not _is_sound(manifest):
            raise Damaged(f"{key} is a segment manifest that contradicts itself", key=key)
    except (InvalidInput, OverflowError, ValueError) as error:
        raise Damaged(f"{key} is not a segment manifest", key=key) from error
    try:
        public_key(manifest.signing_key).verify(manifest.signature, manifest_statement(manifest))
    except InvalidSignature as error:
        raise Damaged(f"the signature of {key} does not fit its content", key=key) from error
    return manifest


def load_manifest(data: bytes, *, key: str) -> SegmentManifest:
    """A manifest that was decoded with its signature before, from this node's own copy. Raises Damaged."""
    try:
        fields: dict[str, Any] = orjson.loads(data)
        form = (fields["format"], frozenset(fields))
        if form not in ((MANIFEST_FORMAT, _FIELDS), (RESIDUE_FORMAT, _RESIDUE_FIELDS)):
            raise Damaged(f"{key} is not a segment manifest of a known format", key=key)
        manifest = SegmentManifest(
            archive=str(fields["archive"]),
            segment=str(fields["segment"]),
            day=str(fields["day"]),
            created_us=int(fields["created_us"]),
            first_us=int(fields["first_us"]),
            last_us=int(fields["last_us"]),
            messages=int(fields["messages"]),
            events=int(fields["events"]),
            raw_bytes=int(fields["bytes"]),
            covers=tuple(
                Covered(str(c["writer"]), int(c["first"]), int(c["last"])) for c in fields["covers"]
            ),
            parts=tuple(_part(part) for part in fields["parts"]),
            signing_key=str(fields["signing_key"]),
            signature=bytes.fromhex(fields["signature"]),
            replaces=tuple(str(one) for one in fields.get("replaces", ())),
            disposal=str(fields.get("disposal", "")),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise Damaged(f"{key} is not a segment manifest", key=key) from error
    return manifest


def merge_covers(batches: Sequence[tuple[str, int]]) -> tuple[Covered, ...]:
    """(writer, sequence) pairs as the fewest ranges, by writer and sequence."""
    covers: list[Covered] = []
    for writer, sequence in sorted(set(batches)):
        last = covers[-1] if covers else None
        if last is not None and (last.writer, last.last + 1) == (writer, sequence):
            covers[-1] = Covered(writer, last.first, sequence)
        else:
            covers.append(Covered(writer, sequence, sequence))
    return tuple(covers)


def _body(manifest: SegmentManifest) -> dict[str, object]:
    body: dict[str, object] = {
        "archive": manifest.archive,
        "bytes": manifest.raw_bytes,
        "covers": [{"first": c.first, "last": c.last, "writer": c.writer} for c in manifest.covers],
        "created_us": manifest.created_us,
        "day": manifest.day,
        "events": manifest.events,
        "first_us": manifest.first_us,
        "format": RESIDUE_FORMAT if manifest.is_residue else MANIFEST_FORMAT,
        "last_us": manifest.last_us,
        "messages": manifest.messages,
        "parts": [
            {
                "chunks": part.chunks.hex(),
                "key": part.key,
                "kind": part.kind,
                "retain_until": part.retain_until,
                "rows": part.rows,
                "size": part.size,
            }
            for part in manifest.parts
        ],
        "segment": manifest.segment,
        "signing_key": manifest.signing_key,
    }
    if manifest.is_residue:
        body |= {"disposal": manifest.disposal, "replaces": list(manifest.replaces)}
    return body


def _is_sound(manifest: SegmentManifest) -> bool:
    """Do its members fit each other? Raises InvalidInput, ValueError for dates that are none."""
    if date.fromisoformat(manifest.day).isoformat() != manifest.day:  # a week, or no dashes
        return False
    kinds = tuple(part.kind for part in manifest.parts)
    log, evidence = manifest.part("log"), manifest.part("evidence")
    residue = manifest.part("residue")
    if log is None or evidence is None or not _stands_for(manifest):
        return False
    if (kinds[:-1] if residue is not None else kinds) not in _PARTS or kinds.count("residue") > 1:
        return False
    if manifest.is_residue != (residue is not None and 0 < residue.rows <= manifest.rows):
        return False
    for part in manifest.parts:
        name = parse_key(part.key)
        if name is None or (name.family, name.writer, name.kind) != ("segment", manifest.segment, part.kind):
            return False
        if name.of_residue != manifest.is_residue:
            return False
        parse_rfc3339(part.retain_until, field="retain_until")
        pieces = -(-part.size // CHUNK_BYTES) if has_chunks(part.kind) else 0
        if part.size < 1 or len(part.chunks) != pieces * CHUNK_DIGEST_BYTES:
            return False
    return (
        is_writer_id(manifest.segment)
        and min(manifest.messages, manifest.events) >= 0
        and 0 <= manifest.first_us <= manifest.last_us
        and log.rows == manifest.rows > 0
        and evidence.rows == sum(cover.last - cover.first + 1 for cover in manifest.covers)
        and all(_is_range(cover) for cover in manifest.covers)
        and all(_comes_before(one, two) for one, two in pairwise(manifest.covers))
    )


def _stands_for(manifest: SegmentManifest) -> bool:
    """Does it name what it stands for, if it is a residue segment; all of it made before?"""
    if not manifest.is_residue:
        return not manifest.replaces
    return (
        _DISPOSAL.fullmatch(manifest.disposal) is not None
        and bool(manifest.replaces)
        and all(map(is_writer_id, manifest.replaces))
        and list(manifest.replaces) == sorted(set(manifest.replaces))
        # What is made later is never replaced by what was before it: so no two replace each other.
        and manifest.replaces[-1] < manifest.segment
    )


def _is_range(cover: Covered) -> bool:
    return is_writer_id(cover.writer) and 0 <= cover.first <= cover.last < SEQUENCE_LIMIT


def _comes_before(one: Covered, two: Covered) -> bool:
    """In order, and not to be written as one range."""
    return one.writer < two.writer or (one.writer == two.writer and one.last + 1 < two.first)


def _part(fields: dict[str, Any]) -> SegmentPart:
    return SegmentPart(
        str(fields["kind"]),
        str(fields["key"]),
        int(fields["size"]),
        int(fields["rows"]),
        str(fields["retain_until"]),
        bytes.fromhex(fields["chunks"]),
    )
