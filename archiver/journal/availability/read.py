"""Reading the ledger's entries out of the archive, through the search that everybody uses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from vanvault.archiver.catalogue import HotTail, Search
from vanvault.archiver.core.times import to_us as us_of
from vanvault.archiver.journal.availability.events import CANCELLED, MARKS, OTHERS, STATE, WINDOW, evidence_of
from vanvault.archiver.journal.availability.ledger import fold, provisional_from
from vanvault.archiver.journal.availability.model import AvailabilityEvidence, Window
from vanvault.archiver.journal.availability.report import YearReport, year_bounds, year_of, year_report
from vanvault.archiver.journal.events import own_events

#: Marks before a period tell what held when it began: every heartbeat is far more frequent.
_LEAD_US = 7 * 86_400 * 1_000_000


def began_us(search: Search) -> int | None:
    """When the first node put its state on record; None when none ever did."""
    first = next(own_events(search, STATE, order="oldest", most=1), None)
    return us_of(first.at) if first else None


def read_evidence(
    search: Search, tail: HotTail, *, from_us: int = 0, to_us: int = 2**62
) -> AvailabilityEvidence:
    """What there is about [from, to). Raises Damaged."""
    lead = max(0, from_us - _LEAD_US)
    until = to_us + _LEAD_US
    events = [event for type in MARKS for event in _oldest_first(search, type, from_us=lead, to_us=until)]
    events += [event for type in OTHERS for event in _oldest_first(search, type)]
    return evidence_of(events, _last_objects(tail))


def read_year(
    search: Search, tail: HotTail, year: int | None, *, now: datetime, limit_percent: float | None
) -> YearReport:
    """The report of a year (None: this one) by what is on record of it until now. Raises Damaged."""
    asked = year or year_of(now)
    start, end = year_bounds(asked)
    began, now_us = began_us(search), us_of(now)
    # A year more than asked, for the rate of the forecast.
    since = max(began or 0, start - (end - start))
    until = min(end, now_us)
    evidence = read_evidence(search, tail, from_us=since, to_us=until)
    known = began is not None and since < until
    intervals = fold(evidence, start_us=since, now_us=until) if known else ()
    found = year_report(intervals, evidence.windows, asked, limit_percent=limit_percent)
    guessed = provisional_from(evidence.marks, now_us) if known and until == now_us else None
    return found if guessed is None else replace(found, provisional=(max(start, guessed), now_us))


def read_windows(search: Search) -> tuple[Window, ...]:
    """Every window ever announced, by its start. Raises Damaged."""
    types = (WINDOW, CANCELLED)
    return evidence_of(event for type in types for event in _oldest_first(search, type)).windows


_oldest_first = partial(own_events, order="oldest")


def _last_objects(tail: HotTail) -> dict[str, int]:
    """Writer -> time of its last object that the hot tail holds; of a clock ahead: when it was accepted."""
    wrong = tail.wrong_clocks()
    return {
        last.writer: wrong[last.writer].counts_as(last.created_us)
        if last.writer in wrong
        else last.created_us
        for last in tail.last_batches()
    }
