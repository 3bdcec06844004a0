"""What lies at a site, read as FORMAT.md and LAYOUT.md tell: nothing of the product is used here.

Two questions are asked of it: which objects are genuine (name, archive, signature and bytes fit), and what
the site that nobody attacked holds that it did not hold before.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32, lower case
SIGNATURE_CHARACTERS = 103  # of 64 bytes
KINDS = {
    "messages.parquet": ("batch", "messages"),
    "events.parquet": ("batch", "events"),
    "framed": ("large", "framed"),
    "log.parquet": ("segment", "log"),
    "originals.parquet": ("segment", "originals"),
    "evidence.parquet": ("segment", "evidence"),
    "manifest.json": ("segment", "manifest"),
}
_NAME = re.compile(
    rf"(?P<family>batch|large|segment)/(?P<writer>[{ALPHABET}]{{16}})/(?P<sequence>[0-9]{{10}})"
    rf"-(?P<sha256>[0-9a-f]{{64}})-(?P<signature>[{ALPHABET}]{{{SIGNATURE_CHARACTERS}}})"
    r"\.(?P<suffix>[a-z]+(?:\.[a-z]+)?)"
)
_DATE = r"[0-9]{8}T[0-9]{6}Z"
_FILE = re.compile(rf"(?P<last>[a-z0-9._-]+)~(?P<version>[{ALPHABET}]{{15}}-{_DATE})(?:~(?P<date>{_DATE}))?")
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of an object's key."""

    family: str
    writer: str
    sequence: int
    kind: str
    sha256: str  # hex
    signature: bytes  # 64


@dataclass(frozen=True, slots=True)
class Held:
    """One version of one key at a site."""

    size: int
    sha256: str  # hex, of the bytes that lie there
    until: datetime | None  # UTC


#: By key, by version.
View = dict[str, dict[str, Held]]


@dataclass(frozen=True)
class Seal:
    """Knows by name and bytes what the archive's own writers made."""

    archive: str
    keys: tuple[Ed25519PublicKey, ...]

    @classmethod
    def of(cls, archive: str, key_folder: Path) -> Seal:
        """With the public keys that lie in a key folder."""
        found = [
            load_pem_public_key(path.read_bytes()) for path in sorted(key_folder.glob("signing-*.pub.pem"))
        ]
        return cls(archive, tuple(key for key in found if isinstance(key, Ed25519PublicKey)))

    def is_signed(self, key: str) -> bool:
        """Is the key a name that one of the archive's signing keys signed for this archive?"""
        name = parse(key)
        return name is not None and any(_fits(one, name, self.archive) for one in self.keys)

    def is_genuine(self, key: str, held: Held) -> bool:
        """The same, and do the bytes have the digest in the name?"""
        name = parse(key)
        return name is not None and name.sha256 == held.sha256 and self.is_signed(key)


def parse(key: str) -> Name | None:
    """The parts of a key; None where it is no name."""
    match = _NAME.fullmatch(key)
    family, kind = KINDS.get(match["suffix"], ("", "")) if match else ("", "")
    if match is None or family != match["family"]:
        return None
    number = 0
    for character in match["signature"]:
        number = number * 32 + ALPHABET.index(character)
    unused = 5 * SIGNATURE_CHARACTERS - 512
    if number % 2**unused:
        return None
    signature = (number >> unused).to_bytes(64)
    return Name(family, match["writer"], int(match["sequence"]), kind, match["sha256"], signature)


def spell(signature: bytes) -> str:
    """64 bytes as they stand in a name."""
    number = int.from_bytes(signature) << (5 * SIGNATURE_CHARACTERS - 512)
    return "".join(ALPHABET[number >> (5 * place) & 31] for place in reversed(range(SIGNATURE_CHARACTERS)))


def key_of(family: str, writer: str, sequence: int, kind: str, data: bytes, signature: bytes) -> str:
    """A key that fits the grammar and the bytes; whether the signature fits is another question."""
    suffix = next(suffix for suffix, found in KINDS.items() if found[1] == kind)
    digest = hashlib.sha256(data).hexdigest()
    return f"{family}/{writer}/{sequence:010d}-{digest}-{spell(signature)}.{suffix}"


def view_of_folder(root: Path) -> View:
    """Every version at a file site."""
    view: View = {}
    locks: dict[tuple[str, str], datetime] = {}
    for path in sorted((root / "objects").rglob("*~*")):
        match = _FILE.fullmatch(path.name)
        if match is None or path.is_symlink() or not path.is_file():
            continue
        key = "/".join((*path.parent.parent.relative_to(root / "objects").parts, match["last"]))
        until = _date(match["date"] or match["version"][16:])
        at = (key, match["version"])
        locks[at] = max(locks.get(at, until), until)
        if not match["date"]:
            view.setdefault(key, {})[match["version"]] = Held(path.stat().st_size, _digest(path), None)
    return {
        key: {version: Held(held.size, held.sha256, locks[key, version]) for version, held in found.items()}
        for key, found in view.items()
    }


def view_of_bucket(client: Any, bucket: str) -> View:
    """Every version in a bucket, delete markers left out."""
    view: View = {}
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", ()):
            which = {"Bucket": bucket, "Key": one["Key"], "VersionId": one["VersionId"]}
            answer = client.get_object(**which)
            until = answer.get("ObjectLockRetainUntilDate")
            digest = hashlib.sha256(answer["Body"].read()).hexdigest()
            held = Held(one["Size"], digest, until.astimezone(UTC) if until else None)
            view.setdefault(one["Key"], {})[one["VersionId"]] = held
    return view


def added(before: View, after: View) -> Iterable[tuple[str, str, Held]]:
    """Key, version and facts of what was put meanwhile."""
    for key, found in after.items():
        for version, held in found.items():
            if version not in before.get(key, {}):
                yield key, version, held


def changed(before: View, after: View) -> Iterable[tuple[str, str, Held | None]]:
    """Key, version and facts now (None: gone) of what lay there and is gone or has other bytes."""
    for key, found in before.items():
        for version, held in found.items():
            now = after.get(key, {}).get(version)
            if now is None or now.sha256 != held.sha256:
                yield key, version, now


def longest_locks(
    log_years: int, originals_years: int, margin_days: int, batch_days: float
) -> Mapping[str, float]:
    """Days from its making for which an object of each kind may be locked at the most."""
    log, originals = log_years * 365.25 + margin_days, originals_years * 365.25 + margin_days
    both = max(log, originals)
    return {
        "messages": batch_days,
        "events": batch_days,
        "framed": originals,
        "log": log,
        "originals": originals,
        "evidence": both,
        "manifest": both,
    }


def statement(name: Name, archive: str) -> bytes:
    """What the signature in a name is over."""
    place = (archive, name.family, name.writer, f"{name.sequence:010d}", name.kind, name.sha256)
    return "".join(f"{line}\n" for line in ("vanvault object v1", *place)).encode()


def _fits(key: Ed25519PublicKey, name: Name, archive: str) -> bool:
    try:
        key.verify(name.signature, statement(name, archive))
    except InvalidSignature:
        return False
    return True


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
