"""Who wrote an object, known by its name alone: names are signed, and judged by the archive's trusted keys.

A name proves its writer before a byte is read and without any master key. It does not say that the bytes
at a site are the right ones: their SHA-256, which the name promises, says that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.names import Family, ObjectKind, ObjectName, ObjectSubject, is_family, parse_key
from vanvault.archiver.core.ports import Stopwatch, SystemStopwatch
from vanvault.archiver.keys.signing import SigningKey, SigningKeys
from vanvault.archiver.keys.trust import TrustedKeys

#: Why a key proves nothing. ``junk``: it spells no name. ``unknown-family``: nor is its first folder one of
#: ours. ``bad-signature``: no trusted key signed it; that is an alias, another archive's, or forged.
#: ``revoked-key``: a key that was revoked signed it, and it is not among what stands of that key.
Unproved = Literal["junk", "unknown-family", "bad-signature", "revoked-key"]

#: Judgements that are remembered of each sort; some 100 bytes each.
REMEMBERED = 2**18
#: Seconds after which the key folder is looked at again, though every key asked about is remembered.
_FRESH_S = 1.0
_FOLDERS = re.compile(r"[a-z0-9._-]{1,200}/[^/].*", re.DOTALL)


_Public = tuple[str, Ed25519PublicKey]  # id and key


@dataclass(frozen=True, slots=True)
class Judged:
    """What the key of an object proves. ``reason`` None: a key that this archive trusts signed ``name``."""

    name: ObjectName | None  # None: the key spells none
    reason: Unproved | None


@dataclass(slots=True)
class _Memory:
    """Judgements under one set of trusted keys. Marks of object keys, each in one of the three."""

    trusted: Mapping[str, Ed25519PublicKey]
    trust: TrustedKeys
    order: list[_Public]  # with its id; the one that fitted last comes first
    proved: set[bytes] = field(default_factory=set)
    refused: set[bytes] = field(default_factory=set)
    waiting: set[bytes] = field(default_factory=set)  # signed by a key that was revoked


class ObjectTrust:
    """Judges names of one archive's objects; many threads may ask.

    A signature is verified once (some 120 µs) and then remembered, until the set of trusted keys changes.
    """

    def __init__(self, archive: str, signing: SigningKeys, stopwatch: Stopwatch | None = None) -> None:
        """``archive``: its id. Raises KeyUnavailable (the key folder)."""
        self.archive = archive
        self._signing = signing
        self._stopwatch = stopwatch or SystemStopwatch()
        self._memory = _fresh(signing)
        self._looked_at = self._stopwatch.seconds()

    def judge(self, key: str) -> Judged:
        """What ``key`` proves. Raises KeyUnavailable: the key folder cannot be read."""
        name = parse_key(key)
        if name is None:
            known = is_family(key.partition("/")[0]) or not _FOLDERS.fullmatch(key)
            return Judged(None, "junk" if known else "unknown-family")
        mark, memory = _mark(key), self._current()
        if mark in memory.proved:
            return Judged(name, None)
        tried: list[_Public] = []
        if mark not in memory.refused and mark not in memory.waiting:
            # Where the key signed it that signed the last names, the folder need not be looked at.
            tried = memory.order[:1]
            signer = self._signer(name, memory, tried)
            if signer is not None and memory.trust.stands(signer, key):
                _add(memory.proved, mark)
                return Judged(name, None)
            tried = [] if signer is not None else tried
        before, memory = memory, self._current(look=True)  # the key that signed it may be a new one
        if mark in memory.proved:
            return Judged(name, None)
        if mark in memory.waiting:
            return Judged(name, "revoked-key")
        left = [one for one in memory.order if memory is not before or one not in tried]
        signer = None if mark in memory.refused else self._signer(name, memory, left)
        if signer is None:
            _add(memory.refused, mark)
            return Judged(name, "bad-signature")
        if not memory.trust.stands(signer, key):
            _add(memory.waiting, mark)
            return Judged(name, "revoked-key")
        _add(memory.proved, mark)
        return Judged(name, None)

    def is_signed(self, signing_key: str, signature: bytes, statement: bytes) -> bool:
        """Did this trusted key, or one that was revoked since, sign what stands within an object?

        Whether the object stands is for ``judge`` to say, by its name. Raises KeyUnavailable.
        """
        signer = self._current().trusted.get(signing_key) or self._current(look=True).trusted.get(signing_key)
        if signer is None:
            return False
        try:
            signer.verify(signature, statement)
        except InvalidSignature:
            return False
        return True

    def look(self) -> None:
        """Go by the key folder as it is now. Raises KeyUnavailable."""
        self._current(look=True)

    def signer(self, key: str) -> str | None:
        """Id of the key that signed this name, also a revoked one's; None: it is no trusted key's.

        Remembers nothing. Raises KeyUnavailable.
        """
        name = parse_key(key)
        memory = self._current(look=True)
        return self._signer(name, memory, memory.order) if name is not None else None

    def remember(self, key: str) -> None:
        """Note a key that this process has just signed with a trusted key."""
        _add(self._current().proved, _mark(key))

    def _current(self, *, look: bool = False) -> _Memory:
        memory, now = self._memory, self._stopwatch.seconds()
        if look or not 0 <= now - self._looked_at < _FRESH_S:
            self._looked_at = now
            trusted = self._signing.trusted()
            if trusted is not memory.trusted:
                self._memory = memory = _fresh(self._signing)
        return memory

    def _signer(self, name: ObjectName, memory: _Memory, among: Sequence[_Public]) -> str | None:
        """Which of these keys signed it."""
        statement = name.subject(self.archive).statement(name.sha256)
        for one in among:
            try:
                one[1].verify(name.signature, statement)
            except InvalidSignature:
                continue
            if one is not memory.order[0]:
                memory.order = [one, *(other for other in memory.order if other is not one)]
            return one[0]
        return None


class ObjectSigner:
    """Signs the names of an archive's new objects; many threads may call."""

    def __init__(self, signing: SigningKeys, trust: ObjectTrust) -> None:
        self._signing = signing
        self._trust = trust

    def subject(self, family: Family, writer: str, sequence: int, kind: ObjectKind) -> ObjectSubject:
        """What a new object of this archive is. Raises InvalidInput."""
        return ObjectSubject(self._trust.archive, family, writer, sequence, kind)

    def sign_name(self, subject: ObjectSubject, sha256: bytes, by: SigningKey | None = None) -> str:
        """The key of the object with these bytes (their digest, 32 bytes).

        ``by``: the signing key, where it was taken before; None: the newest. Raises KeyUnavailable.
        """
        signer = by or self._signing.active()
        key = subject.named(sha256, signer.sign(subject.statement(sha256))).key
        self._trust.remember(key)
        return key


def _fresh(signing: SigningKeys) -> _Memory:
    trust = signing.trust()
    return _Memory(trust.keys, trust, list(trust.keys.items()))


def _mark(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


def _add(marks: set[bytes], mark: bytes) -> None:
    if len(marks) >= REMEMBERED:
        marks.clear()
    marks.add(mark)
