"""Names of objects for tests: with a signature that nobody made, or signed again for other bytes."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.names import BatchKind, Family, ObjectKind, ObjectName, SegmentKind, parse_key

#: Spells a name, and proves nothing.
NO_SIGNATURE = bytes(64)


def family_with(kind: ObjectKind) -> Family:
    """The family that has objects of this kind."""
    if kind == "framed":
        return "large"
    return "batch" if kind in ("messages", "events") else "segment"


def batch_key(writer: str, sequence: int, kind: BatchKind, sha256: bytes) -> str:
    """The unproved key of a batch."""
    return ObjectName("batch", writer, sequence, kind, sha256, NO_SIGNATURE).key


def large_key(writer: str, sequence: int, sha256: bytes) -> str:
    """The unproved key of a large object."""
    return ObjectName("large", writer, sequence, "framed", sha256, NO_SIGNATURE).key


def segment_key(segment: str, part: int, kind: SegmentKind, sha256: bytes) -> str:
    """The unproved key of an object of a segment."""
    return ObjectName("segment", segment, part, kind, sha256, NO_SIGNATURE).key


def signed(archive: Archive, name: ObjectName) -> str:
    """The key of what ``name`` says, signed as only the archive's own key can."""
    return archive.object_signer.sign_name(name.subject(archive.settings.archive), name.sha256)


def signed_again(archive: Archive, key: str, data: bytes) -> str:
    """The key for other bytes in an object's place, signed as only the archive's own key can."""
    name = parse_key(key)
    assert name is not None
    return signed(archive, replace(name, sha256=hashlib.sha256(data).digest()))
