"""Bytes that are sent on while they come: an object on its way from one server to another.

A transfer has one piece in memory, however large the object is, and each byte is hashed between its coming
and its going, where it is still in the processor's cache. The last piece goes only when all of them have the
digest that the object's name promises. Else the request breaks off before its end, and a server stores
nothing of a request whose body it has not got whole. Other bytes it would refuse too: the digest is signed.
"""

from __future__ import annotations

import hashlib
from types import TracebackType
from typing import Self

from vanvault.archiver.stores.port import Incoming, StoredVersion
from vanvault.archiver.stores.s3.errors import S3_ERRORS, failure_of
from vanvault.archiver.stores.s3.wire import OpenAnswer

#: Bytes of an object that are in memory at once.
PIECE_BYTES = 256 * 2**10


class S3Incoming:
    """See ``port.Incoming``. Used by one thread."""

    def __init__(self, site: str, answer: OpenAnswer, found: StoredVersion, md5: bytes) -> None:
        """``answer``: to the GET of this version; nothing of its body has been read."""
        self._site = site
        self._answer = answer
        self._left = found.size
        self.found = found
        self.md5 = md5

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._left:
            self._answer.drop()

    def read_into(self, buffer: memoryview) -> int:
        """See ``port.Incoming``."""
        try:
            size = self._answer.read_into(buffer)
        except S3_ERRORS as error:
            raise failure_of(error).error(self._site, may_be_stored=False) from error
        self._left -= size
        return size


class Checked:
    """The pieces of an object; the last one comes when all have the right digest. Used by one thread."""

    def __init__(self, incoming: Incoming, sha256: bytes) -> None:
        self._incoming = incoming
        self._promised = sha256
        self._digest = hashlib.sha256()
        self._left = incoming.found.size
        self._buffer = memoryview(bytearray(min(PIECE_BYTES, self._left)))
        self.whole = False  # has the last piece been given?

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> memoryview:
        """The next piece, until it is asked for another. Raises ValueError: these are other bytes."""
        if not self._left:
            self._finish()
            raise StopIteration
        size = self._incoming.read_into(self._buffer[: self._left])
        if not size:
            raise ValueError("it ends too early")
        self._left -= size
        piece = self._buffer[:size]
        self._digest.update(piece)
        if not self._left:
            self._finish()
        return piece

    def _finish(self) -> None:
        if self._digest.digest() != self._promised:
            raise ValueError("these are not the bytes that its name promises")
        self.whole = True
