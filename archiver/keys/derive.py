"""Secrets derived from master keys, and the tokens of the search index.

A token stands for a field's value in the index: whoever holds the index without its key learns no
employer code or insurance number from it, and cannot try values out.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vanvault.archiver.core.key_port import KeyProvider

#: What derived secrets are for; an ``info`` is never used for two things.
INDEX_TOKENS = b"vanvault-index-tokens-v1"
HOT_TAIL = b"vanvault-hot-tail-v1"

TOKEN_BYTES = 8


def derive_with(master: bytes, key_id: str, info: bytes, length: int = 32) -> bytes:
    """``length`` bytes (at most 8,160) of HKDF-SHA256 (RFC 5869): no salt, the key's id within the info.

    The info that HKDF gets is ``vanvault-derive-v1``, 0x00, the key id, 0x00, ``info``.
    """
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=_bound(key_id, info)).derive(master)


def expansion_key(master: bytes) -> bytes:
    """What HKDF-Extract makes of a master without a salt (RFC 5869, 2.2): 32 bytes."""
    return hmac.digest(bytes(32), master, "sha256")


def expand_with(sign: Callable[[bytes], bytes], key_id: str, info: bytes, length: int = 32) -> bytes:
    """The same as ``derive_with``, where ``sign`` is HMAC-SHA256 under the ``expansion_key``.

    A token keeps that key to itself and signs with it, so HKDF-Expand (RFC 5869, 2.3) needs no more.
    """
    bound, secret, block = _bound(key_id, info), b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = sign(block + bound + bytes([counter]))
        secret += block
    return secret[:length]


def _bound(key_id: str, info: bytes) -> bytes:
    return b"vanvault-derive-v1\0" + key_id.encode() + b"\0" + info


def index_secret(provider: KeyProvider, key_id: str) -> bytes:
    """The secret (32 bytes) of the index tokens made under one index key. Raises KeyUnavailable."""
    return provider.derive(key_id, INDEX_TOKENS)


def hot_tail_secret(provider: KeyProvider, key_id: str) -> bytes:
    """The secret (32 bytes) that seals one node's hot tail on its disk. Raises KeyUnavailable."""
    return provider.derive(key_id, HOT_TAIL)


def token(secret: bytes, field: str, value: str) -> bytes:
    """The index token of a value: the first 8 bytes of HMAC-SHA256(secret, field, 0x00, value), UTF-8.

    ``field`` is a field's name, so it holds no zero byte and pairs cannot be confused.
    """
    return hmac.digest(secret, b"%b\0%b" % (field.encode(), value.encode()), "sha256")[:TOKEN_BYTES]
