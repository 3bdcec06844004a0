"""The port of a key provider: versioned master keys, one line of versions for each purpose.

A master key wraps data keys and gives secrets by derivation; it never leaves its provider. The newest
version of a purpose is the active one: it alone wraps. Older versions only unwrap and derive, so a
rotation rewrites nothing. Providers behind this port: key files (``keys/files.py``) and a PKCS#11 token
(``keys/pkcs11/keys.py``); which one a home has is a setting (``keys/provider.py``).

The wrapped form, whatever the provider (``keys/wrapping.py``), is part of the archive's format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.core.ports import Entropy

Purpose = Literal["originals", "log", "index"]

#: Who may read the log need not be able to read a message, so each purpose has its own masters.
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
#: Data keys and master keys are AES-256 keys.
KEY_BYTES = 32

_KEY_ID = re.compile(r"(originals|log|index)/([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key under a master key, as it lies beside the data."""

    key_id: str  # of the master: "<purpose>/<version>"
    wrapped: bytes  # 61 bytes for a 32-byte data key


class KeyProvider(Protocol):
    """Wraps and unwraps data keys; safe to call from many threads."""

    def active(self, purpose: Purpose) -> str:
        """Id of the newest version, the one that wraps. Raises KeyUnavailable when there is none."""
        ...

    def versions(self, purpose: Purpose) -> list[int]:
        """The versions that this provider holds, ascending; empty when there are none.

        Raises KeyUnavailable when the provider cannot be read.
        """
        ...

    def wrap(self, key_id: str, data_key: bytes) -> bytes:
        """The data key (32 bytes) in its wrapped form.

        Raises KeyUnavailable when the key is missing or is not the active version of its purpose.
        """
        ...

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The data key (32 bytes).

        Raises KeyUnavailable when the key is missing, or is not the one that wrapped these bytes.
        """
        ...

    def derive(self, key_id: str, info: bytes, length: int = 32) -> bytes:
        """``length`` secret bytes (HKDF-SHA256), the same for the same key and ``info`` at any time.

        Raises KeyUnavailable when the key is missing.
        """
        ...


class MasterKeys(KeyProvider, Protocol):
    """A provider that can make new versions."""

    def rotate(self, purpose: Purpose, above: int = 0) -> str:
        """Make the next version of a purpose, durably, and return its id; nothing is rewritten.

        ``above`` is the highest version that the archive has on record: a home that lost
        its newest keys must not make others of the same id.

        Raises KeyUnavailable when there is no version yet, when another process made the same
        version at this moment, or when the provider refuses.
        """
        ...


def key_id(purpose: Purpose, version: int) -> str:
    """The id of a master key: ``originals/1``."""
    return f"{purpose}/{version}"


def parse_key_id(text: str) -> tuple[Purpose, int]:
    """Purpose and version (from 1). Raises KeyUnavailable."""
    match = _KEY_ID.fullmatch(text)
    if match is None:
        raise KeyUnavailable("The data names a master key in a form that this version does not know.")
    purpose = next(purpose for purpose in PURPOSES if purpose == match[1])
    return purpose, int(match[2])


def new_data_key(provider: KeyProvider, purpose: Purpose, entropy: Entropy) -> tuple[bytes, WrappedKey]:
    """A fresh data key, plain and wrapped by the active master key. Raises KeyUnavailable."""
    data_key = entropy.token(KEY_BYTES)
    master = provider.active(purpose)
    try:
        return data_key, WrappedKey(master, provider.wrap(master, data_key))
    except KeyUnavailable:
        # Another process may have rotated between the two calls; then the new version wraps.
        newer = provider.active(purpose)
        if newer == master:
            raise
        return data_key, WrappedKey(newer, provider.wrap(newer, data_key))
