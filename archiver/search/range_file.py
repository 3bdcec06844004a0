"""An object at a site as a file that pyarrow reads parts of."""

from __future__ import annotations

import io

from vanvault.archiver.errors import Damaged
from vanvault.archiver.store.port import SiteReader


class RangeFile(io.RawIOBase):
    """Reads ranges of one object; its size is known from what names it. Not shared between threads."""

    def __init__(self, site: SiteReader, key: str, size: int, version: str | None = None) -> None:
        """``version``: another than the newest."""
        super().__init__()
        self._site = site
        self._key = key
        self._size = size
        self._version = version
        self._at = 0

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
        data = self._site.get_range(self._key, self._at, wanted, self._version)
        if len(data) != wanted:
            raise Damaged(
                f"{self._key} is shorter than {self._size} bytes", key=self._key, site=self._site.site
            )
        self._at += wanted
        return data
