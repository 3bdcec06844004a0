"""One MD5 for all sites: S3 wants Content-MD5 with every locked PUT, and each site gets the same bytes."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Future

_REMEMBERED = 64  # digests; more than are under way at a time


class Md5Once:
    """Remembers the last digests, by the SHA-256 of the same bytes; safe to share between threads.

    Not a matter of trust: a server refuses bytes whose MD5 is another one.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Future[bytes]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many digests are remembered now."""
        return len(self._known)

    def of(self, data: bytes, sha256: bytes) -> bytes:
        """The MD5 of ``data`` (16 bytes); who comes second waits for the first and does not compute it."""
        with self._lock:
            future = self._known.get(sha256)
            first = future is None
            if future is None:
                future = self._known[sha256] = Future()
                self._trim()
        if first:
            try:
                future.set_result(hashlib.md5(data, usedforsecurity=False).digest())
            except BaseException as error:
                self.forget(sha256)
                future.set_exception(error)
                raise
        return future.result()

    def suggest(self, sha256: bytes, md5: bytes) -> None:
        """What a store calls the MD5 of the bytes with this SHA-256, so that it need not be computed."""
        future: Future[bytes] = Future()
        future.set_result(md5)
        with self._lock:
            self._known[sha256] = future
            self._trim()

    def forget(self, sha256: bytes) -> None:
        """Compute it afresh the next time: a server may have found it wrong."""
        with self._lock:
            self._known.pop(sha256, None)

    def _trim(self) -> None:
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]


#: Shared by all sites of the process.
MD5 = Md5Once()
