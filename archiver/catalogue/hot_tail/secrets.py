"""The derived secrets of the search room, in one place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.keys import hot_tail_secret

CLAIM_BYTES = 16


@dataclass(frozen=True, slots=True)
class SearchSecrets:
    """Secrets derived from one version of the index master key.

    Whoever takes a node's disk learns no employer code or insurance number from its hot tail: keys are
    keyed tokens, and rows are sealed.
    """

    key_id: str
    tokens: bytes  # 32
    cursors: bytes  # 32
    sealing: AESGCM

    def token(self, field: str, value: str) -> bytes:
        """8 bytes that stand for a field's value in this file: keyed BLAKE2b, half the price of HMAC here."""
        return hashlib.blake2b(f"{field}\0{value}".encode(), key=self.tokens, digest_size=8).digest()

    def claim(self, entry: str, gateway: str, client_id: str) -> bytes:
        """16 bytes that stand for the (gateway, id) of a message or an event."""
        text = f"{entry}\0{gateway}\0{client_id}".encode()
        return hashlib.blake2b(text, key=self.tokens, digest_size=CLAIM_BYTES, person=b"claim").digest()


def search_secrets(provider: KeyProvider) -> SearchSecrets:
    """Secrets under the active index key. Raises KeyUnavailable."""
    key_id = provider.active("index")
    return SearchSecrets(
        key_id=key_id,
        tokens=provider.derive(key_id, b"vanvault-hot-tail-tokens-v1"),
        cursors=provider.derive(key_id, b"vanvault-cursors-v1"),
        sealing=AESGCM(hot_tail_secret(provider, key_id)),
    )
