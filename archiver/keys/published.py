"""What anybody may know of the signing keys: which verify receipts, and for which time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.archiver.keys.signing import public_pem
from vanvault.archiver.keys.trust import TrustedKeys


@dataclass(frozen=True, slots=True)
class PublishedRevocation:
    """Since when a key is not believed, but for what its revocation lists."""

    act: int  # number of the act in the record of trust
    at: str  # RFC 3339
    stolen_since: str  # RFC 3339; "": not known
    stands: int  # objects of this key that are believed all the same


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One public key, and the time in which it signed what is new."""

    key_id: str
    version: int
    pem: str
    active: bool
    from_: str  # RFC 3339; "": since the archive was made
    until: str  # RFC 3339; "": it has no end yet
    introduced_by: str  # key id; "": the first key
    revoked: PublishedRevocation | None


def published_keys(trust: TrustedKeys) -> list[PublishedKey]:
    """Every signing key that was ever trusted and still is, or is revoked, by version.

    A key that no trusted one introduced is left out: nobody should believe what it signed.
    """
    ordered = sorted(trust.versions.items(), key=lambda one: one[1])
    active = next((key_id for key_id, _ in reversed(ordered) if trust.may_sign(key_id)), "")
    return [
        PublishedKey(
            key_id,
            version,
            public_pem(trust.keys[key_id]).decode(),
            key_id == active,
            _introduced_at(trust, key_id),
            _until(trust, key_id, [other for other, _ in ordered[at + 1 :]]),
            trust.introductions[key_id].introduced_by if key_id in trust.introductions else "",
            _revocation(trust, key_id),
        )
        for at, (key_id, version) in enumerate(ordered)
    ]


def _introduced_at(trust: TrustedKeys, key_id: str) -> str:
    return trust.introductions[key_id].introduced_at if key_id in trust.introductions else ""


def _until(trust: TrustedKeys, key_id: str, later: list[str]) -> str:
    """When the next version took over, or the key was revoked: the earlier of both."""
    ends = [_introduced_at(trust, one) for one in later[:1]]
    if key_id in trust.revoked:
        ends.append(trust.revoked[key_id].act.made_at)
    return min(filter(None, ends), default="")


def _revocation(trust: TrustedKeys, key_id: str) -> PublishedRevocation | None:
    found = trust.revoked.get(key_id)
    if found is None:
        return None
    return PublishedRevocation(found.act.number, found.act.made_at, found.act.stolen_since, found.count)
