"""Which keys the archive has used, and which of them the home does not hold.

A home that came back from an escrow lacks every key that was made after it: what was written under them
cannot be read, and nothing else may say so. The record names the keys; versions of a master count from 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vanvault.archiver.appliance import ArchiveReader, sealed_on_record
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.key_port import NEEDED, PURPOSES, key_id, parse_key_id
from vanvault.archiver.journal import EventType, OwnEvent, own_events
from vanvault.archiver.people.credentials import SealedCredential
from vanvault.archiver.people.tokens import MOST_LIFE

#: Older versions than a home holds are asked for down to 1; a file may bear any number.
_MOST_VERSIONS = 1_000
_NAMING = (
    EventType.KEYS_ROTATED,
    EventType.KEYS_ESCROWED,
    EventType.KEYS_ESCROW_VERIFIED,
    EventType.KEYS_RESTORED,
)


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """Ids of masters and signing keys."""

    held: tuple[str, ...] = ()  # masters, and the key that signs
    missing: tuple[str, ...] = ()  # used by the archive, and not in the home
    named: Mapping[str, datetime] = field(default_factory=dict)  # when each was first on record


def known_keys(archive: ArchiveReader) -> KnownKeys:
    """By what is folded here. Raises Damaged, SiteUnavailable (the index), KeyUnavailable."""
    masters = [key_id(purpose, n) for purpose in PURPOSES for n in archive.keys.versions(purpose)]
    named = first_named(event for type in _NAMING for event in own_events(archive.search, type))
    missing = missing_of(masters, archive.signing.public_keys(), named)
    if missing:
        newest = own_events(archive.search, EventType.VERIFY_FINISHED, most=Query.MAX_LIMIT)
        missing = still_missing(missing, newest, archive.sites)
    oldest = archive.clock.now() - MOST_LIFE  # a token from before is over, whatever sealed it
    sealing = sealing_now(
        sealed
        for event, sealed in sealed_on_record(archive, oldest)
        if sealed.place.kind != "token" or event.at > oldest
    )
    missing = tuple(sorted({*missing, *sealing.difference(masters)}))
    return KnownKeys((*masters, archive.signing.active().key_id), missing, named)


def sealing_now(sealed: Iterable[SealedCredential]) -> set[str]:
    """Ids of the masters that the credentials of today need; ``sealed``: newest first. Pure.

    Of an account the newest credential of each kind counts: what it replaced may stay closed for ever.
    """
    newest: dict[tuple[str, str], str] = {}
    for one in sealed:
        newest.setdefault((one.place.account, one.place.kind), one.key_id)
    return set(newest.values())


def first_named(events: Iterable[OwnEvent]) -> dict[str, datetime]:
    """Each key that the events name, and when it was first. Pure."""
    found: dict[str, datetime] = {}
    for event in events:
        fields = event.detail
        keys = fields.get("keys")
        for name in [fields.get("key_id"), *(keys if isinstance(keys, list) else [])]:
            if isinstance(name, str):
                found[name] = min(event.at, found.get(name, event.at))
    return found


def missing_of(masters: Collection[str], signing: Collection[str], named: Iterable[str]) -> tuple[str, ...]:
    """Keys that there must be, and that the home does not hold. Pure.

    Which masters of credentials there must be, only what is sealed under them tells: ``sealing_now``.
    ``masters`` are those that it holds; ``signing``: of these the public halves, which prove old signatures.
    """
    names = {name for name in named if not name.startswith("credentials/")}
    for purpose in NEEDED:
        versions = [parse_key_id(name)[1] for name in masters if name.startswith(f"{purpose}/")]
        newest = min(max(versions, default=1), _MOST_VERSIONS)
        names.update(key_id(purpose, version) for version in range(1, newest + 1))
    return tuple(sorted(names.difference(masters, signing)))


def still_missing(
    missing: Iterable[str], verifications: Iterable[OwnEvent], sites: Iterable[str]
) -> tuple[str, ...]:
    """Without those that nothing needs: a verification read everything while they were missing. Pure.

    So ends what a rotation leaves that was interrupted: an id on record under which no key was made.
    """
    missing, sites = tuple(missing), set(sites)
    for event in verifications:
        fields = event.detail
        held, asked = fields.get("keys"), fields.get("asked")
        if not (isinstance(held, list) and isinstance(asked, list) and sites.issubset(asked)):
            continue
        if fields.get("whole") is True and fields.get("share") == "1/1":
            missing = tuple(key for key in missing if key in held)
    return missing
