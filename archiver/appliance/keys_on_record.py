"""Which master key ids the archive has on record as taken.

A home that was brought back from an old escrow holds fewer versions than its archive has used. Another key
under a used id would make two keys that nobody can tell apart, so each rotation first archives the id that
it takes (event ``vanvault.keys.rotated``), and the next one goes above every id on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import orjson

from vanvault.archiver.appliance.reader import ArchiveReader
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.key_port import KeyProvider, Purpose, key_id, newest_version, parse_key_id
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import EventType, OwnEvent, own_events
from vanvault.archiver.people.credentials import SealedCredential, sealed_in

#: Types of the events that name master keys, and where: a key id, or a list of ids of keys of any kind.
ROTATED = EventType.KEYS_ROTATED
ESCROWED = EventType.KEYS_ESCROWED
#: Types of the events that keep a credential, which names the master that it needs.
SEALED = (
    EventType.ACCOUNT_CREDENTIAL_SET,
    EventType.ACCOUNT_TOKEN_ADDED,
    EventType.ACCOUNT_AUTHENTICATOR_USED,
    EventType.BREAK_GLASS_SEALED,
)


def highest_on_record(details: Iterable[str], purpose: Purpose) -> int:
    """The highest version of a purpose in the details (JSON) of such events; 0 when there is none."""
    highest = 0
    for detail in details:
        fields = orjson.loads(detail)
        for name in [fields.get("key_id"), *fields.get("keys", [])]:
            if isinstance(name, str) and name.startswith(f"{purpose}/"):
                highest = max(highest, parse_key_id(name)[1])
    return highest


def sealed_on_record(
    archive: ArchiveReader, tokens_from: datetime | None = None
) -> Iterator[tuple[OwnEvent, SealedCredential]]:
    """The credentials of each type of event, the newest first, as far as they are folded here.

    An event that keeps none, or not as the format says, is left out. ``tokens_from``: of tokens of people,
    only those given from then on. Raises as ``own_events``.
    """
    for type in SEALED:
        bound = tokens_from if type is EventType.ACCOUNT_TOKEN_ADDED else None
        since = 0 if bound is None else to_us(bound)
        # Of counters there is one for many a sign-on; those of today's users are among the newest.
        most = Query.MAX_LIMIT if type is EventType.ACCOUNT_AUTHENTICATOR_USED else None
        for event in own_events(archive.search, type, from_us=since, most=most):
            try:
                yield event, sealed_in(event.detail)
            except Damaged:
                continue


def missing_acts(archive: ArchiveReader) -> list[str]:
    """Key ids of revocations and acceptances that are on record and that the key folder lacks.

    A folder that came from an escrow from before them trusts what was revoked. Raises as ``own_events``.
    """
    held = set(archive.signing.trust().digests)
    return [
        str(event.detail.get("key_id"))
        for type in (EventType.KEYS_REVOKED, EventType.KEYS_ACCEPTED)
        for event in own_events(archive.search, type)
        if event.detail.get("record_sha256") not in held
    ]


def next_key_id(provider: KeyProvider, purpose: Purpose, on_record: int) -> str:
    """The id that a rotation takes. Raises KeyUnavailable: the home lacks what every archive needs."""
    return key_id(purpose, max(newest_version(provider, purpose), on_record) + 1)
