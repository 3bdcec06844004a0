"""Secrets derived from master keys: what a provider's ``derive`` computes.

Each use has its own ``info``, which stands beside that use; no ``info`` serves two uses.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


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
