"""Acceptances of a clock that was wrong once, as the archive records them, and what a process learns of them.

::

    vanvault.clock.accepted   at, writers: a list of writer, from, until; reason, who, approved_by

A clock that was ahead for a while leaves entries with times to come. Time never runs backwards in the
archive, so nothing could be archived until then. An acceptance says that the clock is right now, and which
writers had those times: ``at`` is the moment of it, and what they wrote with a later time counts as written
then. Nothing is rewritten: rows keep their times, and each writer's own order stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vanvault.archiver.catalogue import Catalogue, HotTail, Search, WrongClock
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.names import is_writer_id
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.journal.events import EventType, OwnEvent, events_as_received
from vanvault.archiver.journal.record_look import RecordLook

#: Writers that one event names: some 100 bytes each.
_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class AcceptedClock:
    """One acceptance on record."""

    id: str  # of the archive
    at_us: int
    writers: tuple[WrongClock, ...]
    reason: str
    who: str
    approved_by: str


class ClockRecord:
    """One process's look at the record; safe to use from many threads."""

    def __init__(self, tail: HotTail, catalogue: Catalogue, search: Search) -> None:
        self._tail = tail
        self._search = search
        self._look = RecordLook(tail, catalogue, "accepted clocks")

    def learn(self) -> bool:
        """Let the hot tail know every acceptance on record. Looks only when something was folded.

        True: one is new, so the fold has to look at every batch.
        """

        def learned() -> bool:
            return self._tail.learn_wrong_clocks([one for act in self.accepted() for one in act.writers])

        return bool(self._look.take(learned))

    def accepted(self) -> Iterator[AcceptedClock]:
        """Every acceptance on record, the oldest first. Raises Damaged, SiteUnavailable."""
        return map(_accepted, events_as_received(self._search, EventType.CLOCK_ACCEPTED))


def accepted_details(
    at_us: int, writers: Sequence[WrongClock], *, reason: str, who: str, approved_by: str
) -> list[dict[str, object]]:
    """The details of the events that put an acceptance on record."""
    return [
        {
            "approved_by": approved_by,
            "at": rfc3339_us(at_us),
            "reason": reason,
            "who": who,
            "writers": [
                {"from": rfc3339_us(one.from_us), "until": rfc3339_us(one.until_us), "writer": one.writer}
                for one in writers[start : start + _TOGETHER]
            ],
        }
        for start in range(0, len(writers), _TOGETHER)
    ]


def _accepted(event: OwnEvent) -> AcceptedClock:
    detail = event.detail
    try:
        at_us = to_us(parse_rfc3339(detail["at"]))
        writers = tuple(
            WrongClock(
                one["writer"], at_us, to_us(parse_rfc3339(one["from"])), to_us(parse_rfc3339(one["until"]))
            )
            for one in detail["writers"]
        )
        if not all(is_writer_id(one.writer) for one in writers):
            raise ValueError("no writer")
        return AcceptedClock(
            event.id,
            at_us,
            writers,
            str(detail["reason"]),
            str(detail["who"]),
            str(detail.get("approved_by", "")),
        )
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise Damaged(f"{event.id} is no acceptance of a clock", key=event.id) from error
