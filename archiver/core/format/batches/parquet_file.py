"""A batch as an encrypted Parquet file, written without pyarrow's writer. Pure.

That writer takes some 20 microseconds for a column before it has written a byte, and twice as many under
encryption; a batch of a few messages has 22 columns. A batch needs little of Parquet: plain values, one page
for each column and row group, no dictionaries, no statistics. Any reader of Parquet reads it; in this program
it is pyarrow. Layout: archiver/FORMAT.md, sections 4 and 5.

The nonce of a module is 8 random bytes of the file and a running number, so none comes twice under the file's
data key (NIST SP 800-38D, 8.2.1).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from struct import Struct, pack
from struct import error as struct_error
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.core.format.batches.schema import SCHEMAS
from vanvault.archiver.core.format.batches.thrift import (
    BINARY,
    I16,
    I32,
    I64,
    STOP,
    STRUCT,
    binary,
    flag,
    integer,
    listed,
    struct,
    varint,
)
from vanvault.archiver.core.key_port import FreshKey

_MAGIC = b"PARE"
_CREATED_BY = b"vanvault version 1.0.0"

#: Bytes of a page of plain values; with fewer a compressor costs more than it gains.
_WORTH_PACKING = 512
#: Parquet tells the size of a page in 31 bits; intake's limits keep far below.
_PAGE_LIMIT = 2**30 + 2**29

_INT64, _BYTE_ARRAY, _FIXED_BYTES = 2, 6, 7  # physical types
_PLAIN, _RLE = 0, 3  # encodings, of values and of levels
_UNPACKED, _ZSTD = 0, 6  # codecs
_REQUIRED, _OPTIONAL, _REPEATED = 0, 1, 2
_UTF8, _LIST_OF, _MICROSECONDS = 0, 3, 10  # converted types
_FOOTER, _PAGE, _PAGE_HEADER = b"\x00", b"\x02", b"\x04"  # kinds of modules
_UNIQUE_BYTES = 8
_NONCE = Struct(">8sI").pack
_LENGTH = Struct("<I").pack
_ORDINALS = Struct("<hhh").pack

# Headers are written for each column of each batch, so what does not change in them is made once.
_NEXT_I64 = integer(I64, 1, 0)[:1]
_PLAIN_SIZE = integer(I32, 1, 0) + integer(I32, 1, 0)[:1]  # after the type of the page
_STORED_SIZE = integer(I32, 1, 0)[:1]
_DATA_PAGE = struct(2, integer(I32, 1, 0))[:2]
_ENCODINGS = integer(I32, 1, _PLAIN) + 2 * integer(I32, 1, _RLE) + STOP + STOP
_CHUNK_PLAIN = integer(I32, 1, _UNPACKED) + _NEXT_I64
_CHUNK_PACKED = integer(I32, 1, _ZSTD) + _NEXT_I64
_OFFSET = integer(I64, 2, 0)[:1]
_CHUNK_END = STOP + struct(5, struct(1)) + STOP  # encrypted with the key of the footer

#: The rows of one page -> how many entries it has, and its bytes.
_Encode = Callable[[Sequence[Any]], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    encode: _Encode
    packs: bool  # false: its values are digests, in which nothing repeats
    elements: tuple[bytes, ...]  # of the schema
    facts: bytes  # of its ColumnChunk, up to the path


@dataclass(frozen=True, slots=True)
class _Layout:
    schema: bytes  # field 2 of FileMetaData
    orders: bytes  # field 7
    columns: tuple[_Column, ...]


@dataclass(frozen=True, slots=True)
class Packing:
    """What is compressed: bodies always, other columns where there is enough of them."""

    level: int  # of zstd
    only_bodies: bool


class _Modules:
    """Encrypts the modules of one file, in their order."""

    def __init__(self, key: FreshKey) -> None:
        self._cipher = AESGCM(key.data_key)
        self.unique, self._prefix = key.chance[:_UNIQUE_BYTES], key.chance[_UNIQUE_BYTES:]
        self._count = 0

    def sealed(self, plain: bytes | memoryview, place: bytes) -> tuple[bytes, bytes]:
        """The module, in two pieces; ``place``: its kind and ordinals."""
        self._count += 1
        nonce = _NONCE(self._prefix, self._count)
        text = self._cipher.encrypt(nonce, plain, self.unique + place)
        return _LENGTH(len(nonce) + len(text)) + nonce, text


def write_file(
    kind: str,
    columns: Mapping[str, Sequence[Any]],
    key: FreshKey,
    metadata: Mapping[bytes, bytes],
    *,
    group_rows: int,
    packing: Packing,
) -> bytes:
    """The file with these values by column, and these texts in its footer.

    Raises ValueError, TypeError: a value that its column cannot hold.
    """
    layout, modules = _layout(kind), _Modules(key)
    codec = pa.Codec("zstd", compression_level=packing.level)
    rows = len(columns[layout.columns[0].name])
    if any(len(columns[column.name]) != rows for column in layout.columns):
        raise ValueError("columns of different lengths")
    out, groups = [_MAGIC], []
    position = len(_MAGIC)
    for ordinal, start in enumerate(range(0, rows, group_rows)):
        part = [columns[column.name][start : start + group_rows] for column in layout.columns]
        group = _Group(ordinal, position, len(part[0]))
        for column, values in zip(layout.columns, part, strict=True):
            out += group.add(column, values, modules, codec, packing)
        position += group.stored
        groups.append(group.facts())
    footer = b"".join(
        (
            integer(I32, 1, 2),  # version of the format, 2.x
            layout.schema,
            integer(I64, 1, rows),
            listed(1, STRUCT, groups),
            listed(1, STRUCT, [binary(1, name) + binary(1, text) + STOP for name, text in metadata.items()]),
            binary(1, _CREATED_BY),
            layout.orders,
            STOP,
        )
    )
    tail = b"".join((_crypto_metadata(modules.unique, key), *modules.sealed(footer, _FOOTER)))
    return b"".join((*out, tail, _LENGTH(len(tail)), _MAGIC))


class _Group:
    """The chunks of one row group, and what the footer says of them."""

    def __init__(self, ordinal: int, position: int, rows: int) -> None:
        self._ordinal, self._position, self._rows = ordinal, position, rows
        self._chunks: list[bytes] = []
        self._plain = 0
        self.stored = 0  # bytes

    def add(
        self, column: _Column, values: Sequence[Any], modules: _Modules, codec: pa.Codec, packing: Packing
    ) -> tuple[bytes, ...]:
        """The next column, as one page with its header."""
        entries, plain = column.encode(values)
        if len(plain) > _PAGE_LIMIT:
            raise ValueError(f"a page of {len(plain)} bytes")
        used, page = _packed(column, plain, codec, packing)
        place = _ORDINALS(self._ordinal, len(self._chunks), 0)  # the page is the only one
        body = modules.sealed(page, _PAGE + place)
        size = sum(map(len, body))
        head = modules.sealed(_page_header(len(plain), size, entries), _PAGE_HEADER + place)
        before = sum(map(len, head))
        position, sizes = self._position + self.stored, (before + len(plain), before + size)
        self._chunks.append(_chunk(column, used, entries, *sizes, position))
        self._plain, self.stored = self._plain + sizes[0], self.stored + sizes[1]
        return (*head, *body)

    def facts(self) -> bytes:
        """RowGroup."""
        return b"".join(
            (
                listed(1, STRUCT, self._chunks),
                integer(I64, 1, self._plain),
                integer(I64, 1, self._rows),
                integer(I64, 2, self._position),
                integer(I64, 1, self.stored),
                integer(I16, 1, self._ordinal),
                STOP,
            )
        )


def _packed(
    column: _Column, plain: bytes, codec: pa.Codec, packing: Packing
) -> tuple[int, bytes | memoryview]:
    """The codec, and the page under it."""
    least = 1 if column.name == "body" else _WORTH_PACKING
    if column.packs and len(plain) >= least and not (packing.only_bodies and column.name != "body"):
        small = codec.compress(plain)
        if small.size < len(plain):
            return _ZSTD, memoryview(small).cast("B")
    return _UNPACKED, plain


def _page_header(plain: int, stored: int, entries: int) -> bytes:
    """PageHeader; ``stored``: the encrypted module with its length, as Parquet counts it."""
    sizes = _PLAIN_SIZE + varint(plain << 1) + _STORED_SIZE + varint(stored << 1)
    return sizes + _DATA_PAGE + varint(entries << 1) + _ENCODINGS


def _chunk(column: _Column, codec: int, entries: int, plain: int, stored: int, position: int) -> bytes:
    """ColumnChunk."""
    packed = _CHUNK_PACKED if codec == _ZSTD else _CHUNK_PLAIN
    counts = packed + varint(entries << 1) + _NEXT_I64 + varint(plain << 1) + _NEXT_I64 + varint(stored << 1)
    return column.facts + counts + _OFFSET + varint(position << 1) + _CHUNK_END


def _crypto_metadata(unique: bytes, key: FreshKey) -> bytes:
    """FileCryptoMetaData, with the key as the tools of Parquet write it (key material type 1)."""
    material = {
        "keyMaterialType": "PKMT1",
        "internalStorage": True,
        "isFooterKey": True,
        "kmsInstanceID": "DEFAULT",
        "kmsInstanceURL": "DEFAULT",
        "masterKeyID": key.wrapped.key_id,
        "wrappedDEK": base64.b64encode(key.wrapped.wrapped).decode(),
        "doubleWrapping": False,
    }
    algorithm = struct(1, struct(1, binary(2, unique), flag(1, value=False)))
    return algorithm + binary(1, orjson.dumps(material)) + STOP


@cache
def _layout(kind: str) -> _Layout:
    schema = SCHEMAS[kind]
    columns = tuple(_column(one) for one in schema)
    root = binary(4, b"schema") + integer(I32, 1, len(columns)) + STOP
    elements = [root, *chain.from_iterable(column.elements for column in columns)]
    orders = [struct(1) + STOP for _ in columns]
    return _Layout(listed(1, STRUCT, elements), listed(1, STRUCT, orders), columns)


def _column(one: pa.Field) -> _Column:
    """Raises TypeError: a type that no batch has."""
    name, kind = one.name.encode(), one.type
    text = (_UTF8, struct(1))
    repetition = _OPTIONAL if one.nullable else _REQUIRED
    if kind == pa.binary() and one.nullable:
        return _leaf(name, _bodies, _BYTE_ARRAY, repetition)
    if one.nullable:
        raise TypeError(f"no batch has an optional {kind}")
    if kind == pa.string():
        return _leaf(name, _texts, _BYTE_ARRAY, repetition, *text)
    if kind == pa.int64():
        return _leaf(name, _integers, _INT64, repetition)
    if kind == pa.timestamp("us", tz="UTC"):
        logical = struct(8, flag(1, value=True), struct(1, struct(2)))
        return _leaf(name, _integers, _INT64, repetition, _MICROSECONDS, logical)
    if pa.types.is_fixed_size_binary(kind):
        return _leaf(name, _fixed(kind.byte_width), _FIXED_BYTES, repetition, width=kind.byte_width)
    if pa.types.is_list(kind) and kind.value_type == pa.string() and not kind.value_field.nullable:
        item = _leaf(kind.value_field.name.encode(), _lists, _BYTE_ARRAY, _REQUIRED, *text)
        logical = struct(3)
        outer = _element(name, None, _REQUIRED, children=1, converted=_LIST_OF, logical=logical)
        inner = _element(b"list", None, _REPEATED, children=1)
        path = (name, b"list", kind.value_field.name.encode())
        return _Column(one.name, _lists, True, (outer, inner, *item.elements), _facts(_BYTE_ARRAY, path))
    raise TypeError(f"no batch has a column of {kind}")


def _leaf(
    name: bytes,
    encode: _Encode,
    physical: int,
    repetition: int,
    converted: int | None = None,
    logical: bytes = b"",
    *,
    width: int = 0,
) -> _Column:
    element = _element(name, physical, repetition, width=width, converted=converted, logical=logical)
    return _Column(name.decode(), encode, not width, (element,), _facts(physical, (name,)))


def _facts(physical: int, path: Sequence[bytes]) -> bytes:
    encodings = [varint(_PLAIN << 1), varint(_RLE << 1)]
    names = [varint(len(name)) + name for name in path]
    facts = struct(1, integer(I32, 1, physical), listed(1, I32, encodings), listed(1, BINARY, names))
    return integer(I64, 2, 0) + facts[: -len(STOP)]


def _element(
    name: bytes,
    physical: int | None,
    repetition: int,
    *,
    width: int = 0,
    children: int = 0,
    converted: int | None = None,
    logical: bytes = b"",
) -> bytes:
    """SchemaElement. Fields: 1 type, 2 length, 3 repetition, 4 name, 5 children, 6 converted, 10 logical."""
    out, last = b"", 0
    numbers = {1: physical, 2: width or None, 3: repetition}
    for field, value in numbers.items():
        if value is not None:
            out, last = out + integer(I32, field - last, value), field
    out, last = out + binary(4 - last, name), 4
    for field, value in {5: children or None, 6: converted}.items():
        if value is not None:
            out, last = out + integer(I32, field - last, value), field
    if logical:
        out += struct(10 - last, logical)
    return out + STOP


def _texts(values: Sequence[str]) -> tuple[int, bytes]:
    first = values[0]
    if values.count(first) == len(values):  # as the gateway, or what is unknown
        return len(values), _sized(first.encode()) * len(values)
    return len(values), _plain([value.encode() for value in values])


def _integers(values: Sequence[int]) -> tuple[int, bytes]:
    try:
        return len(values), pack(f"<{len(values)}q", *values)
    except struct_error as error:
        raise ValueError("a number that a column does not hold") from error


def _fixed(width: int) -> _Encode:
    def encode(values: Sequence[bytes]) -> tuple[int, bytes]:
        if set(map(len, values)) != {width}:
            raise ValueError(f"a value that has not {width} bytes")
        return len(values), b"".join(values)

    return encode


def _bodies(values: Sequence[bytes | None]) -> tuple[int, bytes]:
    there = [value for value in values if value is not None]
    levels = bytes(value is not None for value in values)
    return len(values), _plain(there, _levels(levels))


def _lists(values: Sequence[Sequence[str]]) -> tuple[int, bytes]:
    """Of each list its texts; an empty one has one entry, which is not defined."""
    repeats = b"".join(b"\x00" + b"\x01" * (len(value) - 1) for value in values)
    defined = b"".join(b"\x01" * len(value) or b"\x00" for value in values)
    texts = [text.encode() for value in values for text in value]
    return len(repeats), _plain(texts, _levels(repeats) + _levels(defined))


def _plain(values: Sequence[bytes], levels: bytes = b"") -> bytes:
    """Joined once: these may be megabytes."""
    return b"".join((levels, *(part for value in values for part in (_LENGTH(len(value)), value))))


def _sized(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _levels(levels: bytes) -> bytes:
    """Levels of 0 and 1: one run where all are alike, else eight to a byte; after their length."""
    count = len(levels)
    if levels.count(levels[:1]) == count:
        runs = varint(count << 1) + levels[:1]
    else:
        bits = np.packbits(np.frombuffer(levels, dtype=np.uint8), bitorder="little")
        runs = varint(len(bits) << 1 | 1) + bits.tobytes()
    return _LENGTH(len(runs)) + runs
