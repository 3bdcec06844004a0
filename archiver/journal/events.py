"""VanVault's own events: lines of the transaction log that say what was done to the archive, and by whom.

They are written by ``Archive.record`` under the gateway ``vanvault``, each of a type that begins with
``vanvault.``; ``detail`` is one JSON object. Everybody who reads them reads them here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Literal

import orjson

from vanvault.archiver.catalogue import Item, Query, Search, Unread, WrongClock
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us
from vanvault.archiver.core.times import to_us as to_us_of

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
    REPORT_MADE = "report.made"  # see recovery/reports/record.py
    EXPORT_STARTED = "export.started"
    EXPORT_RESUMED = "export.resumed"
    EXPORT_FINISHED = "export.finished"
    EXTRACTION_REQUESTED = "extraction.requested"  # see people/extraction/fold.py, also for those that follow
    EXTRACTION_BEGUN = "extraction.begun"
    EXTRACTION_RAN = "extraction.ran"
    EXTRACTION_HANDED_OVER = "extraction.handed-over"
    COMPACTION_STARTED = "compaction.started"
    COMPACTION_FINISHED = "compaction.finished"
    KEYS_UNWRAPPED = "keys.unwrapped"
    KEYS_ROTATED = "keys.rotated"  # key_id, purpose (of a signing key: signing), who
    KEYS_ESCROWED = "keys.escrowed"  # set, threshold, shares, keys (ids of those in the bundle), who
    KEYS_ESCROW_VERIFIED = "keys.escrow-verified"  # the same, and the numbers of the shares that were given
    KEYS_RESTORED = "keys.restored"  # set, by_shares, files, keys, who
    KEYS_REVOKED = "keys.revoked"  # key_id, act, record_sha256, reason, stolen_since, who, and counts
    KEYS_ACCEPTED = "keys.accepted"  # the same
    KEYS_EXPOSED = "keys.exposed"  # key, from, to: somebody asked what a disclosed key opens
    ACCOUNT_CREDENTIAL_SET = "account.credential-set"  # id, kind, nonce, sealed: a credential; account, who
    ACCOUNT_AUTHENTICATOR_USED = "account.authenticator-used"  # id, kind, nonce, sealed: counters; account
    BREAK_GLASS_SEALED = "break-glass.sealed"  # these: see recovery/sign_on/break_glass.py
    BREAK_GLASS_REMOVED = "break-glass.removed"
    BREAK_GLASS_USED = "break-glass.used"
    BREAK_GLASS_REVIEWED = "break-glass.reviewed"
    BREAK_GLASS_TRIED = "break-glass.tried"
    BREAK_GLASS_DRILLED = "break-glass.drilled"
    SESSION_LINK_MADE = "session.link-made"  # see recovery/sign_on/demo_links.py
    ACCOUNT_TOKEN_REMOVED = "account.token-removed"  # noqa: S105 - a name; id, account, token, who
    ACCOUNT_TOKEN_ADDED = "account.token-added"  # noqa: S105 - a name; id, kind, nonce, sealed: its digest
    APPROVAL_REQUESTED = "approval.requested"  # these: see people/approvals/fold.py
    APPROVAL_APPROVED = "approval.approved"
    APPROVAL_REFUSED = "approval.refused"
    APPROVAL_WITHDRAWN = "approval.withdrawn"
    APPROVAL_USED = "approval.used"
    APPROVAL_GIVEN_UP = "approval.given-up"
    APPROVAL_TABLE_SET = "approval.table-set"
    HOLD_PLACED = "hold.placed"  # these: see retention/holds.py
    HOLD_CONFIRMED = "hold.confirmed"
    HOLD_RELEASED = "hold.released"
    HOLD_LOCKS_ROLLED = "hold.locks-rolled"  # extended (copies of objects), failures, who
    DISPOSAL_PLANNED = "disposal.planned"  # these: see disposal/fold.py
    DISPOSAL_WITHDRAWN = "disposal.withdrawn"
    DISPOSAL_BEGUN = "disposal.begun"
    DISPOSAL_RECHECKED = "disposal.rechecked"
    DISPOSAL_REPLACED = "disposal.replaced"
    DISPOSAL_REMOVING = "disposal.removing"
    DISPOSAL_REMOVED = "disposal.removed"
    DISPOSAL_HALTED = "disposal.halted"
    DISPOSAL_EMPTIED = "disposal.emptied"
    DISPOSAL_CERTIFIED = "disposal.certified"
    DISPOSAL_BACKUPS_GONE = "disposal.backups-gone"
    CLEARING_STARTED = "clearing.started"  # planned, after_days, who: from here on batches may be gone
    BATCHES_NAMED = "batches.named"  # what may be cleared next: see recovery/clearing/named.py
    BATCHES_CLEARED = "batches.cleared"  # site, segment, batches, bytes, ...: see recovery/clearing/run.py
    RETENTION_KEPT = "retention.kept"  # segments, transactions, open, extended, ending, failures, who
    RETENTION_PROFILE_CHANGED = "retention.profile-changed"  # see recovery/retention/profiles.py
    RETENTION_OPEN_COUNTED = "retention.open-counted"  # older_than_days, count, alone, unread, who
    JOB_ASKED = "job.asked"  # asked (an id), verb, subset, scenario, who, and how they proved it
    VERIFY_FINISHED = "verify.finished"  # see recovery/verify/record.py
    CLOCK_ACCEPTED = "clock.accepted"  # see clock_record.py
    SITE_REPAIRED = "site.repaired"  # sites, objects, bytes, failures, beyond, who
    QUARANTINE_FOUND = "quarantine.found"  # site, reason, count, objects: the first hundred names


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """One event as a search shows it."""

    id: str  # of the archive
    type: str  # without ``vanvault.``
    received_at: str  # RFC 3339
    occurred_at: str  # RFC 3339
    text: str  # the detail as it was written, JSON
    counts_as: str = ""  # RFC 3339; set where the clock of its writer was ahead: when that was accepted

    @property
    def at(self) -> datetime:
        """When the archive received it; no later than a wrong clock was accepted."""
        return parse_rfc3339(self.counts_as or self.received_at)

    def no_later(self, moment: datetime) -> datetime:
        """A time that the event tells; of a clock ahead no later than that was accepted."""
        return min(moment, self.at) if self.counts_as else moment

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

    @property
    def recorded(self) -> RecordedEvent:
        """For those who fold such events. Raises as ``detail``."""
        return RecordedEvent(self.id, self.type, self.at, self.detail)


def own_events(
    search: Search,
    type: str,
    *,
    from_us: int = 0,
    to_us: int = _NO_END_US,
    order: Literal["newest", "oldest"] = "newest",
    most: int | None = None,
    unread: Callable[[Unread], None] | None = None,
) -> Iterator[OwnEvent]:
    """The events of a type (without ``vanvault.``), page by page, as far as they are folded here.

    What a writer wrote under a clock ahead stands, in its own order, at the moment when that was accepted:
    it is no newer than what came since.

    Args:
        from_us, to_us: received in [from, to), in microseconds since 1970; a long history is not read whole.
        order: by the time of receipt.
        most: how many at most.
        unread: is told, maybe more than once, what of the archive could not be looked at; not with ``most``.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    query = _query(type, from_us, to_us, order)
    wrong = search.wrong_clocks()
    if wrong:
        yield from islice(_in_true_order(search, query, wrong, unread), most)
        return
    if most is not None and most <= Query.MAX_LIMIT:
        items = iter(search.page(replace(query, limit=most), bare=True).items)
    else:
        items = islice(search.every(query, unread), most)
    yield from map(own_event, items)


def every_own_event(
    search: Search,
    *,
    from_us: int = 0,
    to_us: int = _NO_END_US,
    unread: Callable[[Unread], None] | None = None,
) -> Iterator[OwnEvent]:
    """The archive's own events of whatever type, the oldest first. As ``own_events`` else."""
    filters = {"gateway": SYSTEM_GATEWAY, "entry": "event"}
    query = replace(_query("", from_us, to_us, "oldest"), filters=filters)
    wrong = search.wrong_clocks()
    if wrong:
        yield from _in_true_order(search, query, wrong, unread)
    else:
        yield from map(own_event, search.every(query, unread))


def events_as_received(search: Search, type: str) -> Iterator[OwnEvent]:
    """The events of a type by the times that they carry, the oldest first. Raises as ``own_events``."""
    return map(own_event, search.every(_query(type, 0, _NO_END_US, "oldest")))


def newest_event(search: Search, type: str) -> OwnEvent | None:
    """The last event of a type, or None. Raises as ``own_events``."""
    return next(own_events(search, type, most=1), None)


def first_event_at(search: Search) -> datetime | None:
    """When the archive's first writer was opened, as far as is on record: as old as the archive itself."""
    first = next(own_events(search, EventType.WRITER_OPENED, order="oldest", most=1), None)
    return first.at if first else None


def _query(type: str, from_us: int, to_us: int, order: Literal["newest", "oldest"]) -> Query:
    filters = {"type": f"{_PREFIX}{type}", "gateway": SYSTEM_GATEWAY}
    return Query(filters=filters, from_us=max(0, from_us), to_us=to_us, order=order)


def own_event(item: Item) -> OwnEvent:
    """The event of an entry that a search found, by the time of receipt that it carries."""
    type = str(item["type"]).removeprefix(_PREFIX)
    return OwnEvent(item["id"], type, item["received_at"], item["occurred_at"], item["detail"])


def _in_true_order(
    search: Search,
    query: Query,
    wrong: Mapping[str, WrongClock],
    unread: Callable[[Unread], None] | None,
) -> Iterator[OwnEvent]:
    """Two streams merged: events with times to go by, and those of clocks ahead, which are few."""
    newest = query.order == "newest"

    def place(event: OwnEvent) -> tuple[int, bool, int]:
        us = to_us_of(parse_rfc3339(event.received_at))
        at = wrong[_writer(event)].counts_as(us) if _writer(event) in wrong else us
        return at, at == us, us

    moved = sorted(
        (event for event in _moved(search, query, wrong) if query.from_us <= place(event)[0] < query.to_us),
        key=place,
        reverse=newest,
    )
    as_received = (event for event in map(own_event, search.every(query, unread)) if place(event)[1])
    yield from merge(as_received, moved, key=place, reverse=newest)


def _moved(search: Search, query: Query, wrong: Mapping[str, WrongClock]) -> list[OwnEvent]:
    """The events that a clock ahead gave a time to, each counted as received when that was accepted."""
    found: dict[str, OwnEvent] = {}
    for begin, end in sorted({(one.from_us, one.until_us) for one in wrong.values()}):
        span = replace(query, from_us=begin, to_us=end + 1, order="oldest")
        for event in map(own_event, search.every(span)):
            one = wrong.get(_writer(event))
            us = to_us_of(parse_rfc3339(event.received_at))
            if one is not None and one.counts_as(us) != us:
                found[event.id] = replace(event, counts_as=rfc3339_us(one.at_us))
    return list(found.values())


def _writer(event: OwnEvent) -> str:
    return event.id.partition("-")[0]
