"""Just enough of Thrift's compact protocol to write a Parquet footer. Pure.

A struct is a row of fields, then a zero byte. A field is a byte (how far its number is from that of the field
before, and its type) and a value. Callers write fields in order and give that distance themselves.
"""

from __future__ import annotations

TRUE, FALSE, I16, I32, I64, BINARY, LIST, STRUCT = 1, 2, 4, 5, 6, 8, 9, 12
STOP = b"\x00"


def varint(value: int) -> bytes:
    """A length, or a count."""
    if value < 128:
        return value.to_bytes(1, "little")
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(kind: int, distance: int, value: int) -> bytes:
    """A field of one of the integer types; none that is written here is negative."""
    return bytes([distance << 4 | kind]) + varint(value << 1)


def binary(distance: int, value: bytes) -> bytes:
    """A field of bytes, or of a text in UTF-8."""
    return bytes([distance << 4 | BINARY]) + varint(len(value)) + value


def struct(distance: int, *fields: bytes) -> bytes:
    """A field that is a struct."""
    return bytes([distance << 4 | STRUCT]) + b"".join(fields) + STOP


def flag(distance: int, *, value: bool) -> bytes:
    """A field that is true or false."""
    return bytes([distance << 4 | (TRUE if value else FALSE)])


def listed(distance: int, kind: int, items: list[bytes]) -> bytes:
    """A field that is a list of these encoded items."""
    count = len(items)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    return bytes([distance << 4 | LIST]) + head + b"".join(items)
