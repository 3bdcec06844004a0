"""Signing keys of receipts: Ed25519 (RFC 8032), versioned; the newest signs, every public key verifies.

A folder holds ``signing-<n>.pem`` (PKCS #8, mode 0600) and ``signing-<n>.pub.pem`` (SubjectPublicKeyInfo,
mode 0644). A key's id is the first 8 bytes, in hex, of the SHA-256 of its raw 32-byte public key, so
anyone who holds the public key can check the id. The private key of an old version may be destroyed;
its public key must outlive the receipts that it signed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from vanvault.archiver.core.errors import Damaged, KeyUnavailable, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.keys import key_folder

_NAME = re.compile(r"signing-([1-9][0-9]{0,8})(\.pub)?\.pem")


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """One private key and its id: take it once, and id and signature belong together."""

    key_id: str  # 16 hex digits
    version: int
    _private: Ed25519PrivateKey

    def sign(self, data: bytes) -> bytes:
        """The signature (64 bytes) over ``data``."""
        return self._private.sign(data)

    def public(self) -> Ed25519PublicKey:
        return self._private.public_key()


@dataclass(frozen=True, slots=True, repr=False)
class _Snapshot:
    listing: key_folder.FolderListing
    active: SigningKey | None
    public: dict[str, Ed25519PublicKey]


class SigningKeys:
    """The signing keys of a folder; sees at once what another process adds. Many threads may call."""

    def __init__(self, folder: Path) -> None:
        """Read the keys. Raises SettingsError (folder), KeyUnavailable (a file that is not right)."""
        key_folder.check_private_folder(folder)
        self._folder = folder
        self._snapshot = _load(folder)

    @classmethod
    def create(cls, folder: Path, entropy: Entropy) -> Self:
        """Make version 1.

        Raises SettingsError when there are signing keys already, KeyUnavailable when the disk refuses.
        """
        key_folder.make_private_folder(folder)
        if key_folder.listing(folder, _NAME):
            raise SettingsError("The key folder holds signing keys already; they were not touched.")
        _write(folder, 1, entropy)
        return cls(folder)

    def rotate(self, entropy: Entropy) -> str:
        """Make the next version, durably, and return its key id. Old receipts stay verifiable.

        Raises KeyUnavailable when another process made the same version just now, or the disk refuses.
        """
        names = {name for name, *_ in key_folder.listing(self._folder, _NAME)}
        newest = max(map(_version, names), default=0)
        if newest and f"signing-{newest}.pub.pem" not in names:  # a crash within the last rotation
            _write_public(self._folder, newest, self.active().public())
        _write(self._folder, newest + 1, entropy)
        return self.active().key_id

    def active(self) -> SigningKey:
        """The newest key. Raises KeyUnavailable when there is none, or its private half is missing."""
        active = self._current().active
        if active is None:
            raise KeyUnavailable(
                "There is no private signing key of the newest version.",
                hint="Restore it from escrow, or make a new version: vanvault keys rotate signing.",
            )
        return active

    def sign(self, data: bytes) -> bytes:
        """The signature (64 bytes) by the newest key. Raises KeyUnavailable."""
        return self.active().sign(data)

    def public(self, key_id: str) -> Ed25519PublicKey:
        """The public key of any version. Raises KeyUnavailable."""
        key = self._current().public.get(key_id)
        if key is None:
            raise KeyUnavailable(
                "This archive has no signing key of that id.",
                hint="The receipt is of another archive, or a public key file is missing.",
            )
        return key

    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        """All public keys by key id."""
        return dict(self._current().public)

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        if key_folder.listing(self._folder, _NAME) != snapshot.listing:
            self._snapshot = snapshot = _load(self._folder)
        return snapshot


def key_id_of(key: Ed25519PublicKey) -> str:
    """The key's id: 16 hex digits."""
    return hashlib.sha256(key.public_bytes_raw()).digest()[:8].hex()


def load_public(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file, which needs no protection. Raises KeyUnavailable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise_limit(error)
        raise KeyUnavailable(f"The public key {path.name} cannot be read: {error.strerror}.") from error
    return parse_public(data)


def parse_public(pem: bytes) -> Ed25519PublicKey:
    """A public key from PEM. Raises KeyUnavailable."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnavailable("This is not a public key in PEM form.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnavailable("This public key is not an Ed25519 key.")
    return key


def load_public_keys(paths: Iterable[Path]) -> dict[str, Ed25519PublicKey]:
    """Public keys from PEM files, by key id. Raises KeyUnavailable."""
    return {key_id_of(key): key for key in map(load_public, paths)}


def parse_public_keys(pems: Iterable[bytes]) -> dict[str, Ed25519PublicKey]:
    """Public keys from PEM, by key id. Raises KeyUnavailable."""
    return {key_id_of(key): key for key in map(parse_public, pems)}


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The key in PEM form (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def verify(key: Ed25519PublicKey, signature: bytes, data: bytes) -> None:
    """Raises Damaged unless ``signature`` is this key's over ``data``."""
    try:
        key.verify(signature, data)
    except InvalidSignature as error:
        raise Damaged("The signature does not fit these bytes and this key.") from error


def _version(name: str) -> int:
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else 0


def _load(folder: Path) -> _Snapshot:
    listing = key_folder.listing(folder, _NAME)
    names = {name for name, *_ in listing}
    newest = max(map(_version, names), default=0)
    public = {}
    for name in sorted(name for name in names if name.endswith(".pub.pem")):
        key = load_public(folder / name)
        public[key_id_of(key)] = key
    active = None
    if f"signing-{newest}.pem" in names:
        active = _load_private(folder, newest)
        if f"signing-{newest}.pub.pem" not in names:
            public[active.key_id] = active.public()
        elif active.key_id != key_id_of(load_public(folder / f"signing-{newest}.pub.pem")):
            raise KeyUnavailable(
                f"signing-{newest}.pem and signing-{newest}.pub.pem are not one pair.",
                hint="Restore both from escrow.",
            )
    return _Snapshot(listing, active, public)


def _load_private(folder: Path, version: int) -> SigningKey:
    name = f"signing-{version}.pem"
    try:
        key = load_pem_private_key(key_folder.read_private(folder / name), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnavailable(f"{name} is not a private key.", hint="Restore it from escrow.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnavailable(f"{name} is not an Ed25519 key.", hint="Restore it from escrow.")
    return SigningKey(key_id_of(key.public_key()), version, key)


def _write(folder: Path, version: int, entropy: Entropy) -> None:
    key = Ed25519PrivateKey.from_private_bytes(entropy.token(32))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # The private half first: readers derive the public one from it, so no moment and no crash in between
    # leaves a newest version that cannot sign, or a signature that cannot be verified.
    key_folder.write_once(folder / f"signing-{version}.pem", private, mode=0o600)
    _write_public(folder, version, key.public_key())


def _write_public(folder: Path, version: int, key: Ed25519PublicKey) -> None:
    key_folder.write_once(folder / f"signing-{version}.pub.pem", public_pem(key), mode=0o644)
