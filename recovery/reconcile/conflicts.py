"""Conflicts: one id of one gateway, archived with different bytes on the two sides of a partition.

Both entries are kept for ever. A person looks at both and puts on record what was found; the archive is
not changed by it. Only ids of the archive are told: what the gateway called them may be about somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson

from vanvault.archiver.archive import Archive
from vanvault.archiver.errors import Conflict as AlreadyDone
from vanvault.archiver.errors import InvalidInput, NotFound
from vanvault.archiver.model.entry import SYSTEM_GATEWAY
from vanvault.archiver.search.query import MAX_LIMIT, Query, parse_query

EVENT = "conflict.resolved"
MAX_REASON = 1_000  # characters


@dataclass(frozen=True, slots=True)
class Conflict:
    """An entry that repeats an id with other bytes, and the one that stands under the id."""

    entry: str  # "message" or "event"
    id: str
    first: str  # the archive's id of the entry that stands
    gateway: str
    received_at: str  # RFC 3339
    first_received_at: str


def conflicts(archive: Archive) -> list[Conflict]:
    """All conflicts, resolved or not, in the order of receipt."""
    found = []
    for position, first in archive.tail.conflicting():
        late, early = archive.tail.at(position)[0], archive.tail.at(first)[0]
        found.append(
            Conflict(
                late["entry"],
                late["id"],
                early["id"],
                late["gateway"],
                late["received_at"],
                early["received_at"],
            )
        )
    return found


def open_conflicts(archive: Archive) -> list[Conflict]:
    """Conflicts that nobody has resolved on record."""
    found = conflicts(archive)
    if not found:
        return []
    resolved = set(_resolved(archive))
    return [conflict for conflict in found if conflict.id not in resolved]


def resolve(archive: Archive, entry_id: str, *, reason: str, who: str) -> Conflict:
    """Put on record that a person looked at a conflict, and what came of it.

    Raises:
        InvalidInput: no reason, or too long a one.
        NotFound: there is no conflict with this id.
        Conflict: it is resolved already.
        SiteUnavailable: it could not be put on record.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput(
            f"a reason of 1 to {MAX_REASON} characters is needed",
            field="reason",
            hint="Say what the two entries are, and which of them holds good.",
        )
    found = next((one for one in conflicts(archive) if entry_id in (one.id, one.first)), None)
    if found is None:
        raise NotFound(f"there is no conflict about {entry_id[:60]}", hint="Run: vanvault reconcile --json")
    if found.id in set(_resolved(archive)):
        raise AlreadyDone(f"the conflict about {found.id} is resolved already")
    detail: dict[str, object] = {"entry": found.id, "first": found.first, "reason": reason, "who": who}
    archive.record(EVENT, detail)
    return found


def _resolved(archive: Archive) -> Iterator[str]:
    query = Query(filters={"type": f"vanvault.{EVENT}", "gateway": SYSTEM_GATEWAY}, limit=MAX_LIMIT)
    while True:
        page = archive.search.page(query, bare=True)
        for item in page.items:
            yield str(orjson.loads(item["detail"])["entry"])
        if page.next is None:
            return
        parameters = [*query.filters.items(), ("limit", str(MAX_LIMIT)), ("cursor", page.next)]
        query = replace(parse_query(parameters, archive.search.cursor_key), limit=MAX_LIMIT)
