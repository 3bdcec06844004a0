"""Master keys within a PKCS#11 token, which does all work with them and gives none of them away.

A version is two secret keys, sensitive and not extractable, with CKA_ID = the archive's id in ASCII::

    CKA_LABEL                      type                use
    vanvault originals/1 wrap      AES, 256 bits       CKM_AES_GCM: wraps data keys, form 1 of ``wrapping.py``
    vanvault originals/1 expand    generic, 256 bits   CKM_SHA256_HMAC: HKDF-Expand, see ``derive.py``

Keys made by the token are two independent ones. A master that was made outside (for escrow) becomes the wrap
key, and its HKDF-Extract the expand key: so it wraps and derives exactly as its key file would.

The expand key is made first and the wrap key last; only what has a wrap key is a version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error

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
from vanvault.archiver.core.ports import Entropy, Stopwatch, SystemStopwatch
from vanvault.archiver.keys import key_folder
from vanvault.archiver.keys.derive import expand_with, expansion_key
from vanvault.archiver.keys.pkcs11.session import TokenSession
from vanvault.archiver.keys.wrapping import NONCE_BYTES, unwrap_with, wrap_with

T = TypeVar("T")

_LABEL = re.compile(rf"vanvault ((?:{'|'.join(PURPOSES)})/[1-9][0-9]{{0,8}}) (wrap|expand)")
_TAG_BITS = 128


@dataclass(slots=True)
class _Version:
    wrap: list[Any] = field(default_factory=list)
    expand: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Listing:
    session: int
    read_at: float
    held: dict[str, _Version]  # by key id; without a wrap key it is no version

    def versions(self, purpose: Purpose) -> list[int]:
        ids = [parse_key_id(name) for name, version in self.held.items() if version.wrap]
        return sorted(version for of, version in ids if of == purpose)

    def active(self, purpose: Purpose) -> str:
        versions = self.versions(purpose)
        if not versions:
            raise no_master(
                purpose,
                where=" on the token",
                hint="Connect the token that holds this archive's keys, or restore them from escrow.",
            )
        return key_id(purpose, versions[-1])

    def version(self, name: str) -> _Version:
        parse_key_id(name)
        version = self.held.get(name)
        if version is None or not version.wrap:
            raise KeyUnavailable(
                f"The master key {name} is missing on the token.", hint="Restore it from escrow."
            )
        return version


class Pkcs11Keys:
    """A KeyProvider over a token, for one archive; safe to call from many threads.

    The token is listed at most each ``max_age_s`` seconds, so a version that another node made is used that
    much later. A key that vanished is noticed at its next use, by the token itself.
    """

    def __init__(
        self,
        token: TokenSession,
        archive: str,
        entropy: Entropy,
        *,
        lock: Path,
        stopwatch: Stopwatch | None = None,
        max_age_s: float = 1.0,
    ) -> None:
        """Log in. ``lock`` is a file that two rotations on this host meet at; its folder exists.

        Raises SettingsError (module, PIN file), KeyUnavailable (token, PIN).
        """
        self._token = token
        self._archive = archive.encode()
        self._entropy = entropy
        self._lock = lock
        self._stopwatch = stopwatch or SystemStopwatch()
        self._max_age_s = max_age_s
        self._listing: _Listing | None = None
        self._run(lambda session, listing: None)

    def create(self) -> None:
        """Make version 1 of every purpose that has none; an interrupted attempt may be repeated.

        Raises SettingsError when there is nothing to make, KeyUnavailable when the token refuses.
        """
        with self._alone():
            missing = [purpose for purpose in PURPOSES if not self.versions(purpose)]
            if not missing:
                raise SettingsError("The token holds master keys of this archive already.")
            for purpose in missing:
                self._make(self.next_id(purpose), None)

    def next_id(self, purpose: Purpose) -> str:
        """The id of the version that would be made next. Raises KeyUnavailable."""
        return key_id(purpose, self._highest(purpose) + 1)

    def rotate(self, purpose: Purpose, above: int = 0) -> str:
        with self._alone():
            newest_version(self, purpose)
            made = key_id(purpose, max(self._highest(purpose), above) + 1)
            self._make(made, None)
        return made

    def put(self, name: str, secret: bytes) -> None:
        """Make a version out of a master key (32 bytes) from outside.

        Raises KeyUnavailable when the token holds this version already, or refuses.
        """
        parse_key_id(name)
        with self._alone():
            listing = self._run(lambda session, listing: listing, fresh=True)
            if name in listing.held:
                raise KeyUnavailable(f"The token holds {name}, or a part of it, already; it was not touched.")
            self._make(name, secret)

    def active(self, purpose: Purpose) -> str:
        return self._run(lambda session, listing: listing.active(purpose))

    def versions(self, purpose: Purpose) -> list[int]:
        return self._run(lambda session, listing: listing.versions(purpose))

    def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
        def work(session: Any, listing: _Listing) -> bytes:
            key = _only(key_id, listing.version(key_id).wrap)
            active = listing.active(parse_key_id(key_id)[0])
            if key_id != active:
                raise KeyUnavailable(f"{key_id} was rotated and only unwraps; {active} wraps now.")
            nonce = self._entropy.token(NONCE_BYTES)
            return wrap_with(_InToken(key), key_id, data_key, nonce, context)

        return self._run(work)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        def work(session: Any, listing: _Listing) -> bytes:
            # More than one only after two hosts rotated at once; the tag says which key it was.
            *others, last = listing.version(key_id).wrap
            for key in others:
                try:
                    return unwrap_with(_InToken(key), key_id, wrapped, context)
                except KeyUnavailable:
                    continue
            return unwrap_with(_InToken(last), key_id, wrapped, context)

        return self._run(work)

    def derive(self, key_id: str, info: bytes, length: int = 32) -> bytes:
        def work(session: Any, listing: _Listing) -> bytes:
            key = _only(key_id, listing.version(key_id).expand)
            return expand_with(
                lambda data: bytes(key.sign(data, mechanism=Mechanism.SHA256_HMAC)), key_id, info, length
            )

        return self._run(work)

    def _run(self, work: Callable[[Any, _Listing], T], *, fresh: bool = False) -> T:
        def with_listing(session: Any) -> T:
            return work(session, self._current(session, fresh=fresh))

        try:
            return self._token.run(with_listing)
        except KeyUnavailable:
            listing = self._listing
            if listing is None or listing.held:
                raise
        # A token that was taken away may look like one without keys.
        self._token.reopen()
        return self._token.run(with_listing)

    def _current(self, session: Any, *, fresh: bool) -> _Listing:
        listing, now = self._listing, self._stopwatch.seconds()
        if (
            fresh
            or listing is None
            or listing.session != self._token.number
            or not 0 <= now - listing.read_at < self._max_age_s
        ):
            listing = _Listing(self._token.number, now, _held(session, self._archive))
            self._listing = listing
        return listing

    def _highest(self, purpose: Purpose) -> int:
        """The highest version with any key at all, what an interrupted rotation left included."""
        listing = self._run(lambda session, listing: listing, fresh=True)
        ids = map(parse_key_id, listing.held)
        return max((version for of, version in ids if of == purpose), default=0)

    def _make(self, name: str, master: bytes | None) -> None:
        def work(session: Any) -> None:
            expand = None if master is None else expansion_key(master)
            for role, kind, secret in (
                ("expand", KeyType.GENERIC_SECRET, expand),
                ("wrap", KeyType.AES, master),
            ):
                attributes = _attributes(f"vanvault {name} {role}", self._archive, wraps=role == "wrap")
                made = (
                    session.generate_key(kind, 8 * KEY_BYTES, mechanism=_GENERATE[kind], template=attributes)
                    if secret is None
                    else session.create_object(
                        attributes | {Attribute.KEY_TYPE: kind, Attribute.VALUE: secret}
                    )
                )
                if made[Attribute.EXTRACTABLE] or not made[Attribute.SENSITIVE]:
                    raise KeyUnavailable(
                        f"The token made {name} so that it can be read out.",
                        hint="Use a token that keeps its keys; remove this key by the token's own tools.",
                    )

        self._token.change(work)
        self._listing = None
        if len(self._run(lambda session, listing: listing.version(name).wrap, fresh=True)) > 1:
            raise KeyUnavailable(
                f"Another host made {name} at the same moment, so this id wraps nothing.",
                hint="Rotate once more, on one host.",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with key_folder.exclusive(self._lock):
            yield


_GENERATE = {
    KeyType.AES: Mechanism.AES_KEY_GEN,
    KeyType.GENERIC_SECRET: Mechanism.GENERIC_SECRET_KEY_GEN,
}


class _InToken:
    """AES-256-GCM by a key within the token."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        parameters = GCMParams(nonce, associated_data, _TAG_BITS)
        return bytes(self._key.encrypt(data, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        parameters = GCMParams(nonce, associated_data, _TAG_BITS)
        try:
            return bytes(self._key.decrypt(data, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))
        except PKCS11Error as error:
            # Tokens answer a wrong tag with any of several codes, some of which also mean that the session
            # is lost. A key that still tells its label is there, and the bytes are not its own.
            _ = self._key[Attribute.LABEL]
            raise InvalidTag from error


def _only(name: str, keys: list[Any]) -> Any:
    if len(keys) != 1:
        what = "no second half of" if not keys else "more than one"
        raise KeyUnavailable(
            f"The token holds {what} {name}.", hint="Rotate this purpose once more, on one host."
        )
    return keys[0]


def _held(session: Any, archive: bytes) -> dict[str, _Version]:
    held: dict[str, _Version] = {}
    for key in session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.ID: archive}):
        match = _LABEL.fullmatch(key.label)
        if match is not None:
            version = held.setdefault(match[1], _Version())
            (version.wrap if match[2] == "wrap" else version.expand).append(key)
    return held


def _attributes(label: str, archive: bytes, *, wraps: bool) -> dict[Attribute, Any]:
    return {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.LABEL: label,
        Attribute.ID: archive,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.ENCRYPT: wraps,
        Attribute.DECRYPT: wraps,
        Attribute.SIGN: not wraps,
        Attribute.VERIFY: False,
        Attribute.WRAP: False,
        Attribute.UNWRAP: False,
        Attribute.DERIVE: False,
    }
