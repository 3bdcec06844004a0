"""The verbs: each reads the holds on record, checks what is asked for, and records one event.

A hold is placed with whatever site takes it, so that it is in force at once; it ends only where the sites of
the policy take that.
"""

from __future__ import annotations

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import check_there
from vanvault.archiver.core.errors import Damaged, SiteUnavailable
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import (
    Hold,
    HoldReason,
    HoldSay,
    HoldScope,
    confirming,
    placing,
    releasing,
)
from vanvault.recovery.approvals import need
from vanvault.recovery.holds.reading import known_holds

_ID_BYTES = 8


def place_hold(archive: Archive, who: Requester, why: HoldReason, scope: HoldScope) -> Hold:
    """Hold what the scope says, from this moment on.

    Raises NotFound, EntryDisposed (an entry that is named), InvalidInput, SiteUnavailable (no site takes it),
    KeyUnavailable, Damaged (the record).
    """
    for entry in scope.entries:
        _check_known(archive, entry)
    id = f"h-{archive.entropy.token(_ID_BYTES).hex()}"
    detail = placing(id, why, scope, _say(archive, who))
    archive.record_aside([archive.system_event(EventType.HOLD_PLACED, detail)])
    return _known(archive, id)


def confirm_hold(archive: Archive, who: Requester, id: str) -> Hold:
    """Say as another person that a hold is right. Raises NotFound, Conflict, SiteUnavailable, Damaged."""
    detail = confirming(known_holds(archive).get(id), _say(archive, who))
    archive.record_aside([archive.system_event(EventType.HOLD_CONFIRMED, detail)])
    return _known(archive, id)


def release_hold(archive: Archive, who: Requester, id: str, reason: str) -> Hold:
    """Say that a hold is needed no longer; it ends when two have said so who did not place it.

    Raises NotFound, Conflict, InvalidInput, ApprovalNeeded (where the table asks for it), SiteUnavailable,
    KeyUnavailable, Damaged.
    """
    book = known_holds(archive)
    if book.lacking:
        raise Damaged(
            f"a part of the record of holds cannot be read: {book.lacking[0]}",
            key=book.lacking[0],
            hint="Nothing is released meanwhile. See: vanvault verify, vanvault index status.",
        )
    detail = releasing(book.get(id), _say(archive, who, reason))
    need(archive, "hold-release", {"hold": id}, who)
    archive.record(EventType.HOLD_RELEASED, detail)
    return _known(archive, id)


def _check_known(archive: Archive, id: str) -> None:
    """A mistyped id would hold nothing; what cannot be read now is held all the same.

    Raises NotFound, EntryDisposed, InvalidInput (not an id).
    """
    try:
        check_there(archive.search.entry(id))
    except (Damaged, SiteUnavailable):
        return


def _say(archive: Archive, who: Requester, reason: str = "") -> HoldSay:
    return HoldSay(archive.clock.now(), who.name, who.key, reason)


def _known(archive: Archive, id: str) -> Hold:
    archive.refresh()
    return known_holds(archive).get(id)
