"""Events of several types for one fold, and what of the record could not be read for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vanvault.archiver.catalogue import Query, Search, Unread
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.journal.events import OwnEvent, own_events


@dataclass(frozen=True, slots=True)
class RecordedHistory:
    """What one reading found: a fold of ``events`` holds good but for what is ``unread``."""

    events: tuple[RecordedEvent, ...]
    unread: tuple[Unread, ...] = ()  # each object once

    @property
    def lacking(self) -> tuple[str, ...]:
        """What could not be read, for people."""
        return tuple(f"{one.object}: {one.reason}" for one in self.unread)


def recorded_history(
    search: Search,
    types: Iterable[str],
    *,
    from_us: int = 0,
    to_us: int = Query.NO_END_US,
    keeps_damaged: bool = False,
) -> RecordedHistory:
    """All events of these types (without ``vanvault.``), as far as they are folded here.

    Args:
        from_us, to_us: received in [from, to), in microseconds since 1970.
        keeps_damaged: an event whose detail is no JSON object comes with an empty one, for a fold that
            names what says nothing; else it raises Damaged.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    unread: dict[str, Unread] = {}

    def note(one: Unread) -> None:
        unread[one.object] = one

    events = [
        _or_without_detail(own) if keeps_damaged else own.recorded
        for type in types
        for own in own_events(search, type, from_us=from_us, to_us=to_us, order="oldest", unread=note)
    ]
    return RecordedHistory(tuple(events), tuple(unread[key] for key in sorted(unread)))


def _or_without_detail(own: OwnEvent) -> RecordedEvent:
    """The event, with an empty detail where nobody can read it."""
    try:
        return own.recorded
    except Damaged:
        return RecordedEvent(own.id, own.type, own.at, {})
