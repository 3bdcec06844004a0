"""What speaks against letting something go, each in words; and what is due at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.retention import profile
from vanvault.archiver.core.times import to_us, vietnam_midnight
from vanvault.archiver.disposal import (
    ARCHIVE_REASONS,
    ENTRY_REASONS,
    GRACE,
    SEGMENT_REASONS,
    ArchiveStanding,
    EntryStanding,
    SegmentStanding,
    what_is_due,
    what_stops,
    why_entry_stays,
    why_segment_stays,
)
from vanvault.archiver.retention import Due, due_of

QD08 = profile("QD08-2015")
CLOSED = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
#: The last day is 30 November 2036; more than 30 days later it may go.
ENDS = vietnam_midnight(date(2036, 12, 1))
FIRST = ENDS + GRACE + timedelta(microseconds=1)


def due(years: int = 10, kept: str = "log") -> Due:
    found = due_of(to_us(CLOSED), "log", (QD08,))
    last = date(2026 + years, 11, 30)
    return replace(found, last_day=last, until=vietnam_midnight(last + timedelta(days=1)))


def entry(**changed: Any) -> EntryStanding:
    told: dict[str, Any] = {
        "id": "m-1", "gateway": "gateway-1", "entry": "message", "bytes": 100, "state": "succeeded",
        "log": due(), "originals": due(),
    }  # fmt: skip
    return EntryStanding(**told | changed)


ENTRY_STORIES = [
    ("own", entry(gateway="vanvault"), FIRST, "a line of the archive's own"),
    ("unread", entry(unread=("segments/s-2",)), FIRST, "could not be read whole: segments/s-2"),
    ("open", entry(state="open", log=None, originals=None), FIRST, "its transaction is open"),
    ("not-due", entry(), ENDS - timedelta(seconds=1), "owed until the end of 2036-11-30"),
    ("not-due", entry(), FIRST - timedelta(microseconds=1), "which is not 30 days ago"),
    ("not-due", entry(entry="event", originals=due(2)), ENDS, "which is not 30 days ago"),
    ("held", entry(holds=("h-1", "h-2")), FIRST, "held: h-1, h-2"),
    ("conflict", entry(conflicts=("m-1",)), FIRST, "has two contents: m-1"),
    ("asked-for", entry(asked_for=("x-1",)), FIRST, "asked for: x-1"),
]


@pytest.mark.parametrize(("reason", "told", "now", "words"), ENTRY_STORIES)
def test_an_entry_stays_for_this_reason(reason: str, told: EntryStanding, now: datetime, words: str) -> None:
    assert words in ENTRY_REASONS[reason](told, now)
    stays = why_entry_stays(told, now)
    assert stays is not None
    assert stays[0] == reason


def test_an_entry_against_which_nothing_speaks_may_go_on_the_31st_day() -> None:
    assert why_entry_stays(entry(), FIRST) is None
    assert {name for name, *_ in ENTRY_STORIES} == set(ENTRY_REASONS)


DUE_STORIES = [
    ("both are due: the whole entry", entry(), FIRST, "entry"),
    ("the original is kept for less: only its bytes", entry(originals=due(2)), FIRST - timedelta(days=300),
     "original"),
    ("later the whole entry", entry(originals=due(2)), FIRST, "entry"),
    ("the original is kept for longer: nothing before that", entry(originals=due(12)), FIRST, None),
    ("an event has no original", entry(entry="event", originals=due(12)), FIRST, "entry"),
    ("an event does not go because originals may", entry(entry="event", originals=due(2)), ENDS, None),
    ("nothing of what is open", entry(state="open", log=None, originals=None), FIRST, None),
]  # fmt: skip


@pytest.mark.parametrize(("story", "told", "now", "what"), DUE_STORIES)
def test_what_of_an_entry_is_due(story: str, told: EntryStanding, now: datetime, what: str | None) -> None:
    found = what_is_due(told, now)
    assert (found and found[0]) == what, story


SEGMENT_STORIES = [
    ("locked", FIRST + timedelta(days=1), (), "locked until"),
    ("locked", FIRST, (), "locked until"),
    ("overlap", CLOSED, ("s-2",), "shares batches with s-2"),
]


@pytest.mark.parametrize(("reason", "locked", "overlaps", "words"), SEGMENT_STORIES)
def test_a_segment_stays_for_this_reason(
    reason: str, locked: datetime, overlaps: tuple[str, ...], words: str
) -> None:
    told = SegmentStanding("s-1", locked, (), overlaps)
    assert words in SEGMENT_REASONS[reason](told, FIRST)
    stays = why_segment_stays(told, FIRST)
    assert stays is not None
    assert stays[0] == reason


def test_a_segment_whose_first_locks_ended_is_looked_at() -> None:
    assert why_segment_stays(SegmentStanding("s-1", CLOSED), FIRST) is None
    assert {name for name, *_ in SEGMENT_STORIES} == set(SEGMENT_REASONS)


WHOLE = ArchiveStanding({"primary": FIRST - timedelta(days=1), "standby": FIRST - timedelta(days=7)}, {})
ARCHIVE_STORIES = [
    ("away", replace(WHOLE, away={"standby": "no route"}), "the site standby is away: no route"),
    ("unverified", replace(WHOLE, verified={"primary": FIRST, "standby": None}), "standby was not verified"),
    ("unverified", replace(WHOLE, verified={"primary": FIRST - timedelta(days=8)}), "too long ago"),
    ("clock", replace(WHOLE, clock="the clock of this node is ahead"), "is ahead"),
    ("incident", replace(WHOLE, incidents=("damage-known",)), "something is wrong: damage-known"),
    ("export", replace(WHOLE, exports=("xp-1",)), "an export has not ended: xp-1"),
    ("lacking", replace(WHOLE, lacking=("segments/s-3",)), "could not be read: segments/s-3"),
]


@pytest.mark.parametrize(("reason", "told", "words"), ARCHIVE_STORIES)
def test_nothing_at_all_goes_while_this_stands(reason: str, told: ArchiveStanding, words: str) -> None:
    stops = what_stops(told, FIRST)
    assert list(stops) == [reason]
    assert words in stops[reason]


def test_of_a_whole_archive_something_may_go() -> None:
    assert what_stops(WHOLE, FIRST) == {}
    assert {name for name, *_ in ARCHIVE_STORIES} == set(ARCHIVE_REASONS)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 12_000), st.sampled_from(["message", "event"]))
def test_nothing_goes_before_its_last_day_and_thirty_more(
    log: int, originals: int, days: int, kind: Any
) -> None:
    """By a model of its own: the end of the last day of Vietnam, and thirty days."""
    now = CLOSED + timedelta(days=days)
    told = entry(entry=kind, log=due(log), originals=due(originals))
    late = {name: now > vietnam_midnight(date(2026 + years, 12, 1)) + timedelta(days=30)
            for name, years in (("log", log), ("originals", originals))}  # fmt: skip
    found = what_is_due(told, now)
    if found is None:
        assert not late["log"] if kind == "event" else not late["originals"]
    elif found[0] == "entry":
        assert late["log"]
        assert late["originals"] or kind == "event"
    else:
        assert kind == "message"
        assert late["originals"]
        assert not late["log"]
