"""One column of a block of rows <-> bytes. Pure. archiver/FORMAT.md, section 12.6.

What a search needs of a column is cheap here: which of a few values each row has, and single values of
chosen rows. Where texts or numbers have one length, byte i of all of them lies together (a *plane*): zstd
packs planes well, and a step through the bytes gives one value without decoding the others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vanvault.archiver.core.errors import InvalidInput

_Int64s = npt.NDArray[np.int64]

#: The first byte of every column.
CONSTANT, CODED, EVEN, TEXTS, NUMBERS, LISTS = range(6)

_LENGTH = struct.Struct("<I")
_CODED = struct.Struct("<II")  # distinct texts, bytes that these take
_EVEN = struct.Struct("<BB")  # length of a text, are some empty?
_NUMBERS = struct.Struct("<BBq")  # bytes of a number, are some missing?, least number
_MOST_CODES, _MOST_NARROW = 2**16, 2**8  # distinct texts: of any coded column; with codes of one byte
_LONGEST_EVEN = 255
_NONE = np.zeros(0, np.int64)
_MOST_LISTED = 2**26  # texts of all lists of a block


@dataclass(frozen=True, slots=True)
class Constant:
    """One text for all rows."""

    text: str

    def at(self, row: int) -> str:
        return self.text

    def array(self, rows: int) -> pa.Array:
        return pa.repeat(pa.scalar(self.text, pa.string()), rows)


@dataclass(frozen=True, slots=True)
class Coded:
    """Texts of which several rows have the same."""

    count: int  # of distinct texts
    texts: TextColumn
    places: memoryview  # of each row's text among them

    def at(self, row: int) -> str:
        return self.texts.at(self.places[row])

    def values(self) -> list[str]:
        """The distinct texts, by code."""
        return [self.texts.at(code) for code in range(self.count)]

    @property
    def codes(self) -> npt.NDArray[np.unsignedinteger[Any]]:
        """Of each row, its text's place among the values."""
        return np.asarray(self.places)

    def array(self, rows: int) -> pa.Array:
        codes, values = self.codes.astype(np.int32), self.texts.array(self.count)
        return pa.DictionaryArray.from_arrays(codes, values).dictionary_decode()


@dataclass(frozen=True, slots=True)
class Even:
    """Texts of one length, besides empty ones."""

    rows: int
    width: int
    planes: bytes
    present: bytes | None  # 0: the text is empty; None: none is

    def at(self, row: int) -> str:
        if self.present is not None and not self.present[row]:
            return ""
        return self.planes[row :: self.rows].decode()

    def array(self, rows: int) -> pa.Array:
        texts = np.frombuffer(self.planes, np.uint8).reshape(self.width, rows).T
        if self.present is None:
            return _array_of(np.arange(rows + 1) * self.width, texts.tobytes())
        there = np.frombuffer(self.present, np.uint8) != 0
        return _array_of(_offsets(there * self.width), texts[there].tobytes())


@dataclass(frozen=True, slots=True)
class Texts:
    """Any texts."""

    offsets: _Int64s  # one more than texts
    data: bytes

    def at(self, row: int) -> str:
        return self.data[self.offsets[row] : self.offsets[row + 1]].decode()

    def array(self, rows: int) -> pa.Array:
        return _array_of(self.offsets, self.data)


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Whole numbers of 64 bits, as what each has more than the least; planes, the lowest byte first."""

    rows: int
    width: int
    least: int
    planes: bytes
    present: bytes | None  # 0: there is none; None: every row has one

    def at(self, row: int) -> int | None:
        if self.present is not None and not self.present[row]:
            return None
        return self.least + int.from_bytes(self.planes[row :: self.rows], "little")

    def array(self, rows: int) -> pa.Array:
        missing = None if self.present is None else np.frombuffer(self.present, np.uint8) == 0
        return pa.array(self.values(), mask=missing)

    def values(self) -> _Int64s:
        """All of them; what stands for a missing one is of no matter."""
        more = np.zeros((self.rows, 8), np.uint8)
        more[:, : self.width] = np.frombuffer(self.planes, np.uint8).reshape(self.width, self.rows).T
        values: _Int64s = (more.view("<u8").reshape(-1) + np.uint64(self.least % 2**64)).view(np.int64)
        return values


@dataclass(frozen=True, slots=True)
class Lists:
    """A list of texts in each row."""

    each: int  # texts of every row; -1: their numbers differ
    offsets: _Int64s  # of the rows' texts, where their numbers differ
    texts: TextColumn

    def at(self, row: int) -> list[str]:
        if self.each >= 0:
            places = range(row * self.each, (row + 1) * self.each)
        else:
            places = range(self.offsets[row], self.offsets[row + 1])
        return [self.texts.at(place) for place in places]

    def array(self, rows: int) -> pa.Array:
        offsets = np.arange(rows + 1) * self.each if self.each >= 0 else self.offsets
        texts = self.texts.array(int(offsets[-1]))
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), texts)


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of one length in each row."""

    width: int
    data: bytes

    def at(self, row: int) -> bytes:
        return self.data[row * self.width : (row + 1) * self.width]

    def array(self, rows: int) -> pa.Array:
        buffers = [None, pa.py_buffer(self.data)]
        return pa.FixedSizeBinaryArray.from_buffers(pa.binary(self.width), rows, buffers)


TextColumn: TypeAlias = Constant | Coded | Even | Texts
Column: TypeAlias = TextColumn | NumberColumn | Lists | Raw


def encode_column(array: pa.Array) -> bytes:
    """A column of texts, whole numbers, times, or lists of texts. Raises InvalidInput for another type."""
    kind = array.type
    if pa.types.is_string(kind):
        return _encode_texts(array)
    if pa.types.is_list(kind):
        import pyarrow.compute as pc  # takes 50 ms to load, and readers do without

        counts = _encode_numbers(pc.list_value_length(array).cast(pa.int64()))
        return bytes([LISTS]) + _LENGTH.pack(len(counts)) + counts + _encode_texts(pc.list_flatten(array))
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        return _encode_numbers(array.cast(pa.int64()))
    raise InvalidInput(f"rows of a block hold no {kind}")


def decode_column(data: bytes, rows: int) -> Column:
    """The column. Raises ValueError, struct.error, IndexError: it is none."""
    if data[0] == NUMBERS:
        return _decode_numbers(data, rows)
    if data[0] != LISTS:
        return _decode_texts(data, rows)
    (length,) = _LENGTH.unpack_from(data, 1)
    start = 1 + _LENGTH.size
    counts, texts = _decode_numbers(data[start : start + length], rows), data[start + length :]
    alike = not counts.width and 0 <= counts.least <= _MOST_LISTED
    offsets = _NONE if alike else _offsets(counts.values())
    total = rows * counts.least if alike else int(offsets[-1])
    if total > _MOST_LISTED:
        raise ValueError("more texts than memory should hold")
    return Lists(counts.least if alike else -1, offsets, _decode_texts(texts, total))


def _encode_texts(array: pa.Array) -> bytes:
    coded = array.dictionary_encode()
    values = coded.dictionary
    if len(values) <= 1:
        return bytes([CONSTANT]) + (values[0].as_py().encode() if len(values) else b"")
    if len(values) > min(_MOST_CODES, len(array) // 2):
        return _encode_plain(array)
    plain = _encode_plain(values)
    codes = np.asarray(coded.indices).astype("<u1" if len(values) <= _MOST_NARROW else "<u2")
    return b"".join((bytes([CODED]), _CODED.pack(len(values), len(plain)), plain, codes.tobytes()))


def _encode_plain(array: pa.Array) -> bytes:
    offsets, data = _parts_of(array)
    lengths = np.diff(offsets)
    present = lengths > 0
    full = lengths[present]
    if 0 < full[0] <= _LONGEST_EVEN and bool((full == full[0]).all()):
        width, some = int(full[0]), len(full) < len(lengths)
        texts = np.frombuffer(data, np.uint8).reshape(-1, width)[_filled(present)]
        flags = present.astype(np.uint8).tobytes() if some else b""
        return b"".join((bytes([EVEN]), _EVEN.pack(width, some), flags, texts.T.tobytes()))
    return bytes([TEXTS]) + lengths.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes() + data


def _filled(present: npt.NDArray[np.bool_]) -> _Int64s:
    """For every row, which value it has; one without takes that of the row before, which packs best."""
    places: _Int64s = np.maximum(np.cumsum(present) - 1, 0)
    return places


def _decode_texts(data: bytes, rows: int) -> TextColumn:
    kind = data[0]
    if kind == CONSTANT:
        return Constant(data[1:].decode())
    if kind == CODED:
        count, length = _CODED.unpack_from(data, 1)
        start = 1 + _CODED.size
        texts = _decode_texts(data[start : start + length], count)
        places = memoryview(data)[start + length :]
        if count > _MOST_NARROW:
            places = places.cast("H")
        if len(places) != rows:
            raise ValueError("as many codes as rows")
        return Coded(count, texts, places)
    if kind == EVEN:
        width, some = _EVEN.unpack_from(data, 1)
        start = 1 + _EVEN.size
        present = data[start : start + rows] if some else None
        planes = data[start + rows if some else start :]
        if len(planes) != width * rows:
            raise ValueError("bytes that are not those of its texts")
        return Even(rows, width, planes, present)
    if kind == TEXTS:
        lengths = np.frombuffer(data, np.uint8, 4 * rows, 1).reshape(4, rows).T
        offsets = _offsets(lengths.copy().view("<u4").reshape(-1).astype(np.int64))
        joined = data[1 + 4 * rows :]
        if int(offsets[-1]) != len(joined):
            raise ValueError("lengths that are not those of the texts")
        return Texts(offsets, joined)
    raise ValueError(f"no column begins with {kind}")


def _encode_numbers(array: pa.Array) -> bytes:
    present = np.asarray(array.is_valid())
    some = not bool(present.all())
    values = np.asarray(array.drop_null()).astype(np.int64)
    if not len(values):
        values = np.zeros(1, np.int64)
    least = int(values.min())
    more = values.view(np.uint64) - np.uint64(least % 2**64)
    width = (int(more.max()).bit_length() + 7) // 8
    more = more[_filled(present)]
    planes = np.ascontiguousarray(more, "<u8").view(np.uint8).reshape(-1, 8)[:, :width].T
    flags = present.astype(np.uint8).tobytes() if some else b""
    return b"".join((bytes([NUMBERS]), _NUMBERS.pack(width, some, least), flags, planes.tobytes()))


def _decode_numbers(data: bytes, rows: int) -> NumberColumn:
    width, some, least = _NUMBERS.unpack_from(data, 1)
    start = 1 + _NUMBERS.size
    present = data[start : start + rows] if some else None
    planes = data[start + rows if some else start :]
    if data[0] != NUMBERS or width > 8 or len(planes) != width * rows:
        raise ValueError("bytes that are not those of its numbers")
    return NumberColumn(rows, width, least, planes, present)


def _offsets(lengths: npt.NDArray[Any]) -> _Int64s:
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) < 2**32:
        raise ValueError("a length out of bounds")
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _parts_of(array: pa.Array) -> tuple[_Int64s, bytes]:
    """Offsets, from 0 on, and the UTF-8 of all texts."""
    whole = array.cast(pa.large_binary())
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1]
    joined = memoryview(data)[int(ends[0]) : int(ends[-1])].tobytes() if data is not None else b""
    return ends - ends[0], joined


def _array_of(offsets: _Int64s, data: bytes) -> pa.Array:
    """Checked UTF-8; ``data`` is never longer than a block may be."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers).cast(pa.string())
