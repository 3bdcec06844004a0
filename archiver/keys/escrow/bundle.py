"""The sealed bundle of an escrow: all key files of a home under one random key. Pure.

::

    offset  bytes  what
         0      8  ``VVESCROW``
         8      1  form, 0x01
         9      4  n, big endian
        13      n  canonical JSON: archive, made (RFC 3339, UTC), set, shares, threshold
      13+n     12  nonce, random
      25+n      m  AES-256-GCM (NIST SP 800-38D): canonical JSON, key file's name -> base64 of its bytes
    25+n+m     16  GCM tag

Additional data: the first 13+n bytes. Whoever holds the bundle alone learns when, for which archive and
into how many shares the key was split, and about how many key files there are. The key is used once.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged, KeyUnavailable
from vanvault.archiver.core.key_port import KEY_BYTES, NEEDED, PURPOSES, Purpose
from vanvault.archiver.keys.escrow.share import ShareSet
from vanvault.archiver.keys.signing import key_id_of, parse_public

#: More key files than any home has would still be far smaller.
SIZE_LIMIT = 256 * 2**20
#: The files of a key folder that belong to the archive: masters, signing keys, their public halves and
#: introductions, and the record of which of them are trusted.
KEY_FILE = re.compile(
    rf"(?P<purpose>{'|'.join(PURPOSES)}|signing|trust)-(?P<version>[1-9][0-9]{{0,8}})"
    r"(?P<kind>\.key|\.pem|\.pub\.pem|\.intro\.json|\.json|\.objects)"
)
_KINDS = {"signing": (".pem", ".pub.pem", ".intro.json"), "trust": (".json", ".objects")}

_MAGIC = b"VVESCROW\x01"
_NONCE_BYTES = 12
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def seal(files: Mapping[str, bytes], of: ShareSet, key: bytes, nonce: bytes) -> bytes:
    """The bundle. ``key`` is 32 fresh random bytes, ``nonce`` 12."""
    header = canonical(
        {
            "archive": of.archive,
            "made": of.made.strftime(_TIME),
            "set": of.set_id,
            "shares": of.shares,
            "threshold": of.threshold,
        }
    )
    head = _MAGIC + len(header).to_bytes(4, "big") + header
    content = canonical({name: base64.b64encode(data).decode() for name, data in files.items()})
    return head + nonce + AESGCM(key).encrypt(nonce, content, head)


def set_of(bundle: bytes) -> ShareSet:
    """Which set of shares opens a bundle. Raises Damaged when this is no bundle."""
    try:
        fields = orjson.loads(_head(bundle)[len(_MAGIC) + 4 :])
        made = datetime.strptime(fields["made"], _TIME).replace(tzinfo=UTC)
        return ShareSet(
            str(fields["archive"]), str(fields["set"]), int(fields["threshold"]), int(fields["shares"]), made
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(
            "This is not an escrow bundle that this version can read.", hint="Use another copy of the bundle."
        ) from error


def unseal(bundle: bytes, key: bytes) -> dict[str, bytes]:
    """The key files by name. Raises Damaged when the key does not open every byte of the bundle."""
    head = _head(bundle)
    nonce = bundle[len(head) : len(head) + _NONCE_BYTES]
    try:
        content = AESGCM(key).decrypt(nonce, bundle[len(head) + _NONCE_BYTES :], head)
        fields: dict[str, Any] = orjson.loads(content)
        files = {name: base64.b64decode(data, validate=True) for name, data in fields.items()}
    except (InvalidTag, ValueError, TypeError, AttributeError) as error:
        raise Damaged(
            "The bundle was changed after it was sealed: the shares fit it, but do not open it.",
            hint="Use another copy of the bundle.",
        ) from error
    if not all(KEY_FILE.fullmatch(name) for name in files):
        raise Damaged("The bundle holds a file that is no key file; nothing was written.")
    return files


def key_ids(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Ids of the masters and signing keys in a set of key files, after each file was checked.

    The check value of a master is recomputed from its documented form (``files.py``), the id of a signing
    key from its private half. Raises KeyUnavailable when a file does not hold what its name says, or when
    an archive could not be opened with these files alone.
    """
    masters: list[tuple[str, int]] = []
    signing: list[str] = []
    for name, data in files.items():
        match = KEY_FILE.fullmatch(name)
        if match is None or match["kind"] not in _KINDS.get(match["purpose"], (".key",)):
            raise KeyUnavailable(f"{name} is not the name of a key file.")
        if match["kind"] == ".key":
            _check_master(name, f"{match['purpose']}/{match['version']}", data)
            masters.append((match["purpose"], int(match["version"])))
        elif match["kind"] == ".pem":
            signing.append(_signing_id(name, data, files.get(name.replace(".pem", ".pub.pem"))))
        elif match["kind"] == ".pub.pem":
            parse_public(data)
    lacking: list[str] = [purpose for purpose in NEEDED if purpose not in dict(masters)]
    if not signing:
        lacking.append("signing")
    if lacking:
        raise KeyUnavailable(
            f"There is no key for {', '.join(lacking)}.", hint="These key files alone open no archive."
        )
    return tuple(f"{purpose}/{version}" for purpose, version in sorted(masters)) + tuple(sorted(signing))


def purposes_without(ids: Collection[str]) -> tuple[Purpose, ...]:
    """The purposes of which no master is among these key ids: a bundle from before there were any."""
    held = {name.partition("/")[0] for name in ids}
    return tuple(purpose for purpose in PURPOSES if purpose not in held)


def _head(bundle: bytes) -> bytes:
    start = len(_MAGIC) + 4
    size = int.from_bytes(bundle[len(_MAGIC) : start], "big")
    if not bundle.startswith(_MAGIC) or len(bundle) < start + size + _NONCE_BYTES + 16:
        raise Damaged("This is not a whole escrow bundle.", hint="Use another copy of the bundle.")
    return bundle[: start + size]


def _check_master(name: str, key_id: str, data: bytes) -> None:
    try:
        fields = orjson.loads(data)
        secret = base64.b64decode(fields["key"], validate=True)
        held, check = str(fields["key_id"]), str(fields["check"])
    except (ValueError, KeyError, TypeError) as error:
        raise KeyUnavailable(f"{name} is not a key file.") from error
    expected = hmac.digest(secret, b"vanvault-key-check-v1\0" + key_id.encode(), "sha256")[:8].hex()
    if held != key_id or len(secret) != KEY_BYTES or check != expected:
        raise KeyUnavailable(f"The key in {name} does not fit its check value.")


def _signing_id(name: str, data: bytes, public: bytes | None) -> str:
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnavailable(f"{name} is not a private key.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnavailable(f"{name} is not an Ed25519 key.")
    held = key_id_of(key.public_key())
    if public is not None and key_id_of(parse_public(public)) != held:
        raise KeyUnavailable(f"{name} and its public key are not one pair.")
    return held
