"""Writes a ZIP of any size in bounded memory, onto spools that can be cut back to a checkpoint."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import replace

from vanvault.archiver.export.workspace import Spool
from vanvault.archiver.export.zip_records import (
    DEFLATED,
    STORED,
    Member,
    central_record,
    end_records,
    local_header,
)

_RAW_DEFLATE = -15
_COPY_BYTES = 2**20


class ZipWriter:
    """Members go to ``data``, their directory to ``central`` and their digests to ``sums``."""

    def __init__(self, data: Spool, central: Spool, sums: Spool, members: int, at_s: int = 0) -> None:
        """``members`` is how many the spools hold already; ``at_s``: the time of those without their own.

        Times are seconds since 1970 (UTC); 0 is unknown.
        """
        self._data = data
        self._central = central
        self._sums = sums
        self._at_s = at_s
        self.members = members

    def add(self, name: str, content: bytes, *, summed: bool = True, at_s: int = 0) -> None:
        """One member from memory: deflated, or stored where that is no larger."""
        packed = _deflate(content)
        method = DEFLATED
        if len(packed) >= len(content):
            method, packed = STORED, content
        sizes = (len(content), len(packed))
        member = Member(
            name, method, zlib.crc32(content), *sizes, offset=self._data.length, at_s=at_s or self._at_s
        )
        self._data.write(local_header(member))
        self._data.write(packed)
        self._list(member, hashlib.sha256(content).hexdigest() if summed else "")

    def add_stream(self, name: str, chunks: Iterable[bytes], *, summed: bool = True) -> str:
        """One member of unknown size, deflated as it comes; its SHA-256 (hex)."""
        member = Member(name, DEFLATED, 0, 0, 0, offset=self._data.length, at_s=self._at_s)
        room = local_header(member, big=True)
        self._data.write(room)
        digest, crc, size = hashlib.sha256(), 0, 0
        packer = zlib.compressobj(wbits=_RAW_DEFLATE)
        for chunk in chunks:
            digest.update(chunk)
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            self._data.write(packer.compress(chunk))
        self._data.write(packer.flush())
        packed = self._data.length - member.offset - len(room)
        member = replace(member, crc=crc, size=size, packed=packed)
        self._data.patch(member.offset, local_header(member, big=True))
        self._list(member, digest.hexdigest() if summed else "")
        return digest.hexdigest()

    def end(self) -> None:
        """The central directory and the records that end the file."""
        offset = self._data.length
        self._central.file.seek(0)
        while chunk := self._central.file.read(_COPY_BYTES):
            self._data.write(chunk)
        self._data.write(end_records(self.members, self._data.length - offset, offset))

    def _list(self, member: Member, sha256: str) -> None:
        self._central.write(central_record(member))
        if sha256:
            self._sums.write(f"{sha256}  {member.name}\n".encode())
        self.members += 1


def _deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=_RAW_DEFLATE)
    return packer.compress(content) + packer.flush()
