"""Holds that came after entries were looked at for the last time, also those that could be read only since.

Of an entry that was disposed of only few fields are known, so what cannot be told counts as held; and where
not all holds can be known, nothing is removed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, matches
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.retention import Hold
from vanvault.recovery.holds import known_holds

#: Fields that are known of a message without a transaction that was disposed of.
_KNOWN = frozenset(("gateway", "message_id", "sha256"))
#: Between two clocks of nodes.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class HoldsLooked:
    """The holds by which entries were judged."""

    at: datetime
    known: frozenset[str] | None  # ids; None: not on record, so what was placed by then counts as known

    def is_late(self, hold: Hold) -> bool:
        """Was it not among them?"""
        if self.known is not None:
            return hold.id not in self.known
        return hold.placed.at > self.at - _SKEW


def why_unseen(archive: Archive) -> str:
    """What keeps holds from being known, after a look at every site; "": all are known.

    Raises SiteUnavailable (no site answers), KeyUnavailable, Damaged (the index).
    """
    folded = archive.refresh()
    if folded.away:
        return f"the site {folded.away[0]} is away, so a hold may be unknown here"
    if unread := (*folded.missing, *folded.unreadable):
        return f"{unread[0]} cannot be read, so a hold may be unknown here"
    book = known_holds(archive)
    if book.lacking:
        return f"a part of the record of holds cannot be read: {book.lacking[0]}"
    if book.unclear:
        return f"{book.unclear[0]} is a hold that this version cannot read"
    return ""


def holds_since(archive: Archive, gone: Sequence[str], looked: HoldsLooked) -> tuple[Hold, ...]:
    """Holds in force that came later than that look, and may be over one of these entries.

    Raises Damaged, SiteUnavailable (what is known of holds cannot be read).
    """
    late = [one for one in known_holds(archive).in_force() if looked.is_late(one)]
    if not late:
        return ()
    items = [archive.search.entry(id) for id in gone]
    named = {id for hold in late for id in hold.scope.entries}
    beside = set()
    for id in named.difference(gone):
        try:
            item = archive.search.entry(id)
        except NotFound:
            continue
        if item["transaction_id"]:
            beside.add((item["gateway"], item["transaction_id"]))
    return tuple(hold for hold in late if any(_may_be_over(hold, one, beside) for one in items))


def _may_be_over(hold: Hold, item: Item, beside: Collection[tuple[str, str]]) -> bool:
    """A hold over one entry keeps its whole transaction, so only what all of that have in common excludes."""
    scope = hold.scope
    if scope.entries:
        return item["id"] in scope.entries or (item["gateway"], item["transaction_id"]) in beside
    if not item["message_id"] or item["transaction_id"]:  # an event, or one of several
        common = {"gateway": item["gateway"], "transaction_id": item["transaction_id"]}
        return matches(item, {name: value for name, value in scope.filters.items() if common.get(name)})
    received, end = to_us(parse_rfc3339(item["received_at"])), hold.ends_us
    if received < scope.from_us or (end is not None and received >= end):
        return False
    return matches(item, {name: value for name, value in scope.filters.items() if name in _KNOWN})
