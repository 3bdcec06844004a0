"""The plain header of an index file, and the sealing of its blocks. Pure. FORMAT.md, sections 1 and 2."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vanvault.archiver.catalogue.index.fields import TIERS, Tier
from vanvault.archiver.core.errors import Damaged, InvalidInput

_MAGIC = b"VVINDEX\n"
VERSION = 2
INDEX_HEADER_BYTES = 64
FILE_ID_BYTES = 16
MAX_KEY_ID = 32

#: Numbers of the sections, as they stand in nonces and associated data.
DIRECTORY, KEYS, FACETS, DOSSIERS, COMBINATIONS, ROLLUPS, MONTHS = range(7)

_HEADER = struct.Struct("<8sHBB32s16s")  # magic, version, tier, length of the key id, key id, file id
_FILE_KEY_INFO = b"vanvault-index-file-v1"


@dataclass(frozen=True, slots=True)
class Header:
    """What an index file says without a key."""

    tier: Tier
    key_id: str  # of the index master key
    file_id: bytes  # 16, random

    def encode(self) -> bytes:
        """64 bytes; the last four are the CRC-32 of the others. Raises InvalidInput."""
        key_id = self.key_id.encode()
        if not 1 <= len(key_id) <= MAX_KEY_ID or len(self.file_id) != FILE_ID_BYTES:
            raise InvalidInput(f"a key id has 1 to {MAX_KEY_ID} bytes, a file id {FILE_ID_BYTES}")
        plain = _HEADER.pack(
            _MAGIC, VERSION, TIERS.index(self.tier), len(key_id), key_id.ljust(32, b"\0"), self.file_id
        )
        return plain + struct.pack("<I", zlib.crc32(plain))


def decode_index_header(data: bytes, name: str) -> Header:
    """The header in the first 64 bytes of a file. Raises Damaged: another kind, version, or changed."""
    if len(data) != INDEX_HEADER_BYTES or not data.startswith(_MAGIC):
        raise Damaged(f"{name} is not an index file", key=name, hint=REBUILD)
    plain, (crc,) = data[:-4], struct.unpack("<I", data[-4:])
    if zlib.crc32(plain) != crc:
        raise Damaged(f"{name}: its header was changed", key=name, hint=REBUILD)
    _, version, tier, length, key_id, file_id = _HEADER.unpack(plain)
    if version != VERSION:
        raise Damaged(
            f"{name}: index format {version}, this program reads {VERSION}",
            key=name,
            hint="Read it with a later version of VanVault, or rebuild the index.",
        )
    try:
        header = Header(TIERS[tier], key_id[:length].decode(), file_id)
    except (IndexError, UnicodeDecodeError) as error:
        raise Damaged(f"{name}: its header makes no sense", key=name, hint=REBUILD) from error
    return header


REBUILD = "Rebuild the index from the segments: vanvault index rebuild."


class Sealer:
    """Seals and opens the blocks of one file: AES-256-GCM under a key of the file's own.

    Header, section and block number are associated data, so a block that lies elsewhere does not open.
    """

    def __init__(self, block_key: bytes, header: bytes) -> None:
        """``block_key``: 32 secret bytes; ``header``: the 64 encoded bytes."""
        file_id = header[-4 - FILE_ID_BYTES : -4]
        key = HKDF(algorithm=SHA256(), length=32, salt=file_id, info=_FILE_KEY_INFO).derive(block_key)
        self._cipher = AESGCM(key)
        self._header = header

    def seal(self, section: int, block: int, plain: bytes) -> bytes:
        """``plain`` encrypted, and a tag of 16 bytes."""
        place = struct.pack("<IQ", section, block)
        return self._cipher.encrypt(place, plain, self._header + place)

    def open(self, section: int, block: int, sealed: bytes, name: str) -> bytes:
        """The plain bytes. Raises Damaged."""
        place = struct.pack("<IQ", section, block)
        try:
            return self._cipher.decrypt(place, sealed, self._header + place)
        except InvalidTag as error:
            raise Damaged(
                f"{name}: a block was changed, moved, or sealed with another key", key=name, hint=REBUILD
            ) from error
