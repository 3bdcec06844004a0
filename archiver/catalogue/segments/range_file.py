"""An object at a site as a file that pyarrow reads parts of."""

from __future__ import annotations

import io

import pyarrow as pa

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.stores import SiteReader


class RangeFile(io.RawIOBase):
    """Reads ranges of one object; its size is known from what names it. Not shared between threads.

    pyarrow asks for every column of a row group by itself. ``load`` brings a stretch into memory with one
    request to the site, and reads within it are served from there.
    """

    def __init__(self, site: SiteReader, key: str, size: int, version: str | None = None) -> None:
        """``version``: another than the newest."""
        super().__init__()
        self._site = site
        self._key = key
        self._size = size
        self._version = version
        self._at = 0
        self._start = 0
        self._loaded = memoryview(b"")

    def load(self, offset: int, length: int) -> None:
        """Hold this stretch, and nothing else, in memory. Raises NotFound, SiteUnavailable, Damaged."""
        self._loaded = memoryview(self._fetch(offset, length))
        self._start = offset

    def load_whole(self) -> None:
        """Nothing: what is asked for is fetched then."""

    def unload(self) -> None:
        """Let go of what was loaded."""
        self._loaded = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        """Bytes of the object."""
        return self._size

    def read(self, length: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        wanted = left if length is None or length < 0 else min(length, left)
        if not wanted:
            return b""
        begin = self._at - self._start
        if begin >= 0 and begin + wanted <= len(self._loaded):
            data = bytes(self._loaded[begin : begin + wanted])
        else:
            data = self._fetch(self._at, wanted)
        self._at += wanted
        return data

    def last(self, length: int) -> bytes:
        """The last bytes. Raises as ``load`` does."""
        self.seek(max(0, self._size - length))
        return self.read()

    def native(self) -> pa.NativeFile:
        """For pyarrow."""
        self.seek(0)
        return pa.PythonFile(self, mode="r")

    def _fetch(self, offset: int, length: int) -> bytes:
        return fetch(self._site, self._key, offset, length, self._version)


def fetch(site: SiteReader, key: str, offset: int, length: int, version: str | None) -> bytes:
    """Exactly so many bytes of an object. Raises NotFound, SiteUnavailable, Damaged (it is shorter)."""
    data = site.get_range(key, offset, length, version)
    if len(data) != length:
        raise Damaged(f"{key} at {site.site} ends before byte {offset + length}", key=key, site=site.site)
    return data
