"""VanVault's own events: lines of the transaction log that say what was done to the archive, and by whom.

They are written by ``Archive.record`` under the gateway ``vanvault``, each of a type that begins with
``vanvault.``; ``detail`` is one JSON object. Everybody who reads them reads them here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import orjson

from vanvault.archiver.catalogue import Query, Search
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import parse_rfc3339

_PREFIX = "vanvault."
_NO_END_US = 2**62


class EventType:
    """The types of the archive's own events, without ``vanvault.``; those of probes name a site."""

    WRITER_OPENED = "writer.opened"
    WRITER_CLOSED = "writer.closed"
    FAILOVER_PROMOTED = "failover.promoted"  # epoch, leader, plan, reason, who, approved_by
    FAILOVER_FAILED_BACK = "failover.failed-back"  # epoch, leader, reason, who
    FAILOVER_APPROVED = "failover.approved"  # plan, who
    FAILOVER_HOOK = "failover.hook"  # epoch, action, result
    CONFLICT_FOUND = "conflict.found"  # conflicts: see conflict_record.py
    AVAILABILITY_STATE = "availability.state"
    AVAILABILITY_ALIVE = "availability.alive"
    AVAILABILITY_WINDOW = "availability.window"
    AVAILABILITY_CANCELLED = "availability.cancelled"
    AVAILABILITY_NOTE = "availability.note"
    EXPORT_STARTED = "export.started"
    EXPORT_RESUMED = "export.resumed"
    EXPORT_FINISHED = "export.finished"
    COMPACTION_STARTED = "compaction.started"
    COMPACTION_FINISHED = "compaction.finished"
    KEYS_UNWRAPPED = "keys.unwrapped"
    KEYS_REVOKED = "keys.revoked"  # key_id, act, record_sha256, reason, stolen_since, who, and counts
    KEYS_ACCEPTED = "keys.accepted"  # the same
    KEYS_EXPOSED = "keys.exposed"  # key, from, to: somebody asked what a disclosed key opens
    QUARANTINE_FOUND = "quarantine.found"  # site, reason, count, objects: the first hundred names


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """One event as a search shows it."""

    id: str  # of the archive
    type: str  # without ``vanvault.``
    received_at: str  # RFC 3339
    occurred_at: str  # RFC 3339
    text: str  # the detail as it was written, JSON

    @property
    def at(self) -> datetime:
        """When the archive received it."""
        return parse_rfc3339(self.received_at)

    @property
    def detail(self) -> dict[str, Any]:
        """What the event tells. Raises Damaged: it is no JSON object."""
        try:
            fields = orjson.loads(self.text)
        except ValueError as error:
            raise Damaged(f"the detail of {self.id} is not JSON", key=self.id) from error
        if not isinstance(fields, dict):
            raise Damaged(f"the detail of {self.id} is no JSON object", key=self.id)
        return fields


def own_events(
    search: Search,
    type: str,
    *,
    from_us: int = 0,
    to_us: int = _NO_END_US,
    order: Literal["newest", "oldest"] = "newest",
    most: int | None = None,
) -> Iterator[OwnEvent]:
    """The events of a type (without ``vanvault.``), page by page, as far as they are folded here.

    Args:
        from_us, to_us: received in [from, to), in microseconds since 1970; a long history is not read whole.
        order: by the time of receipt.
        most: how many at most.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    query = Query(
        filters={"type": f"{_PREFIX}{type}", "gateway": SYSTEM_GATEWAY},
        from_us=max(0, from_us),
        to_us=to_us,
        order=order,
    )
    if most is not None and most <= Query.MAX_LIMIT:
        items = iter(search.page(replace(query, limit=most), bare=True).items)
    else:
        items = islice(search.every(query), most)
    for item in items:
        yield OwnEvent(
            item["id"],
            item["type"].removeprefix(_PREFIX),
            item["received_at"],
            item["occurred_at"],
            item["detail"],
        )


def newest_event(search: Search, type: str) -> OwnEvent | None:
    """The last event of a type, or None. Raises as ``own_events``."""
    return next(own_events(search, type, most=1), None)


def first_event_at(search: Search) -> datetime | None:
    """When the archive's first writer was opened, as far as is on record: as old as the archive itself."""
    first = next(own_events(search, EventType.WRITER_OPENED, order="oldest", most=1), None)
    return first.at if first else None
