"""Which signing keys are trusted for objects: introductions, revocations and acceptances. Pure.

All of it lies in the key folder, and with it in the escrow: whoever writes at a site cannot change it.

- The key of version 1 is trusted because it is in the folder. Every other one needs an **introduction**,
  ``signing-<n>.intro.json``, signed by a key that was trusted before: a public key that merely lies in the
  folder verifies receipts, and no object.
- A **revocation** takes a key its trust *from a position on*. Its thief can back-date, so no time and no
  sequence in an object tells what he wrote. What tells is a list of the objects that stand, made when the key
  is revoked. Everything else that the key signed waits; an **acceptance** adds to the list.

Revocations and acceptances are the trust record: ``trust-<n>.json``, from 1 without a gap, each with its list
``trust-<n>.objects`` and with the SHA-256 of the one before it. They are signed by a key that is trusted and
not revoked. What is not right in them stops the use of the folder: ignoring it would trust a stolen key.

Both are canonical JSON (RFC 8785) with exactly the members of ``Introduction`` and ``TrustAct`` and their
``format``; the signed statement is a first line (``vanvault introduction v1`` or ``vanvault trust v1``), then
the canonical JSON without ``signature``, each ended by 0x0A. A list is the first 16 bytes of the SHA-256 of
the key (name) of each object, sorted: ``stands`` of them that stand, then ``withdrawn`` of them that other
keys signed and that stand no more (segments that hold rows of what waits). The whole name counts, its
signature too: a thief can sign other names for good bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.canonical import canonical, parse_canonical
from vanvault.archiver.core.errors import Damaged, KeyUnavailable

#: Signs a statement with one key: 64 bytes.
Sign = Callable[[bytes], bytes]
Act = Literal["revoke", "accept"]

#: Bytes of a digest in a list: enough that nobody finds another name with the same ones.
DIGEST_BYTES = 16
#: Objects in one list: 64 MiB of digests.
MOST_OBJECTS = 2**22
#: An introduction or an act of the trust record is a few hundred bytes.
RECORD_LIMIT = 256 * 1024

INTRODUCTION_FILE = re.compile(r"signing-([1-9][0-9]{0,8})\.intro\.json")
RECORD_FILE = re.compile(r"trust-([1-9][0-9]{0,8})\.(json|objects)")

_INTRODUCTION = ("vanvault introduction v1\n", "vanvault-introduction-1")
_TRUST = ("vanvault trust v1\n", "vanvault-trust-1")
_RESTORE = "Restore the key folder from escrow: vanvault keys escrow restore."


@dataclass(frozen=True, slots=True)
class Introduction:
    """A new signing key, as a trusted one introduces it."""

    version: int
    key_id: str
    public_key: str  # base64 of the raw 32 bytes
    introduced_at: str  # RFC 3339
    introduced_by: str  # key id
    signature: str = ""  # base64


@dataclass(frozen=True, slots=True)
class TrustAct:
    """One revocation, or one acceptance of what waits since a revocation."""

    act: Act
    number: int
    previous: str  # SHA-256 (hex) of the act before; "" for the first
    key_id: str  # the revoked key
    trusted: tuple[str, ...]  # ids of all trusted keys, this one too; what it introduces later is not
    stolen_since: str  # RFC 3339; "": not known
    made_at: str  # RFC 3339
    reason: str
    who: str
    stands: int = 0  # objects in the list
    withdrawn: int = 0
    list_sha256: str = ""  # hex
    signed_by: str = ""  # key id
    signature: str = ""  # base64


@dataclass(frozen=True, slots=True, repr=False)
class ObjectList:
    """What one act lists: digests of names, shortened and sorted, end to end."""

    stands: bytes = b""
    withdrawn: bytes = b""

    @classmethod
    def of(cls, stands: Iterable[str], withdrawn: Iterable[str] = ()) -> ObjectList:
        """From the keys of objects in any order. Raises KeyUnavailable: there are too many."""
        one, other = (sorted(set(map(_digest, keys))) for keys in (stands, withdrawn))
        if len(one) + len(other) > MOST_OBJECTS:
            raise KeyUnavailable(
                f"A revocation lists at most {MOST_OBJECTS} objects.",
                hint="Compact and clear first: vanvault compact.",
            )
        return cls(b"".join(one), b"".join(other))

    @property
    def data(self) -> bytes:
        """The bytes of its file."""
        return self.stands + self.withdrawn

    @property
    def sha256(self) -> str:
        """Of its file, hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Revocation:
    """What stands of one revoked key."""

    act: TrustAct
    accepted: tuple[TrustAct, ...] = ()
    lists: tuple[ObjectList, ...] = field(default=(), repr=False)

    def stands(self, key: str) -> bool:
        """Does the object with this key, whose name the revoked one signed, stand?"""
        return any(_holds(one.stands, key) for one in self.lists)

    def withdraws(self, key: str) -> bool:
        """Was this object, which another key signed, withdrawn with it?"""
        return any(_holds(one.withdrawn, key) for one in self.lists) and not self.stands(key)

    @property
    def count(self) -> int:
        """Objects that stand."""
        return sum(len(one.stands) for one in self.lists) // DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The trusted set of a key folder at one moment."""

    keys: Mapping[str, Ed25519PublicKey]  # by id: may have signed objects; revoked ones too
    versions: Mapping[str, int]  # of these keys
    introductions: Mapping[str, Introduction]  # of these keys but the first
    unintroduced: tuple[str, ...]  # ids of keys in the folder that no trusted key introduced
    revoked: Mapping[str, Revocation]  # by id
    digests: tuple[str, ...] = ()  # SHA-256 (hex) of every act

    @property
    def acts(self) -> int:
        """How many acts the record has."""
        return len(self.digests)

    @property
    def last(self) -> str:
        """SHA-256 (hex) of the last act; "" when there is none."""
        return self.digests[-1] if self.digests else ""

    def may_sign(self, key_id: str) -> bool:
        """Is what this key signs from now on trusted?"""
        return key_id in self.keys and key_id not in self.revoked

    def stands(self, key_id: str, key: str) -> bool:
        """Is the object with this key, whose name this signing key signed, to be believed?"""
        revocation = self.revoked.get(key_id)
        if revocation is not None:
            return revocation.stands(key)
        return key_id in self.keys and not any(one.withdraws(key) for one in self.revoked.values())


def introduce(
    version: int, key: Ed25519PublicKey, *, at: str, by: str, sign: Sign, key_id: str
) -> tuple[Introduction, bytes]:
    """The introduction of a new key, signed, and its file's bytes; ``sign``: of the key ``by``."""
    draft = Introduction(version, key_id, base64.b64encode(key.public_bytes_raw()).decode(), at, by)
    return _sealed(_INTRODUCTION, draft, sign)


def seal_act(draft: TrustAct, sign: Sign) -> tuple[TrustAct, bytes]:
    """An act of the trust record, signed, and its file's bytes; ``sign``: of the key ``signed_by``."""
    return _sealed(_TRUST, draft, sign)


def read_introduction(data: bytes, name: str) -> Introduction:
    """An introduction, its signature not yet checked. Raises KeyUnavailable."""
    found: Introduction = _read(_INTRODUCTION, Introduction, data, name)
    return found


def read_act(data: bytes, name: str) -> TrustAct:
    """An act of the trust record, its signature not yet checked. Raises KeyUnavailable."""
    found: TrustAct = _read(_TRUST, TrustAct, data, name)
    return found


def evaluate(
    public: Mapping[int, tuple[str, Ed25519PublicKey]],
    introductions: Mapping[int, bytes],
    acts: Sequence[tuple[bytes, bytes]],
) -> TrustedKeys:
    """The trusted set.

    Args:
        public: id and public key of every version in the folder.
        introductions: file's bytes by version.
        acts: file's bytes of every act, in order from 1, and of its list.

    Raises KeyUnavailable: something in the record of trust is not as a trusted key signed it.
    """
    keys: dict[str, Ed25519PublicKey] = {}
    versions: dict[str, int] = {}
    introduced: dict[str, Introduction] = {}
    for version in sorted(public):
        key_id, key = public[version]
        if version != 1:
            found = _introduction_of(version, key_id, key, introductions, keys)
            if found is None:
                continue
            introduced[key_id] = found
        keys[key_id], versions[key_id] = key, version
    unintroduced = tuple(key_id for key_id, _ in public.values() if key_id not in keys)
    trusted = TrustedKeys(keys, versions, introduced, unintroduced, {})
    for data, listed in acts:
        trusted = _with_act(trusted, data, listed)
    return trusted


def _introduction_of(
    version: int,
    key_id: str,
    key: Ed25519PublicKey,
    introductions: Mapping[int, bytes],
    trusted: Mapping[str, Ed25519PublicKey],
) -> Introduction | None:
    """The introduction of a key by one of ``trusted``; None: there is no such."""
    if version not in introductions:
        return None
    name = f"signing-{version}.intro.json"
    found = read_introduction(introductions[version], name)
    raw = base64.b64encode(key.public_bytes_raw()).decode()
    if (found.version, found.key_id, found.public_key) != (version, key_id, raw):
        raise KeyUnavailable(f"{name} introduces another key than signing-{version}.pub.pem.", hint=_RESTORE)
    if found.introduced_by not in trusted:
        return None
    _verify(_INTRODUCTION, found, trusted[found.introduced_by], name)
    return found


def _lost_with(act: TrustAct, introduced: Mapping[str, Introduction]) -> set[str]:
    """Keys that a revoked one introduced and the act does not name, and those that they introduced."""
    gone: set[str] = set()
    reached = {act.key_id}
    while reached:
        found = {one for one, how in introduced.items() if how.introduced_by in reached}
        reached = found - set(act.trusted) - gone
        gone |= reached
    return gone


def check_act(act: TrustAct, trusted: TrustedKeys) -> None:
    """Raises KeyUnavailable unless the act may follow those of ``trusted``; its list is not looked at."""
    wrong = ""
    keys, revoked = trusted.keys, trusted.revoked
    if act.number != trusted.acts + 1 or act.previous != trusted.last:
        wrong = "does not follow the act before it"
    elif act.key_id not in keys or (act.act == "accept") != (act.key_id in revoked):
        wrong = f"is about {act.key_id[:16]}, to which it cannot apply"
    elif act.signed_by not in keys or act.signed_by in revoked or act.signed_by == act.key_id:
        wrong = "is not signed by a key that is trusted"
    if wrong:
        raise KeyUnavailable(f"trust-{act.number}.json {wrong}.", hint=_RESTORE)


def _with_act(before: TrustedKeys, data: bytes, listed: bytes) -> TrustedKeys:
    """The trusted set after one more act."""
    name = f"trust-{before.acts + 1}.json"
    act = read_act(data, name)
    check_act(act, before)
    size = (act.stands + act.withdrawn) * DIGEST_BYTES
    if len(listed) != size or hashlib.sha256(listed).hexdigest() != act.list_sha256:
        raise KeyUnavailable(f"{name} does not fit trust-{before.acts + 1}.objects.", hint=_RESTORE)
    _verify(_TRUST, act, before.keys[act.signed_by], name)
    objects = ObjectList(listed[: act.stands * DIGEST_BYTES], listed[act.stands * DIGEST_BYTES :])
    revoked, lost = dict(before.revoked), set()
    if act.act == "revoke":
        revoked[act.key_id] = Revocation(act, lists=(objects,))
        lost = _lost_with(act, before.introductions)
    else:
        held = revoked[act.key_id]
        revoked[act.key_id] = Revocation(held.act, (*held.accepted, act), (*held.lists, objects))
    return TrustedKeys(
        keys={key_id: key for key_id, key in before.keys.items() if key_id not in lost},
        versions={key_id: n for key_id, n in before.versions.items() if key_id not in lost},
        introductions={key_id: one for key_id, one in before.introductions.items() if key_id not in lost},
        unintroduced=(*before.unintroduced, *sorted(lost)),
        revoked=revoked,
        digests=(*before.digests, hashlib.sha256(data).hexdigest()),
    )


def _sealed(kind: tuple[str, str], draft: Any, sign: Sign) -> tuple[Any, bytes]:
    signature = base64.b64encode(sign(_statement(kind, draft))).decode()
    sealed = type(draft)(**{**_members(draft), "signature": signature})
    return sealed, canonical({"format": kind[1], **_as_json(sealed)})


def _statement(kind: tuple[str, str], record: Any) -> bytes:
    members = _as_json(record)
    del members["signature"]
    return kind[0].encode() + canonical({"format": kind[1], **members}) + b"\n"


def _members(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _as_json(record: Any) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(record).items()
    }


def _read(kind: tuple[str, str], record: Any, data: bytes, name: str) -> Any:
    try:
        members = parse_canonical(data)
        if not isinstance(members, dict) or members.pop("format", "") != kind[1]:
            raise Damaged("This is another format.")
        if isinstance(members.get("trusted"), list):
            members["trusted"] = tuple(members["trusted"])
        found = record(**members)
    except (Damaged, TypeError) as error:
        raise KeyUnavailable(f"{name} is not what this version writes.", hint=_RESTORE) from error
    if not all(_fits(field_name, value) for field_name, value in _members(found).items()):
        raise KeyUnavailable(f"{name} is not what this version writes.", hint=_RESTORE)
    return found


def _fits(name: str, value: object) -> bool:
    if name == "act":
        return value in get_args(Act)
    if name == "trusted":
        return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    if name in ("version", "number", "stands", "withdrawn"):
        return type(value) is int and 0 <= value < 2**31
    return isinstance(value, str)


def _verify(kind: tuple[str, str], record: Any, key: Ed25519PublicKey, name: str) -> None:
    try:
        key.verify(base64.b64decode(record.signature, validate=True), _statement(kind, record))
    except (InvalidSignature, ValueError) as error:
        raise KeyUnavailable(f"The signature of {name} does not fit it.", hint=_RESTORE) from error


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()[:DIGEST_BYTES]


def _holds(digests: bytes, key: str) -> bool:
    """Is an object's key among those with these digests, which are sorted?"""
    wanted = _digest(key)
    low, high = 0, len(digests) // DIGEST_BYTES
    while low < high:
        middle = (low + high) // 2
        at = digests[middle * DIGEST_BYTES : (middle + 1) * DIGEST_BYTES]
        if at == wanted:
            return True
        low, high = (middle + 1, high) if at < wanted else (low, middle)
    return False
