"""The tokens of people, as the archive's own events tell them."""

from __future__ import annotations

from datetime import timedelta

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.tokens import MOST_LIFE, TOKEN_EVENTS, PersonTokens, fold_tokens

#: No token that was added before is good any more, so neither its end nor its beginning matters.
_LOOKED_BACK = MOST_LIFE + timedelta(days=1)


def person_tokens(archive: ArchiveReader, *, everything: bool = False) -> PersonTokens:
    """Those that may be good now, as far as the archive is folded here; ``everything``: all that ever were.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    lacking: dict[str, Unread] = {}

    def note(one: Unread) -> None:
        lacking[one.object] = one

    from_us = 0 if everything else to_us(archive.clock.now() - _LOOKED_BACK)
    events: list[RecordedEvent] = []
    for type in TOKEN_EVENTS:
        for event in own_events(archive.search, type, from_us=from_us, unread=note):
            try:
                detail = event.detail
            except Damaged:
                detail = {}  # it says nothing, and is named among what is strange
            events.append(RecordedEvent(event.id, type, event.at, detail))
    return fold_tokens(events, lacking=[f"{one.object}: {one.reason}" for one in lacking.values()])
