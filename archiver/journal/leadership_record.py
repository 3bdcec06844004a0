"""Failovers as the archive records them.

::

    vanvault.failover.promoted     epoch, leader, plan, reason, who, approved_by: the leader alone is enough
    vanvault.failover.failed-back  epoch, leader, reason, who: both sites are level, and both are needed
    vanvault.failover.approved     plan, who: a second person's consent
"""

from __future__ import annotations

from vanvault.archiver.catalogue import Search
from vanvault.archiver.journal.events import EventType, OwnEvent, own_events
from vanvault.archiver.replicas import Leadership


def newest_leadership(search: Search) -> Leadership:
    """The leadership in force, by what is folded here. Raises Damaged, SiteUnavailable (index)."""
    types = (EventType.FAILOVER_PROMOTED, EventType.FAILOVER_FAILED_BACK)
    return Leadership.highest(_leadership_of(event) for type in types for event in own_events(search, type))


def _leadership_of(event: OwnEvent) -> Leadership:
    promoted = event.type == EventType.FAILOVER_PROMOTED
    return Leadership(int(event.detail["epoch"]), (event.received_at, event.id), promoted)
