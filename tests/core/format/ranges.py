"""A part of a framed object, opened without the rest of it: written from the layout in ``framed.py``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.framed import HEADER_LIMIT, TAG_BYTES, FramedHeader, read_header

Read = Callable[[int, int], bytes]
Unwrap = Callable[[str, bytes], bytes]


def open_range(read: Read, unwrap: Unwrap, offset: int, length: int) -> bytes:
    """``length`` bytes of the message from ``offset``; shorter only where the message ends.

    Opens only the frames that hold them, when the body is not compressed, and all of it otherwise. A range
    past the end still opens the last frame, which proves that the message ends there. Raises Damaged.
    """
    header = read_header(read(0, HEADER_LIMIT))
    end = min(offset + length, header.size)
    if header.compression != "none":
        body = b"".join(_frame(header, read, unwrap, index) for index in range(header.frames))
        plain: bytes = pa.Codec("zstd").decompress(body, decompressed_size=header.size, asbytes=True)
        return plain[offset:end]
    first = min(offset // header.frame_size, header.frames - 1)
    stop = max(first + 1, -(-end // header.frame_size))
    body = b"".join(_frame(header, read, unwrap, index) for index in range(first, stop))
    start = first * header.frame_size
    return body[offset - start : max(end - start, 0)]


def _frame(header: FramedHeader, read: Read, unwrap: Unwrap, index: int) -> bytes:
    size = min(header.frame_size, header.body_size - index * header.frame_size) + TAG_BYTES
    sealed = read(header.header_size + index * (header.frame_size + TAG_BYTES), size)
    nonce = header.nonce_prefix + index.to_bytes(4) + bytes([index == header.frames - 1])
    cipher = AESGCM(unwrap(header.key))
    try:
        return cipher.decrypt(nonce, sealed, hashlib.sha256(header.encode()).digest())
    except InvalidTag as error:
        raise Damaged(f"frame {index} does not open") from error
