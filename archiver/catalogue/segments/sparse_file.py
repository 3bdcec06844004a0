"""An object at a site as memory of the same length, filled where it is needed."""

from __future__ import annotations

import mmap

import pyarrow as pa

from vanvault.archiver.catalogue.segments.range_file import fetch
from vanvault.archiver.stores import SiteReader


class SparseFile:
    """Stretches of one object at their own offsets. Not shared between threads.

    pyarrow decodes from memory without asking Python for every page, so that threads decode side by side.
    What is not loaded takes no memory and reads as zeros, which no page of an encrypted file is.
    """

    def __init__(self, site: SiteReader, key: str, size: int, version: str | None = None) -> None:
        """``version``: another than the newest. ``size``: above 0."""
        self._site = site
        self._key = key
        self._size = size
        self._version = version
        self._memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def load(self, offset: int, length: int) -> None:
        """Bring a stretch into memory. Raises NotFound, SiteUnavailable, Damaged."""
        data = fetch(self._site, self._key, offset, length, self._version)
        self._memory[offset : offset + length] = data

    def load_whole(self) -> None:
        """Bring all of it into memory. Raises as ``load`` does."""
        self.load(0, self._size)

    def unload(self) -> None:
        """Let go of everything that was loaded."""
        self._memory.madvise(mmap.MADV_DONTNEED)

    def size(self) -> int:
        """Bytes of the object."""
        return self._size

    def last(self, length: int) -> bytes:
        """The last bytes, which must be loaded."""
        return self._memory[max(0, self._size - length) :]

    def native(self) -> pa.NativeFile:
        """For pyarrow."""
        return pa.BufferReader(pa.py_buffer(self._memory))
