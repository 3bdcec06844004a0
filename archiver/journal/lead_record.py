"""Failovers as the archive records them.

::

    vanvault.failover.promoted     epoch, leader, plan, reason, who, approved_by: the leader alone is enough
    vanvault.failover.failed-back  epoch, leader, reason, who: both sites are level, and both are needed
    vanvault.failover.approved     plan, who: a second person's consent
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from vanvault.archiver.catalogue import Query, Search
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.replicas import Stand, highest

PROMOTED = "failover.promoted"
FAILED_BACK = "failover.failed-back"
APPROVED = "failover.approved"
HOOK = "failover.hook"


def newest_stand(search: Search) -> Stand:
    """The stand that holds by what is folded here. Raises Damaged, SiteUnavailable (index)."""
    return highest(stand_of(item) for type in (PROMOTED, FAILED_BACK) for item in events(search, type))


def stand_of(item: dict[str, Any]) -> Stand:
    """The stand that an event begins. Pure."""
    epoch = int(detail_of(item)["epoch"])
    return Stand(epoch, (item["received_at"], item["id"]), item["type"] == f"vanvault.{PROMOTED}")


def detail_of(item: dict[str, Any]) -> dict[str, Any]:
    """The detail of an event of VanVault's own."""
    fields: dict[str, Any] = orjson.loads(item["detail"])
    return fields


def events(search: Search, type: str, *, from_us: int = 0) -> Iterator[dict[str, Any]]:
    """All events of a type (without ``vanvault.``), oldest first."""
    filters = {"type": f"vanvault.{type}", "gateway": SYSTEM_GATEWAY}
    yield from search.every(Query(filters=filters, from_us=from_us, order="oldest"))
