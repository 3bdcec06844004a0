"""The framed object form, for a message too big for a batch: AES-256-GCM in frames (the STREAM construction).

Layout, integers big-endian::

    offset  bytes  what
         0      8  magic, ``VVFRAME1``
         8      1  compression of the body: 0 none, 1 zstd (RFC 8878; one zstd frame over the whole message)
         9      7  nonce prefix, random
        16      4  frame size F: plain bytes in every frame but the last, 1 .. 2**26 (written: 2**20)
        20      8  body size B: bytes in all frames together, before encryption
        28      8  message size: bytes of the original; equals B when the body is not compressed
        36      1  length K of the key id, 1 .. 64
        37      K  id of the master key, ASCII, such as ``originals/1``
      37+K      1  length W of the wrapped data key, 1 .. 255
      38+K      W  the wrapped data key, in its provider's form
    38+K+W         frames 0 .. n-1, with n = max(1, ceil(B / F)) <= 2**32, end to end

    frame i: AES-256-GCM(data key, nonce, plain bytes i*F .. min(B, (i+1)*F)) and its 16-byte tag
    nonce:   nonce prefix (7) | i (4) | 1 for the last frame, else 0 (1)
    additional data of every frame: SHA-256 of the header, the bytes 0 .. 38+K+W

The object ends with frame n-1. The data key seals this one object only. Position, end, header and key
being bound into every frame, a frame that is cut off, moved, repeated, added or taken from elsewhere does
not open. Source: Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance" (STREAM), as in Tink and age.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.key_port import KEY_BYTES, WrappedKey

Compression = Literal["none", "zstd"]
#: The data key of this one object; raises KeyUnavailable, Forged.
Unwrap = Callable[[WrappedKey], bytes]

MAGIC = b"VVFRAME1"
NONCE_PREFIX_BYTES = 7
TAG_BYTES = 16
DEFAULT_FRAME_SIZE = 2**20
FRAME_SIZE_LIMIT = 2**26
FRAMES_LIMIT = 2**32
#: No message is larger; what is compressed says how large it is, and gets no more room than this.
MESSAGE_LIMIT = 2**30
#: No header is longer than this.
HEADER_LIMIT = 38 + 64 + 255

_FIXED = struct.Struct(">8sB7sIQQ")
_COMPRESSIONS: tuple[Compression, ...] = ("none", "zstd")
_ZSTD_LEVEL = 3


@dataclass(frozen=True, slots=True)
class FramedHeader:
    """What the header of a framed object says. Raises InvalidInput when a part is out of its bounds."""

    key: WrappedKey
    nonce_prefix: bytes  # 7 bytes
    frame_size: int  # plain bytes in every frame but the last
    body_size: int  # bytes in all frames together, before encryption
    size: int  # bytes of the original message
    compression: Compression

    def __post_init__(self) -> None:
        sound = (
            self.compression in _COMPRESSIONS
            and len(self.nonce_prefix) == NONCE_PREFIX_BYTES
            and 1 <= self.frame_size <= FRAME_SIZE_LIMIT
            and 0 <= self.body_size <= FRAMES_LIMIT * self.frame_size
            and 0 <= self.size < 2**64
            and (self.compression != "none" or self.body_size == self.size)
            and 1 <= len(self.key.key_id) <= 64
            and self.key.key_id.isascii()
            and 1 <= len(self.key.wrapped) <= 255
        )
        if not sound:
            raise InvalidInput("A part of the header of a framed object is out of its bounds.")

    @property
    def frames(self) -> int:
        """How many frames the object has; an empty body has one."""
        return max(1, -(-self.body_size // self.frame_size))

    @property
    def header_size(self) -> int:
        """Bytes before the first frame."""
        return _FIXED.size + 2 + len(self.key.key_id) + len(self.key.wrapped)

    @property
    def object_size(self) -> int:
        """Bytes of the whole object."""
        return self.header_size + self.body_size + self.frames * TAG_BYTES

    def encode(self) -> bytes:
        """The header's bytes."""
        compression = _COMPRESSIONS.index(self.compression)
        fixed = (MAGIC, compression, self.nonce_prefix, self.frame_size, self.body_size, self.size)
        key_id, wrapped = self.key.key_id.encode(), self.key.wrapped
        return b"".join((_FIXED.pack(*fixed), bytes([len(key_id)]), key_id, bytes([len(wrapped)]), wrapped))


def seal(
    data: bytes | memoryview,
    *,
    data_key: bytes,
    wrapped: WrappedKey,
    nonce_prefix: bytes,
    frame_size: int = DEFAULT_FRAME_SIZE,
    compression: Compression = "none",
) -> bytes:
    """The framed object of ``data``; see ``seal_pieces``."""
    return b"".join(
        seal_pieces(
            data,
            data_key=data_key,
            wrapped=wrapped,
            nonce_prefix=nonce_prefix,
            frame_size=frame_size,
            compression=compression,
        )
    )


def seal_pieces(
    data: bytes | memoryview,
    *,
    data_key: bytes,
    wrapped: WrappedKey,
    nonce_prefix: bytes,
    frame_size: int = DEFAULT_FRAME_SIZE,
    compression: Compression = "none",
) -> Iterator[bytes]:
    """The pieces of the framed object of ``data`` in order: the header, then each frame.

    ``data`` may be a view of a mapped file; without compression one frame is in memory at a time.
    ``data_key`` is 32 bytes that never sealed anything else, ``wrapped`` the same key under its master,
    ``nonce_prefix`` 7 random bytes. "zstd" is dropped when it makes nothing smaller. Raises InvalidInput.
    """
    plain = memoryview(data).cast("B")
    body = plain
    if compression == "zstd":
        packed = memoryview(pa.Codec("zstd", compression_level=_ZSTD_LEVEL).compress(plain, asbytes=True))
        body, compression = (packed, "zstd") if len(packed) < len(plain) else (plain, "none")
    if len(data_key) != KEY_BYTES:
        raise InvalidInput(f"A data key has {KEY_BYTES} bytes, not {len(data_key)}.")
    header = FramedHeader(wrapped, nonce_prefix, frame_size, len(body), len(plain), compression)
    encoded = header.encode()
    yield encoded
    cipher, additional = AESGCM(data_key), hashlib.sha256(encoded).digest()
    for index in range(header.frames):
        frame = body[index * frame_size : (index + 1) * frame_size]
        yield cipher.encrypt(_nonce(header, index), frame, additional)


def read_header(prefix: bytes | memoryview) -> FramedHeader:
    """The header at the start of an object; HEADER_LIMIT bytes of it are always enough.

    It is not authenticated before a frame has opened. Raises Damaged.
    """
    data = bytes(prefix[:HEADER_LIMIT])
    try:
        magic, compression, nonce_prefix, frame_size, body_size, size = _FIXED.unpack_from(data)
        if magic != MAGIC:
            raise Damaged("This is not a framed object.")
        position = _FIXED.size
        key_id, position = _counted(data, position)
        wrapped, position = _counted(data, position)
        key = WrappedKey(key_id.decode("ascii"), wrapped)
        return FramedHeader(key, nonce_prefix, frame_size, body_size, size, _COMPRESSIONS[compression])
    except (struct.error, IndexError, UnicodeDecodeError, InvalidInput) as error:
        raise Damaged("The header of this framed object is damaged.") from error


def open_framed(data: bytes | memoryview, unwrap: Unwrap) -> bytes:
    """The message in a framed object, all of it authenticated.

    Raises Damaged when any byte is not as it was sealed, KeyUnavailable when the master key is missing
    or does not fit.
    """
    view = memoryview(data).cast("B")
    header = read_header(view)
    if len(view) != header.object_size:
        raise Damaged(f"The framed object has {len(view)} bytes; its header says {header.object_size}.")
    return unpacked(header, b"".join(_open_frames(header, view, unwrap)))


def _open_frames(header: FramedHeader, framed: memoryview, unwrap: Unwrap) -> Iterator[bytes]:
    cipher = AESGCM(unwrap(header.key))
    additional = hashlib.sha256(header.encode()).digest()
    stride = header.frame_size + TAG_BYTES
    for index in range(header.frames):
        start = header.header_size + index * stride
        frame = framed[start : start + stride]
        try:
            yield cipher.decrypt(_nonce(header, index), frame, additional)
        except InvalidTag as error:
            raise Damaged(f"Frame {index} of {header.frames} does not open: it is damaged.") from error


def unpacked(header: FramedHeader, body: bytes) -> bytes:
    """The message in the opened body of a framed object. Raises Damaged."""
    if header.compression == "none":
        return body
    if header.size > MESSAGE_LIMIT:
        raise Damaged(f"This framed object unpacks to {header.size} bytes, more than any message has.")
    try:
        # The codec is given a buffer of the size that the (by now authenticated) header says, and no more.
        message: bytes = pa.Codec("zstd").decompress(body, decompressed_size=header.size, asbytes=True)
    except MemoryError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise Damaged("The body of this framed object does not decompress to its size.") from error
    return message


def _nonce(header: FramedHeader, index: int) -> bytes:
    last = index == header.frames - 1
    return header.nonce_prefix + index.to_bytes(4) + bytes([last])


def _counted(data: bytes, position: int) -> tuple[bytes, int]:
    start = position + 1
    end = start + data[position]
    if end > len(data):
        raise IndexError("a value goes beyond the end")
    return data[start:end], end
