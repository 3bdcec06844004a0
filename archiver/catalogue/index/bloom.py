"""The filter of ids that gateways chose: a Bloom filter in blocks of 512 bits. FORMAT.md, section 7.

A token chooses one block by its upper 32 bits, so sorted tokens fill the file from front to back, and seven
bits in it by a mix of all 48. One probe reads 64 bytes. About 12 bits a key; of the ids that are not there
less than one in a hundred seems to be. Bits of keyed tokens tell nothing about ids.
"""

from __future__ import annotations

import hashlib
import struct
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from vanvault.archiver.catalogue.index.segments import UInt64s
from vanvault.archiver.core.errors import Damaged

_MAGIC = b"VVFILTR\n"
FILTER_HEADER_BYTES = 64
BLOCK_BYTES = 64
BITS_PER_KEY = 12
PROBES = 7

_HEADER = struct.Struct("<8sHxxI16s")  # magic, version, blocks, file id; zeros to 64
_VERSION = 1
_BITS = BLOCK_BYTES * 8
_WORDS = BLOCK_BYTES // 8
_MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
_ALL = 2**64 - 1


def mask_of(token: int) -> int:
    """The bits that a token sets in its block."""
    mixed = (token * _MIX_1) & _ALL
    mixed = ((mixed ^ (mixed >> 29)) * _MIX_2) & _ALL
    mixed ^= mixed >> 32
    return (
        1 << (mixed & 511)
        | 1 << (mixed >> 9 & 511)
        | 1 << (mixed >> 18 & 511)
        | 1 << (mixed >> 27 & 511)
        | 1 << (mixed >> 36 & 511)
        | 1 << (mixed >> 45 & 511)
        | 1 << (mixed >> 54 & 511)
    )


class FilterWriter:
    """Writes a filter front to back from ascending tokens, in memory for one stretch at a time."""

    def __init__(self, file: BinaryIO, file_id: bytes, keys: int) -> None:
        """``keys``: how many tokens will come, or a few more."""
        self._file = file
        self._sha256 = hashlib.sha256()
        self._blocks = max(1, -(-keys * BITS_PER_KEY // _BITS))
        self._first = 0  # number of the first block that is not yet written
        self._carry = np.zeros(_WORDS, np.uint64)  # what is known of it
        self._write(_HEADER.pack(_MAGIC, _VERSION, self._blocks, file_id).ljust(FILTER_HEADER_BYTES, b"\0"))

    def add(self, tokens: UInt64s) -> None:
        """Tokens (48 bits), ascending, none below those that came before."""
        if not len(tokens):
            return
        blocks = _blocks_of(tokens, self._blocks) - self._first
        words = np.zeros((int(blocks[-1]) + 1) * _WORDS, np.uint64)
        words[:_WORDS] = self._carry
        mixed = _mix(tokens)
        for probe in range(PROBES):
            bit = (mixed >> np.uint64(9 * probe)) & np.uint64(511)
            place = blocks * _WORDS + (bit >> np.uint64(6)).astype(np.int64)
            np.bitwise_or.at(words, place, np.uint64(1) << (bit & np.uint64(63)))
        self._write(words[:-_WORDS].astype("<u8").tobytes())
        self._carry = words[-_WORDS:].copy()
        self._first += int(blocks[-1])

    def finish(self) -> bytes:
        """Write the rest; the SHA-256 of the whole file."""
        self._write(self._carry.astype("<u8").tobytes())
        left = (self._blocks - self._first - 1) * BLOCK_BYTES
        while left > 0:
            self._write(bytes(min(left, 2**20)))
            left -= 2**20
        return self._sha256.digest()

    def _write(self, data: bytes) -> None:
        self._sha256.update(data)
        self._file.write(data)


class Filter:
    """An open filter; safe to share between threads."""

    def __init__(self, data: memoryview, *, file_id: bytes, sha256: bytes, name: str) -> None:
        """``data`` is the whole file, such as a memory map; it is read once, to check it.

        Raises Damaged when it is not the filter with this digest.
        """
        if len(data) < FILTER_HEADER_BYTES or hashlib.sha256(data).digest() != sha256:
            raise Damaged(f"{name} is not the filter that belongs to its index file", key=name)
        magic, version, self._blocks, owner = _HEADER.unpack_from(data)
        if (magic, version, owner) != (_MAGIC, _VERSION, file_id):
            raise Damaged(f"{name} is a filter of another index file or format", key=name)
        if len(data) != FILTER_HEADER_BYTES + self._blocks * BLOCK_BYTES:
            raise Damaged(f"{name} is cut off", key=name)
        self._data = data
        self._words: npt.NDArray[np.uint64] = np.frombuffer(data, "<u8", offset=FILTER_HEADER_BYTES)

    @property
    def nbytes(self) -> int:
        return len(self._data)

    def probe(self, token: int, mask: int) -> bool:
        """Whether the token may be there; ``mask`` is ``mask_of(token)``, the same for all filters."""
        at = FILTER_HEADER_BYTES + ((token >> 16) * self._blocks >> 32) * BLOCK_BYTES
        return int.from_bytes(self._data[at : at + BLOCK_BYTES], "little") & mask == mask

    def probe_many(self, tokens: UInt64s) -> npt.NDArray[np.bool_]:
        """Whether each of the tokens may be there."""
        base = _blocks_of(tokens, self._blocks) * _WORDS
        mixed, found = _mix(tokens), np.ones(len(tokens), bool)
        for probe in range(PROBES):
            bit = (mixed >> np.uint64(9 * probe)) & np.uint64(511)
            word = self._words[base + (bit >> np.uint64(6)).astype(np.int64)]
            found &= ((word >> (bit & np.uint64(63))) & np.uint64(1)).astype(bool)
        return found


def _blocks_of(tokens: UInt64s, blocks: int) -> npt.NDArray[np.int64]:
    return ((tokens >> np.uint64(16)) * np.uint64(blocks) >> np.uint64(32)).astype(np.int64)


def _mix(tokens: UInt64s) -> UInt64s:
    mixed = tokens * np.uint64(_MIX_1)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(_MIX_2)
    return mixed ^ (mixed >> np.uint64(32))
