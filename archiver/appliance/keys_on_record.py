"""Which master key ids the archive has on record as taken.

A home that was brought back from an old escrow holds fewer versions than its archive has used. Another key
under a used id would make two keys that nobody can tell apart, so each rotation first archives the id that
it takes (event ``vanvault.keys.rotated``), and the next one goes above every id on record.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from vanvault.archiver.appliance.reader import ArchiveReader
from vanvault.archiver.core.key_port import KeyProvider, Purpose, key_id, parse_key_id
from vanvault.archiver.journal import EventType, own_events

#: Types of the events that name master keys, and where: a key id, or a list of ids of keys of any kind.
ROTATED = EventType.KEYS_ROTATED
ESCROWED = EventType.KEYS_ESCROWED


def highest_on_record(details: Iterable[str], purpose: Purpose) -> int:
    """The highest version of a purpose in the details (JSON) of such events; 0 when there is none."""
    highest = 0
    for detail in details:
        fields = orjson.loads(detail)
        for name in [fields.get("key_id"), *fields.get("keys", [])]:
            if isinstance(name, str) and name.startswith(f"{purpose}/"):
                highest = max(highest, parse_key_id(name)[1])
    return highest


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
    """The id that a rotation takes. Raises KeyUnavailable when there is no version yet."""
    _, active = parse_key_id(provider.active(purpose))
    return key_id(purpose, max(active, on_record) + 1)
