"""Size and digests of bodies, hashed where they lie in a table: no body becomes a Python object. Pure."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

#: Size, SHA-256 and SHA-512 of one body.
Hashes = tuple[int, bytes, bytes]
_Bools = npt.NDArray[np.bool_]

_SHA256_BYTES, _SHA512_BYTES = 32, 64
_NONE = -1


@dataclass(frozen=True, slots=True)
class BodyDigests:
    """Of every row of a column. A row without a body has size -1, and zeros for digests."""

    sizes: array[int]
    sha256: bytes  # 32 bytes a row
    sha512: bytes  # 64 bytes a row

    def __len__(self) -> int:
        return len(self.sizes)

    def of(self, row: int) -> Hashes | None:
        """What was found in this row; None: it has no body."""
        if self.sizes[row] == _NONE:
            return None
        return (
            self.sizes[row],
            self.sha256[_SHA256_BYTES * row : _SHA256_BYTES * (row + 1)],
            self.sha512[_SHA512_BYTES * row : _SHA512_BYTES * (row + 1)],
        )

    def held(self) -> _Bools:
        """By row: is there a body?"""
        return np.not_equal(np.frombuffer(self.sizes, np.int64), _NONE)

    def differ(self, other: BodyDigests) -> _Bools:
        """By row: does its size or one of its digests differ? Raises ValueError: not as many rows."""
        if len(self) != len(other):
            raise ValueError(f"{len(self)} bodies, and digests of {len(other)}")
        differ = np.zeros(len(self), bool)
        for mine, theirs in zip(self._columns(), other._columns(), strict=True):
            differ |= (mine != theirs).any(axis=1)
        return differ

    def take(self, rows: npt.NDArray[np.int64]) -> BodyDigests:
        """These rows, in this order."""
        sizes, sha256, sha512 = (column[rows].tobytes() for column in self._columns())
        return BodyDigests(array("q", sizes), sha256, sha512)

    def _columns(self) -> tuple[npt.NDArray[Any], ...]:
        return (
            np.frombuffer(self.sizes, np.int64).reshape(-1, 1),
            np.frombuffer(self.sha256, np.uint8).reshape(-1, _SHA256_BYTES),
            np.frombuffer(self.sha512, np.uint8).reshape(-1, _SHA512_BYTES),
        )

    def all(self) -> list[Hashes | None]:
        """What was found in every row."""
        return [self.of(row) for row in range(len(self))]


def hashes_of(data: bytes | memoryview) -> Hashes:
    """Size and digests of one body, or of an event's canonical bytes."""
    # Both let go of the interpreter's lock for bodies of 2 kB and more.
    return len(data), hashlib.sha256(data).digest(), hashlib.sha512(data).digest()


def digest_bodies(columns: Iterable[pa.ChunkedArray]) -> BodyDigests:
    """Every byte of these columns through SHA-256 and SHA-512, once each; they are let go one by one.

    Raises TypeError: a column is no ``pa.binary()``.
    """
    sizes, sha256, sha512 = array("q"), bytearray(), bytearray()
    for body in _bodies(columns):
        if body is None:
            sizes.append(_NONE)
            sha256 += bytes(_SHA256_BYTES)
            sha512 += bytes(_SHA512_BYTES)
        else:
            size, one, other = hashes_of(body)
            sizes.append(size)
            sha256 += one
            sha512 += other
    return BodyDigests(sizes, bytes(sha256), bytes(sha512))


def _bodies(columns: Iterable[pa.ChunkedArray]) -> Iterator[memoryview | None]:
    for column in columns:
        if column.type != pa.binary():
            raise TypeError(f"bodies are of type {column.type}")
        for chunk in column.chunks:
            _, offsets, data = chunk.buffers()
            if not len(chunk):
                continue
            ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1].tolist()
            view = memoryview(data) if data is not None else memoryview(b"")
            valid = chunk.is_valid().to_pylist() if chunk.null_count else None
            for row in range(len(chunk)):
                yield view[ends[row] : ends[row + 1]] if valid is None or valid[row] else None
