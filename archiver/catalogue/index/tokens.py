"""Secrets of the index, and tokens of many values at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from vanvault.archiver.catalogue.index.segments import UInt64s
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.keys import index_secret, token

#: What the key of sealed blocks is derived for.
BLOCKS_INFO = b"vanvault-index-blocks-v1"
#: Bytes of a token that files keep: rows are checked against the true value, so a collision costs only time.
STORED_BYTES = 6

_HASH_BLOCK = 64  # bytes, of SHA-256


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """What one version of the index master key gives."""

    key_id: str
    tokens: bytes = field(repr=False)  # 32
    blocks: bytes = field(repr=False)  # 32

    def token(self, name: str, value: str) -> int:
        """The 48 bits that stand for a field's value."""
        return int.from_bytes(token(self.tokens, name, value)[:STORED_BYTES], "big")


def index_keys(provider: KeyProvider, key_id: str) -> IndexKeys:
    """The secrets under one index key. Raises KeyUnavailable."""
    return IndexKeys(key_id, index_secret(provider, key_id), provider.derive(key_id, BLOCKS_INFO))


def tokens_of(secret: bytes, name: str, values: Iterable[bytes]) -> UInt64s:
    """``IndexKeys.token`` of many values (UTF-8) of one field, as one array.

    HMAC by hand (RFC 2104, section 4): the two keyed states are copied, which costs less than half of a
    call of ``hmac.digest``, and this is where building an index spends its time.
    """
    block = secret.ljust(_HASH_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    inner.update(name.encode() + b"\0")
    new_inner, new_outer = inner.copy, hashlib.sha256(bytes(byte ^ 0x5C for byte in block)).copy
    digests = []
    for value in values:
        inside = new_inner()
        inside.update(value)
        outside = new_outer()
        outside.update(inside.digest())
        digests.append(outside.digest())
    words = np.frombuffer(b"".join(digests), dtype=">u8")[::4].astype(np.uint64)
    return words >> np.uint64(64 - 8 * STORED_BYTES)
