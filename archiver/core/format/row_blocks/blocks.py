"""Blocks of rows within a log part: what a search decodes instead of Parquet. Pure. FORMAT.md, section 12.6.

Parquet opens each column chunk and each page by itself, which for 1,024 rows of 30 columns costs ten times
what the values do. A block is one piece: one tag, one zstd frame, columns that numpy takes as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.format.row_blocks.columns import Column, Raw, decode_column, encode_column
from vanvault.archiver.core.key_port import KEY_BYTES, WrappedKey

#: Where the area begins: behind the first four bytes of the Parquet file.
AREA_OFFSET = 4
#: Read first: prefix and head of all but the largest parts. A piece of which the manifest has a digest.
FIRST_BYTES = 64 * 1024

_MAGIC = b"VVROWS1\n"
_INFO = b"vanvault-row-blocks-v1"
_LENGTH = struct.Struct("<I")
_SIZES = struct.Struct("<II")  # of a frame: bytes of the columns, bytes of the frame
_NONCE_BYTES = 12
#: No block's columns, and no head, are longer: it is a reader's memory.
_PLAIN_LIMIT = 2**28
_LONGEST_KEY_ID, _LONGEST_WRAPPED = 64, 255


@dataclass(frozen=True, slots=True)
class RowKey:
    """The data key of a part, and its wrapped form as it lies beside the blocks."""

    data_key: bytes
    wrapped: WrappedKey


@dataclass(frozen=True, slots=True)
class RowHead:
    """What the area says of itself, within its encryption."""

    archive: str
    segment: str
    rows: int
    group_rows: int  # rows of every block but the last; blocks are the row groups once more
    first_us: tuple[int, ...]  # received_at of the first row of every block
    lengths: tuple[int, ...]  # sealed bytes of every block

    def rows_of(self, block: int) -> int:
        """How many rows a block has."""
        return min(self.group_rows, self.rows - block * self.group_rows)

    def encode(self) -> bytes:
        return canonical(
            {
                "archive": self.archive,
                "first_us": list(self.first_us),
                "group_rows": self.group_rows,
                "lengths": list(self.lengths),
                "rows": self.rows,
                "segment": self.segment,
            }
        )


@dataclass(frozen=True, slots=True)
class RowPrefix:
    """The plain beginning of an area."""

    wrapped: WrappedKey
    encoded: bytes
    head_bytes: int  # sealed

    @property
    def head_at(self) -> int:
        """Where in the file the sealed head begins."""
        return AREA_OFFSET + len(self.encoded)


def encode_area(
    table: pa.Table, key: RowKey, *, archive: str, segment: str, group_rows: int, level: int
) -> bytes:
    """The area of all rows of a log, to be written behind the first four bytes of its Parquet file."""
    cipher, prefix = _cipher(key.data_key), _prefix(key.wrapped)
    blocks: list[bytes] = []
    first: list[int] = []
    for start in range(0, table.num_rows, group_rows):
        rows = table.slice(start, group_rows)
        first.append(_first_us(rows, 0))
        blocks.append(cipher.encrypt(_nonce(len(blocks) + 1), _encode_block(rows, level), prefix))
    lengths = tuple(map(len, blocks))
    head = RowHead(archive, segment, table.num_rows, group_rows, tuple(first), lengths)
    plain = head.encode()
    sealed = cipher.encrypt(_nonce(0), _LENGTH.pack(len(plain)) + _pack(plain, level), prefix)
    return b"".join((prefix, _LENGTH.pack(len(sealed)), sealed, *blocks))


def find_area(beginning: bytes, key: str) -> RowPrefix | None:
    """The prefix of an area in the first bytes of a file (400 are enough); None: the file has no area.

    Raises Damaged.
    """
    if beginning[AREA_OFFSET : AREA_OFFSET + len(_MAGIC)] != _MAGIC:
        return None
    try:
        at = AREA_OFFSET + len(_MAGIC)
        key_id = beginning[at + 1 : at + 1 + beginning[at]]
        at += 1 + len(key_id)
        wrapped = beginning[at + 1 : at + 1 + beginning[at]]
        at += 1 + len(wrapped)
        (length,) = _LENGTH.unpack_from(beginning, at)
        encoded = beginning[AREA_OFFSET : at + _LENGTH.size]
        found = WrappedKey(key_id.decode("ascii"), wrapped)
        if length > _PLAIN_LIMIT or encoded[: -_LENGTH.size] != _prefix(found):
            raise ValueError("too long, or cut off")
        return RowPrefix(found, encoded, length)
    except (IndexError, struct.error, ValueError, InvalidInput) as error:
        raise Damaged(f"{key}: its row blocks begin with what is none", key=key) from error


def open_area(
    fetch: Callable[[int, int], bytes],
    size: int,
    unwrap: Callable[[WrappedKey], bytes],
    columns: pa.Schema,
    key: str,
) -> RowArea | None:
    """The area of a file; None: it has none.

    Args:
        fetch: gives bytes of the file: offset, length.
        size: of the file.
        unwrap: gives the data key.
        columns: of the rows.
        key: the object's name, for errors.

    Raises Damaged, and what ``fetch`` and ``unwrap`` raise.
    """
    beginning = fetch(0, min(size, FIRST_BYTES))
    prefix = find_area(beginning, key)
    if prefix is None:
        return None
    end = prefix.head_at + prefix.head_bytes
    if end > size:
        raise Damaged(f"{key} is cut off", key=key)
    if end > len(beginning):
        beginning = fetch(0, end)
    return RowArea(prefix, unwrap(prefix.wrapped), beginning[prefix.head_at : end], columns, key)


def check_area(
    data: bytes | memoryview, table: pa.Table, unwrap: Callable[[WrappedKey], bytes], key: str
) -> RowHead | None:
    """The head of the area in the file ``data``; None: there is no area.

    Raises Damaged unless the area holds exactly the rows of ``table``, in its row groups.
    """

    def fetch(offset: int, length: int) -> bytes:
        return bytes(memoryview(data)[offset : offset + length])

    area = open_area(fetch, len(data), unwrap, table.schema, key)
    if area is None:
        return None
    head, start = area.head, 0
    for number in range(len(head.lengths)):
        block = area.block(number, fetch(*area.extent(number, number)))
        same = table.slice(start, block.rows).equals(block.table())
        if not same or head.first_us[number] != _first_us(table, start):
            raise Damaged(f"the row blocks of {key} do not hold the rows of its columns", key=key)
        start += block.rows
    if start != table.num_rows:
        raise Damaged(f"the row blocks of {key} do not hold the rows of its columns", key=key)
    return head


def _first_us(table: pa.Table, row: int) -> int:
    return int(table.column("received_at")[row].cast(pa.int64()).as_py())


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the columns of a schema lie in a block."""

    schema: pa.Schema
    packed: tuple[str, ...]  # columns within the frame
    lengths: struct.Struct  # of these
    raw: tuple[tuple[str, int], ...]  # columns behind it, and their bytes a row

    @classmethod
    def of(cls, schema: pa.Schema) -> _Layout:
        packed = tuple(one.name for one in schema if not _is_raw(one))
        raw = tuple((one.name, one.type.byte_width) for one in schema if _is_raw(one))
        return cls(schema, packed, struct.Struct(f"<{len(packed)}I"), raw)


class RowArea:
    """Opens head and blocks of one area. Raises Damaged where bytes are not those that were written."""

    def __init__(self, prefix: RowPrefix, data_key: bytes, head: bytes, columns: pa.Schema, key: str) -> None:
        """``head``: sealed; ``columns``: of the rows; ``key``: the object's name, for errors."""
        self._cipher = _cipher(data_key)
        self._associated = prefix.encoded[: -_LENGTH.size]
        self._layout = _Layout.of(columns)
        self._key = key
        self.head = self._decode_head(self._open(0, head))
        self._starts = [prefix.head_at + prefix.head_bytes]
        for length in self.head.lengths:
            self._starts.append(self._starts[-1] + length)

    def extent(self, first: int, last: int) -> tuple[int, int]:
        """Where in the file these blocks lie, both included: offset and length. Raises Damaged: no such."""
        if not 0 <= first <= last < len(self.head.lengths):
            raise Damaged(f"{self._key} has no row group {last}", key=self._key)
        return self._starts[first], self._starts[last + 1] - self._starts[first]

    @property
    def end(self) -> int:
        """Where in the file the area ends."""
        return self._starts[-1]

    def block(self, number: int, sealed: bytes) -> RowBlock:
        """The rows of a block."""
        plain, rows = self._open(number + 1, sealed), self.head.rows_of(number)
        try:
            size, packed = _SIZES.unpack_from(plain)
            if size > _PLAIN_LIMIT:
                raise ValueError("too long")
            frame = plain[_SIZES.size : _SIZES.size + packed]
            columns = _codec().decompress(frame, decompressed_size=size, asbytes=True)
            return RowBlock(rows, self._layout, columns, plain[_SIZES.size + packed :], self._key)
        except (struct.error, OSError, ValueError) as error:
            raise self._damaged() from error

    def _open(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(number), sealed, self._associated)
        except InvalidTag as error:
            raise self._damaged() from error

    def _decode_head(self, plain: bytes) -> RowHead:
        try:
            (size,) = _LENGTH.unpack_from(plain)
            if size > _PLAIN_LIMIT:
                raise ValueError("too long")
            text = _codec().decompress(plain[_LENGTH.size :], decompressed_size=size, asbytes=True)
            fields: dict[str, Any] = orjson.loads(text)
            head = RowHead(
                archive=str(fields["archive"]),
                segment=str(fields["segment"]),
                rows=int(fields["rows"]),
                group_rows=int(fields["group_rows"]),
                first_us=tuple(map(int, fields["first_us"])),
                lengths=tuple(map(int, fields["lengths"])),
            )
            blocks = -(-head.rows // head.group_rows) if head.group_rows > 0 else -1
            if not len(head.first_us) == len(head.lengths) == blocks or min(head.lengths, default=1) < 1:
                raise ValueError("as many blocks as it says")
            return head
        except (struct.error, KeyError, TypeError, OSError, ValueError) as error:
            raise self._damaged() from error

    def _damaged(self) -> Damaged:
        return Damaged(f"{self._key}: its row blocks are not what was written", key=self._key)


class RowBlock:
    """Some rows, whose columns are decoded when they are asked for. Safe to share between threads."""

    def __init__(self, rows: int, layout: _Layout, columns: bytes, raw: bytes, key: str) -> None:
        """``columns``: as ``_encode_block`` laid them; ``raw``: what it did not compress.

        Raises ValueError, struct.error: they are not.
        """
        self.rows = rows
        self._layout = layout
        self._key = key
        self._data = columns
        self._decoded: dict[str, Column] = {}
        self._places: dict[str, tuple[int, int]] = {}
        at, taken = layout.lengths.size, 0
        for name, length in zip(layout.packed, layout.lengths.unpack_from(columns), strict=True):
            self._places[name] = at, at + length
            at += length
        for name, width in layout.raw:
            self._decoded[name] = Raw(width, raw[taken : taken + width * rows])
            taken += width * rows
        if at != len(columns) or taken != len(raw):
            raise ValueError("lengths that are not those of its columns")

    def column(self, name: str) -> Column:
        """One column. Raises Damaged."""
        with self._guarded():
            return self._column(name)

    def values(self, name: str, numbers: Sequence[int]) -> Sequence[Any]:
        """What rows have in one column, by their numbers within the block. Raises Damaged."""
        with self._guarded():
            at = self._column(name).at
            return [at(number) for number in numbers]

    def rows_at(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Rows by their numbers within the block, in that order; times as microseconds. Raises Damaged."""
        with self._guarded():
            columns = [(name, self._column(name).at) for name in self._layout.schema.names]
            return [{name: at(number) for name, at in columns} for number in numbers]

    def table(self) -> pa.Table:
        """All rows in Arrow. Raises Damaged."""
        schema = self._layout.schema
        with self._guarded():
            arrays = [self._column(one.name).array(self.rows).cast(one.type) for one in schema]
            return pa.Table.from_arrays(arrays, schema=schema)

    def _column(self, name: str) -> Column:
        found = self._decoded.get(name)
        if found is None:
            start, end = self._places[name]
            found = self._decoded[name] = decode_column(self._data[start:end], self.rows)
        return found

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what comes of wrong bytes into Damaged."""
        try:
            yield
        except (struct.error, IndexError, ValueError, pa.ArrowException) as error:
            raise Damaged(f"{self._key}: its row blocks are not what was written", key=self._key) from error


def _encode_block(rows: pa.Table, level: int) -> bytes:
    rows = rows.combine_chunks()
    raw: list[bytes] = []
    columns: list[bytes] = []
    for one in rows.schema:
        array = pa.concat_arrays(rows.column(one.name).chunks)
        if _is_raw(one):
            width, start = one.type.byte_width, array.offset
            raw.append(memoryview(array.buffers()[1])[start * width : (start + len(array)) * width].tobytes())
        else:
            columns.append(encode_column(array))
    plain = b"".join((*(_LENGTH.pack(len(one)) for one in columns), *columns))
    packed = _pack(plain, level)
    return b"".join((_SIZES.pack(len(plain), len(packed)), packed, *raw))


def _is_raw(one: pa.Field) -> bool:
    return bool(pa.types.is_fixed_size_binary(one.type))


def _prefix(wrapped: WrappedKey) -> bytes:
    key_id = wrapped.key_id.encode()
    if not 1 <= len(key_id) <= _LONGEST_KEY_ID or not 1 <= len(wrapped.wrapped) <= _LONGEST_WRAPPED:
        raise InvalidInput("the wrapped data key of row blocks is out of its bounds")
    return b"".join((_MAGIC, bytes([len(key_id)]), key_id, bytes([len(wrapped.wrapped)]), wrapped.wrapped))


def _cipher(data_key: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_INFO).derive(data_key)
    return AESGCM(derived)


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "little")


def _pack(plain: bytes, level: int) -> bytes:
    return bytes(pa.Codec("zstd", compression_level=level).compress(plain, asbytes=True))


def _codec() -> pa.Codec:
    return pa.Codec("zstd")
