"""Columns of whole numbers as bytes: byte planes, each under zstd where that helps. Pure.

FORMAT.md, section 3. The lower bytes of tokens and row numbers are as good as random and stay as they are;
the upper ones are few values, which zstd packs well once they lie together.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from vanvault.archiver.catalogue.index.segments import UInt64s
from vanvault.archiver.core.errors import Damaged

ZSTD_LEVEL = 3

_COLUMN = struct.Struct("<IB")  # numbers, byte planes
_PLANE = struct.Struct("<I")  # bytes of the plane as it is stored
_TOO_SHORT = 24  # bytes; a zstd frame would be no shorter


def pack(plain: bytes) -> bytes:
    """``plain`` under zstd, after its length in 4 bytes."""
    return struct.pack("<I", len(plain)) + bytes(_codec().compress(plain, asbytes=True))


def unpack(packed: bytes, name: str) -> bytes:
    """The reverse of ``pack``. Raises Damaged."""
    try:
        (length,) = struct.unpack_from("<I", packed)
        return bytes(_codec().decompress(packed[4:], decompressed_size=length, asbytes=True))
    except (struct.error, OSError, ValueError) as error:
        raise Damaged(f"{name}: a block cannot be unpacked", key=name) from error


def encode_columns(columns: Sequence[UInt64s]) -> bytes:
    """Concatenate all columns; their number is not stored."""
    codec, parts = _codec(), []
    for column in columns:
        width = (int(column.max()).bit_length() + 7) // 8 if len(column) else 0
        parts.append(_COLUMN.pack(len(column), width))
        planes = np.ascontiguousarray(column, dtype="<u8").view(np.uint8).reshape(-1, 8)[:, :width].T
        for plane in np.ascontiguousarray(planes):
            raw = plane.tobytes()
            if len(raw) > _TOO_SHORT:
                packed = codec.compress(raw, asbytes=True)
                if len(packed) < len(raw) - len(raw) // 32:
                    raw = packed
            parts += [_PLANE.pack(len(raw)), raw]
    return b"".join(parts)


def decode_columns(data: bytes, count: int, name: str) -> list[UInt64s]:
    """The first ``count`` columns. Raises Damaged."""
    codec, at, columns = _codec(), 0, []
    try:
        for _ in range(count):
            length, width = _COLUMN.unpack_from(data, at)
            at += _COLUMN.size
            padded = np.zeros((length, 8), np.uint8)
            for place in range(width):
                (stored,) = _PLANE.unpack_from(data, at)
                at += _PLANE.size
                raw = data[at : at + stored]
                at += stored
                if at > len(data):
                    raise Damaged(f"{name}: a block is cut off", key=name)
                if stored != length:
                    raw = codec.decompress(raw, decompressed_size=length, asbytes=True)
                padded[:, place] = np.frombuffer(raw, np.uint8)
            columns.append(padded.view("<u8").reshape(-1))
    except (struct.error, OSError, ValueError, IndexError) as error:
        raise Damaged(f"{name}: a block cannot be unpacked", key=name) from error
    return columns


def _codec() -> pa.Codec:
    return pa.Codec("zstd", compression_level=ZSTD_LEVEL)
