"""Secrets of the index, and its tokens.

A token stands for a field's value in the index: whoever holds the index without its key learns no
employer code or insurance number from it, and cannot try values out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from vanvault.archiver.catalogue.index.segments import UInt64s
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.search_form import FOLDED_FIELDS, search_form

#: What the key of tokens is derived for.
TOKENS_INFO = b"vanvault-index-tokens-v1"
#: What the key of sealed blocks is derived for.
BLOCKS_INFO = b"vanvault-index-blocks-v1"
TOKEN_BYTES = 8
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
        """The 48 bits that represent a field's value."""
        return int.from_bytes(token(self.tokens, name, value)[:STORED_BYTES], "big")


def index_keys(provider: KeyProvider, key_id: str, archive: str) -> IndexKeys:
    """The secrets under one index key; no other archive's file opens with them. Raises KeyUnavailable."""
    blocks = provider.derive(key_id, BLOCKS_INFO + b"\0" + archive.encode())
    return IndexKeys(key_id, provider.derive(key_id, TOKENS_INFO), blocks)


def token(secret: bytes, field: str, value: str) -> bytes:
    """The index token of a value: the first 8 bytes of HMAC-SHA256(secret, field, 0x00, search form), UTF-8.

    ``field`` is a field's name, so it holds no zero byte and pairs cannot be confused.
    """
    form = search_form(field, value)
    return hmac.digest(secret, b"%b\0%b" % (field.encode(), form.encode()), "sha256")[:TOKEN_BYTES]


def tokens_of(secret: bytes, name: str, values: Iterable[bytes]) -> UInt64s:
    """``IndexKeys.token`` of many values (UTF-8) of one field, as one array; equal ones of equal values.

    HMAC by hand (RFC 2104, section 4): the two keyed states are copied, which costs less than half of a
    call of ``hmac.digest``, and this is where building an index spends its time.
    """
    block = secret.ljust(_HASH_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    inner.update(name.encode() + b"\0")
    new_inner, new_outer = inner.copy, hashlib.sha256(bytes(byte ^ 0x5C for byte in block)).copy
    digests = []
    if name in FOLDED_FIELDS:
        values = (search_form(name, value.decode()).encode() for value in values)
    for value in values:
        inside = new_inner()
        inside.update(value)
        outside = new_outer()
        outside.update(inside.digest())
        digests.append(outside.digest())
    words = np.frombuffer(b"".join(digests), dtype=">u8")[::4].astype(np.uint64)
    return words >> np.uint64(64 - 8 * STORED_BYTES)
