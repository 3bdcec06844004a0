"""Failovers as the archive records them.

::

    vanvault.failover.promoted     epoch, leader, plan, reason, who, approved_by: the leader alone is enough
    vanvault.failover.failed-back  epoch, leader, reason, who: both sites are level, and both are needed
    vanvault.failover.approved     plan, who: a second person's consent
"""

from __future__ import annotations

from vanvault.archiver.catalogue import Search
from vanvault.archiver.journal.events import EventType, OwnEvent, own_events
from vanvault.archiver.replicas import Stand, highest


def newest_stand(search: Search) -> Stand:
    """The stand that holds by what is folded here. Raises Damaged, SiteUnavailable (index)."""
    types = (EventType.FAILOVER_PROMOTED, EventType.FAILOVER_FAILED_BACK)
    return highest(_stand_of(event) for type in types for event in own_events(search, type))


def _stand_of(event: OwnEvent) -> Stand:
    promoted = event.type == EventType.FAILOVER_PROMOTED
    return Stand(int(event.detail["epoch"]), (event.received_at, event.id), promoted)
