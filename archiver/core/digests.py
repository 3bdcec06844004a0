"""The two digests of an original, taken together.

``hashlib`` lets other threads run while it hashes 2,048 bytes or more, and then waits for its turn again:
with busy threads beside it that takes many times as long as hashing a dossier of some kilobytes. So what is
short is given to it in smaller pieces.
"""

from __future__ import annotations

import hashlib

#: Bytes; a multiple of the blocks of SHA-256 (64) and SHA-512 (128), below the 2,048 of ``hashlib``.
_PIECE = 1_920
#: What is longer is worth a turn of the others: its hashing takes more than 200 microseconds.
_SHORT = 128 * 1024


class Digests:
    """SHA-256 and SHA-512 of what comes."""

    __slots__ = ("_sha256", "_sha512")

    def __init__(self, data: bytes = b"") -> None:
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()
        self.update(data)

    def update(self, data: bytes) -> None:
        """Some more bytes."""
        sha256, sha512 = self._sha256, self._sha512
        if len(data) <= _PIECE or len(data) > _SHORT:
            sha256.update(data)
            sha512.update(data)
            return
        view = memoryview(data)
        for at in range(0, len(data), _PIECE):
            piece = view[at : at + _PIECE]
            sha256.update(piece)
            sha512.update(piece)

    @property
    def sha256(self) -> bytes:
        return self._sha256.digest()

    @property
    def sha512(self) -> bytes:
        return self._sha512.digest()
