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

from vanvault.archiver.core.errors import Forged, KeyUnavailable
from vanvault.archiver.core.names import ObjectKind, ObjectSubject
from vanvault.archiver.core.ports import Entropy

Purpose = Literal["originals", "log", "index", "credentials"]

#: Who may read the log need not be able to read a message, so each purpose has its own masters.
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
#: Those without which no archive opens. The others came later: a home from before has none of them until its
#: first need (``credentials``: what people sign on with; never handed out).
NEEDED: tuple[Purpose, ...] = ("originals", "log", "index")
#: Data keys and master keys are AES-256 keys.
KEY_BYTES = 32

#: What an object's data key is wrapped under. A manifest is not encrypted.
_PURPOSE: dict[ObjectKind, Purpose] = {
    "messages": "originals",
    "framed": "originals",
    "originals": "originals",
    "events": "log",
    "log": "log",
    "evidence": "log",
    "residue": "log",
}

#: An id of a master key: purpose and version.
_KEY_ID = re.compile(rf"({'|'.join(PURPOSES)})/([1-9][0-9]{{0,8}})")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key under a master key, as it lies beside the data."""

    key_id: str  # of the master: "<purpose>/<version>"
    wrapped: bytes  # 61 bytes for a 32-byte data key


#: Random bytes that a file of its own key needs besides.
CHANCE_BYTES = 16


@dataclass(frozen=True, slots=True, repr=False)
class FreshKey:
    """What encrypts one new object, and nothing after it."""

    data_key: bytes
    wrapped: WrappedKey  # the same, as the object names it
    chance: bytes  # CHANCE_BYTES random ones, of which the nonces are made


class StatementSigner(Protocol):
    """One signing key (Ed25519)."""

    @property
    def key_id(self) -> str:
        """16 hex digits."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The signature (64 bytes)."""
        ...


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

    def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
        """The data key (32 bytes) in its wrapped form, bound to ``context`` (``ObjectSubject.context``).

        Raises KeyUnavailable when the key is missing or is not the active version of its purpose.
        """
        ...

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """The data key (32 bytes).

        Raises KeyUnavailable when the key is missing, or is not the one that wrapped these bytes in this
        context.
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

        Raises KeyUnavailable when there is no version yet of a purpose that every archive needs, when
        another process made the same version at this moment, or when the provider refuses.
        """
        ...


def key_id(purpose: Purpose, version: int) -> str:
    """The id of a master key: ``originals/1``."""
    return f"{purpose}/{version}"


def newest_version(provider: KeyProvider, purpose: Purpose) -> int:
    """The version that wraps; 0: there is none yet, of a purpose that a home may lack.

    Raises KeyUnavailable: there is none of a purpose that every archive needs.
    """
    versions = provider.versions(purpose)
    if not versions and purpose not in NEEDED:
        return 0
    return parse_key_id(provider.active(purpose))[1]


def no_master(purpose: Purpose, *, where: str = "", hint: str) -> KeyUnavailable:
    """What a provider raises that holds no version of a purpose; ``hint`` where every archive has one."""
    if purpose not in NEEDED:
        hint = f"Restore it from escrow; if this archive never had one: vanvault keys rotate {purpose}"
    return KeyUnavailable(f"There is no master key for {purpose}{where}.", hint=hint)


def parse_key_id(text: str) -> tuple[Purpose, int]:
    """Purpose and version (from 1). Raises KeyUnavailable."""
    match = _KEY_ID.fullmatch(text)
    if match is None:
        raise KeyUnavailable("The data names a master key in a form that this version does not know.")
    purpose = next(purpose for purpose in PURPOSES if purpose == match[1])
    return purpose, int(match[2])


def purpose_of(kind: ObjectKind) -> Purpose:
    """Which master keys wrap the data keys of objects of this kind. Raises KeyUnavailable: none do."""
    purpose = _PURPOSE.get(kind)
    if purpose is None:
        raise KeyUnavailable(f"A {kind} is not encrypted, so it has no data key.")
    return purpose


def new_data_key(provider: KeyProvider, subject: ObjectSubject, entropy: Entropy) -> tuple[bytes, WrappedKey]:
    """A fresh data key of one object, plain and wrapped by the active master. Raises KeyUnavailable."""
    return new_wrapped_key(provider, purpose_of(subject.kind), subject.context, entropy)


def new_wrapped_key(
    provider: KeyProvider, purpose: Purpose, context: bytes, entropy: Entropy
) -> tuple[bytes, WrappedKey]:
    """A fresh data key, plain and wrapped by the active master, bound to ``context``.

    Raises KeyUnavailable.
    """
    data_key, master = entropy.token(KEY_BYTES), provider.active(purpose)
    try:
        return data_key, WrappedKey(master, provider.wrap(master, data_key, context))
    except KeyUnavailable:
        # Another process may have rotated between the two calls; then the new version wraps.
        newer = provider.active(purpose)
        if newer == master:
            raise
        return data_key, WrappedKey(newer, provider.wrap(newer, data_key, context))


def unwrap_data_key(provider: KeyProvider, subject: ObjectSubject, key: WrappedKey) -> bytes:
    """The data key (32 bytes) of one object.

    Raises Forged when it names a master of a purpose that no writer takes for such objects; KeyUnavailable
    when the master is missing, or did not wrap this key for this object.
    """
    purpose, _ = parse_key_id(key.key_id)
    if purpose != purpose_of(subject.kind):
        raise Forged(f"A data key of {subject.kind} is never under the master {key.key_id}.")
    return provider.unwrap(key.key_id, key.wrapped, subject.context)
