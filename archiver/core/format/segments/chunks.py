"""Digests of pieces of a part, so that a range of it can be checked without reading the rest. Pure.

A part is read in ranges, and AES-GCM only says that who wrote them held the data key, which may have been
disclosed. The manifest is signed, so what it says of each piece proves the piece. Originals have none: each
body is compared with the digest in its row.
"""

from __future__ import annotations

import hashlib

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.model import SegmentPart

#: Bytes of every piece but the last: about one row group of the log.
CHUNK_BYTES = 64 * 1024
#: The first bytes of a piece's SHA-256: nobody finds another piece with the same ones.
CHUNK_DIGEST_BYTES = 16


def chunk_digests(data: bytes | memoryview) -> bytes:
    """The digests of all pieces, one after the other."""
    view = memoryview(data)
    return b"".join(_digest(view[at : at + CHUNK_BYTES]) for at in range(0, len(view), CHUNK_BYTES))


def has_chunks(kind: str) -> bool:
    """Are digests of pieces kept of parts of this kind?"""
    return kind != "originals"


def chunk_range(part: SegmentPart, offset: int, length: int) -> tuple[int, int]:
    """Offset and length of whole pieces that hold this stretch of the part."""
    start = offset - offset % CHUNK_BYTES
    end = min(part.size, -(-(offset + length) // CHUNK_BYTES) * CHUNK_BYTES)
    return start, end - start


def check_chunks(part: SegmentPart, start: int, data: bytes) -> None:
    """Raises Damaged unless these are the part's whole pieces from ``start`` on."""
    first = start // CHUNK_BYTES * CHUNK_DIGEST_BYTES
    found = chunk_digests(data)
    if part.chunks[first : first + len(found)] != found:
        raise Damaged(
            f"{part.key} does not hold the bytes that its signed manifest names",
            key=part.key,
            hint="Run: vanvault verify, then: vanvault repair.",
        )


def _digest(piece: memoryview) -> bytes:
    return hashlib.sha256(piece).digest()[:CHUNK_DIGEST_BYTES]
