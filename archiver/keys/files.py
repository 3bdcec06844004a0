"""Master keys in files, one for each version of each purpose: the provider of the embedded default.

``<purpose>-<version>.key`` (mode 0600, in a folder of mode 0700) is a JSON object::

    {"format": "vanvault-master-key-1", "key_id": "originals/1", "key": "<base64>", "check": "<hex>"}

``key`` is 32 random bytes. ``check`` is the first 8 bytes of HMAC-SHA256 with that key over
``vanvault-key-check-v1``, 0x00, the key id: a damaged, retyped or renamed file is known when it is read,
not when a restore needs it. Other files in the folder are none of this module's business.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.core.errors import KeyUnavailable, SettingsError
from vanvault.archiver.core.key_port import (
    KEY_BYTES,
    PURPOSES,
    Purpose,
    key_id,
    newest_version,
    no_master,
    parse_key_id,
)
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.keys import key_folder
from vanvault.archiver.keys.derive import derive_with
from vanvault.archiver.keys.wrapping import NONCE_BYTES, unwrap_with, wrap_with

_FORMAT = "vanvault-master-key-1"
_NAME = re.compile(rf"({'|'.join(PURPOSES)})-([1-9][0-9]{{0,8}})\.key")


@dataclass(frozen=True, slots=True, repr=False)
class _Master:
    secret: bytes
    cipher: AESGCM


@dataclass(frozen=True, slots=True, repr=False)
class _Snapshot:
    listing: key_folder.FolderListing
    masters: dict[tuple[Purpose, int], _Master | KeyUnavailable]  # the error: why a file gave no key

    def versions(self, purpose: Purpose) -> list[int]:
        return sorted(version for held, version in self.masters if held == purpose)

    def active(self, purpose: Purpose) -> str:
        versions = self.versions(purpose)
        if not versions:
            raise no_master(purpose, hint="Restore the keys from escrow: runbook keys-lost.")
        return key_id(purpose, versions[-1])

    def master(self, key_id: str) -> _Master:
        master = self.masters.get(parse_key_id(key_id))
        if master is None:
            raise KeyUnavailable(f"The master key {key_id} is missing.", hint="Restore it from escrow.")
        if isinstance(master, KeyUnavailable):
            raise KeyUnavailable(master.message, hint=master.hint) from master
        return master


class KeyFiles:
    """A KeyProvider over a folder of key files.

    Each call first looks at the folder, so a version that another process made is used at once, and a
    file that vanished stops the archive from acknowledging data under a key that no disk holds. Safe to
    call from many threads: what was read is one immutable snapshot.
    """

    def __init__(self, folder: Path, entropy: Entropy) -> None:
        """Read all key files. Raises SettingsError (folder), KeyUnavailable (any file that is not right)."""
        key_folder.check_private_folder(folder)
        self._folder = folder
        self._entropy = entropy
        self._snapshot = _load(folder)
        for master in self._snapshot.masters.values():
            if isinstance(master, KeyUnavailable):
                raise master

    @classmethod
    def create(cls, folder: Path, entropy: Entropy) -> Self:
        """Make version 1 of every purpose in a new or empty folder.

        Raises SettingsError when the folder holds master keys: they may be the only way to archived
        data, so they are never replaced. Raises KeyUnavailable when the disk refuses.
        """
        key_folder.make_private_folder(folder)
        if key_folder.listing(folder, _NAME):
            raise SettingsError(
                "The key folder holds master keys already; they were not touched.",
                hint="Use these keys, or name another folder.",
            )
        for purpose in PURPOSES:
            _write(folder, purpose, 1, entropy)
        return cls(folder, entropy)

    def rotate(self, purpose: Purpose, above: int = 0) -> str:
        version = max(newest_version(self, purpose), above) + 1
        _write(self._folder, purpose, version, self._entropy)
        return self.active(purpose)

    def active(self, purpose: Purpose) -> str:
        return self._current().active(purpose)

    def versions(self, purpose: Purpose) -> list[int]:
        return self._current().versions(purpose)

    def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
        snapshot = self._current()
        master = snapshot.master(key_id)
        active = snapshot.active(parse_key_id(key_id)[0])
        if key_id != active:
            raise KeyUnavailable(f"{key_id} was rotated and only unwraps; {active} wraps now.")
        return wrap_with(master.cipher, key_id, data_key, self._entropy.token(NONCE_BYTES), context)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        return unwrap_with(self._current().master(key_id).cipher, key_id, wrapped, context)

    def derive(self, key_id: str, info: bytes, length: int = 32) -> bytes:
        return derive_with(self._current().master(key_id).secret, key_id, info, length)

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        if key_folder.listing(self._folder, _NAME) != snapshot.listing:
            self._snapshot = snapshot = _load(self._folder)
        return snapshot


def _load(folder: Path) -> _Snapshot:
    # The listing comes first: a file added after it shows as a change at the next call.
    listing = key_folder.listing(folder, _NAME)
    masters: dict[tuple[Purpose, int], _Master | KeyUnavailable] = {}
    for name, *_ in listing:
        purpose, version = parse_key_id(name.removesuffix(".key").replace("-", "/"))
        try:
            secret = decode_master(name, key_id(purpose, version), key_folder.read_private(folder / name))
            masters[purpose, version] = _Master(secret, AESGCM(secret))
        except KeyUnavailable as error:
            # One bad file must not take the good keys of a running archive away; its use raises this.
            masters[purpose, version] = error
    return _Snapshot(listing, masters)


def _write(folder: Path, purpose: Purpose, version: int, entropy: Entropy) -> None:
    data = encode_master(key_id(purpose, version), entropy.token(KEY_BYTES))
    path = folder / f"{purpose}-{version}.key"
    key_folder.write_once(path, data, mode=0o600)


def encode_master(key_id: str, secret: bytes) -> bytes:
    """The bytes of a key file; ``secret`` is the 32 bytes of the key."""
    content = {
        "format": _FORMAT,
        "key_id": key_id,
        "key": base64.b64encode(secret).decode(),
        "check": _check(key_id, secret),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def decode_master(name: str, key_id: str, data: bytes) -> bytes:
    """The 32 bytes of the key in a key file. Raises KeyUnavailable when it is not whole, or another."""
    try:
        content = orjson.loads(data)
        form, held, check = content["format"], content["key_id"], content["check"]
        secret = base64.b64decode(content["key"], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise KeyUnavailable(f"{name} is not a key file.", hint="Restore it from escrow.") from error
    if form != _FORMAT:
        raise KeyUnavailable(f"{name} has a format that this version does not know.")
    if held != key_id:
        raise KeyUnavailable(f"{name} holds another key than its name says.", hint="Give it its own name.")
    if len(secret) != KEY_BYTES or not isinstance(check, str) or check != _check(key_id, secret):
        raise KeyUnavailable(
            f"The key in {name} does not fit its check value.", hint="Restore it from escrow."
        )
    return secret


def _check(key_id: str, secret: bytes) -> str:
    return hmac.digest(secret, b"vanvault-key-check-v1\0" + key_id.encode(), "sha256")[:8].hex()
