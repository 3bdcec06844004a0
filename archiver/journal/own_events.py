"""The archive's own events, read back: what was done, by whom, and when, as it was put on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from vanvault.archiver.catalogue import Query, Search
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import parse_rfc3339, to_us


def own_events(
    search: Search, type: str, *, since: datetime | None = None
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """When each event of a type (after ``vanvault.``) came, and its detail, newest first.

    ``since``: nothing older; a long history is then not read whole.
    """
    query = Query(
        filters={"type": f"vanvault.{type}", "gateway": SYSTEM_GATEWAY},
        from_us=max(0, to_us(since)) if since else 0,
    )
    for item in search.every(query):
        detail = orjson.loads(item["detail"])
        if isinstance(detail, dict):
            yield parse_rfc3339(item["received_at"]), detail


def first_event_at(search: Search) -> datetime | None:
    """When the archive's first writer was opened, as far as is on record: as old as the archive itself."""
    filters = {"type": "vanvault.writer.opened", "gateway": SYSTEM_GATEWAY}
    found = search.page(Query(filters=filters, order="oldest", limit=1), bare=True)
    return parse_rfc3339(found.items[0]["received_at"]) if found.items else None
