"""How the escrow of the keys stands, by what is on record of the bundles that were made and verified.

A key version counts as safe when it lies in a bundle that somebody opened with its shares. What is on record
of a bundle: the ids of its keys, and the set of shares that opens it; nothing that is secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType, OwnEvent, own_events
from vanvault.recovery.custody.known_keys import KnownKeys, known_keys


@dataclass(frozen=True, slots=True)
class EscrowBundle:
    """One sealed bundle on record."""

    set_id: str
    keys: frozenset[str]  # ids of masters and signing keys
    made_at: datetime | None  # None: it was made before such things were put on record, and verified later
    verified_at: datetime | None  # the last time that shares opened it; None: never


@dataclass(frozen=True, slots=True)
class EscrowStanding:
    """Which keys in use come back from an escrow, and which would be lost for ever."""

    possible: bool  # False: a token that gives no key away
    bundles: tuple[EscrowBundle, ...] = ()  # newest first
    in_use: tuple[
        str, ...
    ] = ()  # ids of all masters, of the key that signs, and of those missing in the home
    lacking: tuple[str, ...] = ()  # key ids in use that lie in no bundle
    unverified: tuple[str, ...] = ()  # that lie in a bundle, but in none that was opened
    since: datetime | None = None  # since when the first of them is in use or in its bundle, as far as known

    @property
    def made_at(self) -> datetime | None:
        """When the newest bundle was made."""
        return max((one.made_at for one in self.bundles if one.made_at), default=None)

    @property
    def verified_at(self) -> datetime | None:
        """When a bundle was last opened with its shares."""
        return max((one.verified_at for one in self.bundles if one.verified_at), default=None)

    @property
    def missing(self) -> bool:
        """Was no escrow ever made, although one could be?"""
        return self.possible and not self.bundles

    @property
    def stale(self) -> tuple[str, ...]:
        """Keys in use that lie in no bundle, although an escrow was made once."""
        return self.lacking if self.bundles else ()

    def problems(self) -> tuple[str, ...]:
        """For people: why keys in use would not come back. Empty: they would, or no escrow was ever made."""
        found = []
        if self.stale:
            found.append(
                f"no escrow bundle holds {', '.join(self.stale)}: after the loss of this host, what was"
                " written under it is lost; run: vanvault keys escrow split, then vanvault keys escrow verify"
            )
        if self.unverified:
            found.append(
                f"no escrow bundle that was verified holds {', '.join(self.unverified)};"
                " run: vanvault keys escrow verify"
            )
        return tuple(found)

    def of_saved(self, set_id: str) -> str:
        """What is wrong with keeping the bundle of this set, and no other, for people; empty: nothing."""
        held = next((one for one in self.bundles if one.set_id == set_id), None)
        if held is None:
            return (
                f"the saved escrow bundle, of set {set_id}, is not on record;"
                " run: vanvault keys escrow verify with its shares"
            )
        lacks = [key for key in self.in_use if key not in held.keys and key not in self.lacking]
        if not lacks:
            return ""
        return (
            f"the saved escrow bundle, of set {set_id}, lacks {', '.join(lacks)}; copy the newest bundle to"
            " where backup.escrow_bundle says"
        )

    def as_json(self) -> dict[str, object]:
        """The same as JSON values."""
        return {
            "possible": self.possible,
            "bundles": len(self.bundles),
            "made_at": rfc3339_seconds(self.made_at) if self.made_at else None,
            "verified_at": rfc3339_seconds(self.verified_at) if self.verified_at else None,
            "lacking": list(self.lacking),
            "unverified": list(self.unverified),
        }


def escrow_standing(archive: ArchiveReader, keys: KnownKeys | None = None) -> EscrowStanding:
    """By what is folded here. ``keys``: as ``known_keys`` tells them, for those who know already.

    Raises Damaged, SiteUnavailable (the index), KeyUnavailable.
    """
    settings = archive.settings.keys
    possible = settings.provider == "files" or settings.pkcs11.escrowable
    if not possible:
        return EscrowStanding(possible)
    keys, search = keys or known_keys(archive), archive.search
    return judged(
        (*keys.held, *keys.missing),
        made=own_events(search, EventType.KEYS_ESCROWED),
        opened=(
            event
            for type in (EventType.KEYS_ESCROW_VERIFIED, EventType.KEYS_RESTORED)
            for event in own_events(search, type)
        ),
        rotated=own_events(search, EventType.KEYS_ROTATED),
    )


def judged(
    in_use: Iterable[str],
    *,
    made: Iterable[OwnEvent],
    opened: Iterable[OwnEvent],
    rotated: Iterable[OwnEvent],
) -> EscrowStanding:
    """How the keys in use stand, by the events that tell of bundles and rotations. Pure."""
    in_use = tuple(in_use)
    bundles: dict[str, EscrowBundle] = {}
    for event in made:
        fields = event.detail
        name = str(fields.get("set"))
        bundles.setdefault(name, EscrowBundle(name, _keys(fields), event.at, None))
    for event in opened:
        fields = event.detail
        name = str(fields.get("set"))
        keys = _keys(fields)
        known = bundles.get(name, EscrowBundle(name, keys, None, None))
        if not known.keys:
            continue
        last = max(filter(None, (known.verified_at, event.at)))
        bundles[name] = EscrowBundle(name, known.keys, known.made_at, last)
    held = {key for one in bundles.values() for key in one.keys}
    proved = {key for one in bundles.values() if one.verified_at for key in one.keys}
    lacking = tuple(key for key in in_use if key not in held)
    unverified = tuple(key for key in in_use if key in held and key not in proved)
    times = [event.at for event in rotated if event.detail.get("key_id") in lacking]
    times += [one.made_at for one in bundles.values() if one.made_at and one.keys.intersection(unverified)]
    order = sorted(bundles.values(), key=_age, reverse=True)
    return EscrowStanding(True, tuple(order), in_use, lacking, unverified, min(times, default=None))


def _age(bundle: EscrowBundle) -> str:
    at = bundle.made_at or bundle.verified_at
    return at.isoformat() if at else ""


def _keys(fields: Mapping[str, object]) -> frozenset[str]:
    keys = fields.get("keys")
    return frozenset(map(str, keys)) if isinstance(keys, list) else frozenset()
