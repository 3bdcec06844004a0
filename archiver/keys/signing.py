"""Signing keys of receipts: Ed25519 (RFC 8032), versioned; the newest signs, every public key verifies.

A folder holds ``signing-<n>.pem`` (PKCS #8, mode 0600) and ``signing-<n>.pub.pem`` (SubjectPublicKeyInfo,
mode 0644). A key's id is the first 8 bytes, in hex, of the SHA-256 of its raw 32-byte public key, so
anyone who holds the public key can check the id. The private key of an old version may be destroyed;
its public key must outlive the receipts that it signed.

Every public key in the folder verifies receipts. Objects are believed only when a *trusted* key signed their
names, and only a trusted key signs anything new: which those are stands in ``trust.py``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
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
from vanvault.archiver.core.ports import Clock, Entropy, SystemClock
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.keys import key_folder, trust
from vanvault.archiver.keys.trust import ObjectList, TrustAct, TrustedKeys

_NAME = re.compile(r"signing-([1-9][0-9]{0,8})(\.pub)?\.pem")
#: Files that decide what is trusted, or that sign.
_FILES = re.compile(
    "|".join(f"(?:{one.pattern})" for one in (_NAME, trust.INTRODUCTION_FILE, trust.RECORD_FILE))
)


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
    trust: TrustedKeys


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

    def rotate(
        self,
        entropy: Entropy,
        clock: Clock | None = None,
        *,
        announce: Callable[[str], None] = lambda key_id: None,
    ) -> str:
        """Make the next version, durably, and return its key id. Old receipts stay verifiable.

        The newest key that is trusted, not revoked and here with its private half introduces it; ``clock``
        tells when. ``announce`` is called with the new id before there is a key: what it writes is signed by
        the one before, and believed without the new one.

        Raises KeyUnavailable when there is none, when another process made the same version just now, or the
        disk refuses; and what ``announce`` raises.
        """
        snapshot = self._current()
        names = {name for name, *_ in snapshot.listing}
        introducer = self._introducer(snapshot, names)
        newest = max(map(_version, names), default=0)
        if snapshot.active is not None:
            _heal_public(self._folder, snapshot.active, names)  # a crash within the last rotation
        at = rfc3339_seconds((clock or SystemClock()).now())
        key = Ed25519PrivateKey.from_private_bytes(entropy.token(32))
        key_id = key_id_of(key.public_key())
        announce(key_id)
        self._write_introduced(newest + 1, key, introducer, at)
        return key_id

    def _introducer(self, snapshot: _Snapshot, names: set[str]) -> SigningKey:
        trusted = snapshot.trust
        for key_id, version in sorted(trusted.versions.items(), key=lambda one: -one[1]):
            if trusted.may_sign(key_id) and f"signing-{version}.pem" in names:
                return _load_private(self._folder, version)
        raise KeyUnavailable(
            "No trusted signing key is here with its private half, so a new one cannot be introduced.",
            hint="Restore the keys from escrow first: vanvault keys escrow restore.",
        )

    def _write_introduced(self, version: int, key: Ed25519PrivateKey, by: SigningKey, at: str) -> None:
        public = key.public_key()
        _, introduction = trust.introduce(
            version, public, at=at, by=by.key_id, sign=by.sign, key_id=key_id_of(public)
        )
        # Until it is introduced the key does not sign; a crash in between leaves one that never will.
        _write_private(self._folder, version, key)
        name = f"signing-{version}.intro.json"
        key_folder.write_once(self._folder / name, introduction, mode=0o644)
        _write_public(self._folder, version, public)

    def trusted(self) -> Mapping[str, Ed25519PublicKey]:
        """Keys that may have signed objects, by id: not to be changed, and the same until the folder changes.

        Of a revoked one only some objects stand: see ``trust``. Raises KeyUnavailable.
        """
        return self._current().trust.keys

    def trust(self) -> TrustedKeys:
        """What is trusted now, and since when what is not. Raises KeyUnavailable."""
        return self._current().trust

    def record_trust(self, draft: TrustAct, objects: ObjectList) -> TrustAct:
        """Sign an act of the trust record with the newest key and write it, durably; every process sees it.

        The list, and with it ``stands``, ``withdrawn``, ``list_sha256`` and ``signed_by``, is filled in here.
        Raises KeyUnavailable: another process wrote an act just now, the disk refuses, or it cannot apply.
        """
        active = self.active()
        filled = replace(
            draft,
            stands=len(objects.stands) // trust.DIGEST_BYTES,
            withdrawn=len(objects.withdrawn) // trust.DIGEST_BYTES,
            list_sha256=objects.sha256,
            signed_by=active.key_id,
        )
        act, data = trust.seal_act(filled, active.sign)
        path = self._folder / f"trust-{act.number}.json"
        with key_folder.exclusive(self._folder / ".trust.lock"):  # an act and the list of another are no pair
            trust.check_act(act, self.trust())
            # The list first: readers ask for it as soon as the act is there.
            listed = path.with_suffix(".objects")
            if listed.exists() and not path.exists():
                listed.unlink()  # of an attempt that died before its act was written
            key_folder.write_once(listed, objects.data, mode=0o644)
            key_folder.write_once(path, data, mode=0o644)
        self._current()
        return act

    def active(self) -> SigningKey:
        """The newest trusted key that is not revoked.

        Raises KeyUnavailable when there is none, or its private half is missing.
        """
        active = self._current().active
        if active is None:
            raise KeyUnavailable(
                "There is no private signing key of the newest version.",
                hint="Restore it from escrow: vanvault keys escrow restore.",
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
        """All public keys by key id, also those that are trusted for no object: receipts outlive trust."""
        return dict(self._current().public)

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        if key_folder.listing(self._folder, _FILES) != snapshot.listing:
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


def _is_private(name: str) -> bool:
    match = _NAME.fullmatch(name)
    return match is not None and match[2] is None


def _load(folder: Path) -> _Snapshot:
    listing = key_folder.listing(folder, _FILES)
    names = {name for name, *_ in listing}
    public: dict[int, tuple[str, Ed25519PublicKey]] = {}
    for name in names:
        if name.endswith(".pub.pem"):
            key = load_public(folder / name)
            public[_version(name)] = (key_id_of(key), key)
    newest = max(map(_version, names), default=0)
    for version in sorted(_version(name) for name in names if _is_private(name)):
        if version in public and version != newest:
            continue
        private = _load_private(folder, version)
        held = public.setdefault(version, (private.key_id, private.public()))  # a rotation may have died
        if held[0] != private.key_id:
            raise KeyUnavailable(
                f"signing-{version}.pem and signing-{version}.pub.pem are not one pair.",
                hint="Restore both from escrow.",
            )
    trusted = trust.evaluate(public, _introductions(folder, names), _acts(folder, names))
    known = {key_id: key for _, (key_id, key) in sorted(public.items())}
    return _Snapshot(listing, _active(folder, names, trusted), known, trusted)


def _active(folder: Path, names: set[str], trusted: TrustedKeys) -> SigningKey | None:
    """The newest key that may sign; None: it is not here with its private half."""
    may_sign = [version for key_id, version in trusted.versions.items() if trusted.may_sign(key_id)]
    newest = max(may_sign, default=0)
    if f"signing-{newest}.pem" not in names:
        return None
    active = _load_private(folder, newest)
    if trusted.versions.get(active.key_id) != newest:
        raise KeyUnavailable(
            f"signing-{newest}.pem and signing-{newest}.pub.pem are not one pair.",
            hint="Restore both from escrow.",
        )
    return active


def _introductions(folder: Path, names: set[str]) -> dict[int, bytes]:
    found = ((name, trust.INTRODUCTION_FILE.fullmatch(name)) for name in names)
    return {
        int(match[1]): key_folder.read_public(folder / name, trust.RECORD_LIMIT)
        for name, match in found
        if match is not None
    }


def _acts(folder: Path, names: set[str]) -> list[tuple[bytes, bytes]]:
    """The acts of the trust record with their lists, in order. Raises KeyUnavailable when one is missing."""
    matches = (trust.RECORD_FILE.fullmatch(name) for name in names)
    numbers = {int(match[1]) for match in matches if match is not None and match[2] == "json"}
    return [
        (
            key_folder.read_public(folder / f"trust-{number}.json", trust.RECORD_LIMIT),
            key_folder.read_public(
                folder / f"trust-{number}.objects", trust.MOST_OBJECTS * trust.DIGEST_BYTES
            ),
        )
        for number in range(1, max(numbers, default=0) + 1)
    ]


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
    # The private half first: readers derive the public one from it, so no moment and no crash in between
    # leaves a newest version that cannot sign, or a signature that cannot be verified.
    _write_private(folder, version, key)
    _write_public(folder, version, key.public_key())


def _heal_public(folder: Path, key: SigningKey, names: set[str]) -> None:
    if f"signing-{key.version}.pub.pem" not in names:
        _write_public(folder, key.version, key.public())


def _write_private(folder: Path, version: int, key: Ed25519PrivateKey) -> None:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key_folder.write_once(folder / f"signing-{version}.pem", private, mode=0o600)


def _write_public(folder: Path, version: int, key: Ed25519PublicKey) -> None:
    key_folder.write_once(folder / f"signing-{version}.pub.pem", public_pem(key), mode=0o644)
