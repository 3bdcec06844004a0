"""Reading the ledger's entries out of the archive, through the search that everybody uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vanvault.archiver.catalogue import HotTail, Query, Search
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.journal.availability.events import CANCELLED, MARKS, OTHERS, STATE, WINDOW, evidence_of
from vanvault.archiver.journal.availability.model import Evidence, Window

#: Marks before a period tell what held when it began: every heartbeat is far more frequent.
_LEAD_US = 7 * 86_400 * 1_000_000


def began_us(search: Search) -> int | None:
    """When the first node put its state on record; None when none ever did."""
    first = next(_items(search, STATE, limit=1), None)
    return to_us(parse_rfc3339(first["received_at"])) if first else None


def read_evidence(search: Search, tail: HotTail, *, from_us: int = 0, to_us: int = 2**62) -> Evidence:
    """What there is about [from, to). Raises Damaged."""
    lead = max(0, from_us - _LEAD_US)
    items = [item for type in MARKS for item in _items(search, type, from_us=lead, to_us=to_us + _LEAD_US)]
    items += [item for type in OTHERS for item in _items(search, type)]
    return evidence_of(items, _last_objects(tail))


def read_windows(search: Search) -> tuple[Window, ...]:
    """Every window ever announced, by its start. Raises Damaged."""
    return evidence_of(item for type in (WINDOW, CANCELLED) for item in _items(search, type)).windows


def _items(
    search: Search, type: str, *, from_us: int = 0, to_us: int = 2**62, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    filters = {"type": f"vanvault.{type}", "gateway": SYSTEM_GATEWAY}
    query = Query(filters=filters, from_us=from_us, to_us=to_us, order="oldest")
    if limit is None:
        yield from search.every(query)
    else:
        yield from search.page(replace(query, limit=limit), bare=True).items


def _last_objects(tail: HotTail) -> dict[str, int]:
    """Writer -> time of its last object that the hot tail holds."""
    return {last.writer: last.created_us for last in tail.last_batches()}
