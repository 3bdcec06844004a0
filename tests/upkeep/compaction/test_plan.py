"""Which batches a compaction takes, how ranges are written, and which locks a keeper extends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.catalogue import KnownBatch
from vanvault.archiver.core.format.segments import merge_covers
from vanvault.archiver.core.model import BatchHeader
from vanvault.archiver.core.times import from_us, to_us
from vanvault.archiver.upkeep import day_of
from vanvault.archiver.upkeep.compaction.plan import HeldBatch, days_over_before, plan_days, plan_keeping

WRITERS = ("0123456789abcdef", "0123456789abcdeg", "0123456789abcdeh")
START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR_US = 3_600 * 1_000_000


def batch(writer: str, sequence: int, created_us: int) -> KnownBatch:
    header = BatchHeader("archive-1", writer, sequence, "messages", created_us, "", 1, "")
    return KnownBatch(sequence, f"batch/{writer}/{sequence:010d}", header, (), None)


@st.composite
def known(draw: st.DrawFn) -> tuple[list[KnownBatch], set[str]]:
    """Batches of some writers, each writer's times rising, in any order; and which are on record."""
    found = []
    for writer in WRITERS[: draw(st.integers(1, 3))]:
        us = to_us(START)
        for sequence in range(draw(st.integers(0, 8))):
            us += draw(st.integers(1, 20)) * HOUR_US
            found.append(batch(writer, sequence, us))
    recorded = {one.key for one in found if draw(st.integers(0, 9))}
    return draw(st.permutations(found)), recorded


@given(known=known(), hours=st.integers(0, 200))
def test_what_is_ready_is_taken_once_by_its_day(known: tuple[list[KnownBatch], set[str]], hours: int) -> None:
    batches, recorded = known
    before = START + timedelta(hours=hours)
    days = plan_days(batches, recorded, before)
    taken = [one for day in days for one in day.batches]
    assert [day.day for day in days] == sorted({day.day for day in days})
    for day in days:
        assert {day_of(one.header.created_us) for one in day.batches} == {day.day}
        times = [one.header.created_us for one in day.batches]
        assert times == sorted(times)
    keys = {one.key for one in taken}
    assert len(keys) == len(taken)
    for one in batches:
        earlier = [
            other
            for other in batches
            if other.header.writer == one.header.writer and other.header.sequence <= one.header.sequence
        ]
        ready = all(other.key in recorded and from_us(other.header.created_us) < before for other in earlier)
        assert (one.key in keys) == ready


def test_what_follows_an_unknown_batch_waits() -> None:
    """It is damaged at every site, so that this node could not even fold it."""
    us = to_us(START)
    batches = [batch(WRITERS[0], n, us + n) for n in (2, 3, 5, 6)]
    recorded = {one.key for one in batches}
    for covered, ready in (({1, 4}, [2, 3, 5, 6]), ({1}, [2, 3]), ({4}, []), (set[int](), [])):
        days = plan_days(
            batches,
            recorded,
            START + timedelta(days=1),
            lambda _, n, held=covered: n in held,  # type: ignore[misc]
        )
        assert [one.header.sequence for day in days for one in day.batches] == ready


def test_nothing_is_nothing() -> None:
    assert plan_days([], set(), START) == []


@pytest.mark.parametrize(
    ("now", "settle", "before"),
    [
        ("2026-11-22T05:59:59+00:00", 6, "2026-11-21"),
        ("2026-11-22T06:00:00+00:00", 6, "2026-11-22"),
        ("2026-11-22T00:00:00+00:00", 0, "2026-11-22"),
        ("2026-11-22T06:59:00+07:00", 0, "2026-11-21"),
        ("2026-11-22T12:00:00+00:00", 720, "2026-10-23"),
    ],
)
def test_a_day_is_over_after_its_settling_time(now: str, settle: float, before: str) -> None:
    found = days_over_before(datetime.fromisoformat(now), timedelta(hours=settle))
    assert found == datetime.fromisoformat(before).replace(tzinfo=UTC)


pairs = st.lists(st.tuples(st.sampled_from(WRITERS), st.integers(0, 30)), max_size=40)


@given(pairs=pairs)
def test_ranges_hold_exactly_what_was_given_in_the_fewest_pieces(pairs: list[tuple[str, int]]) -> None:
    covers = merge_covers(pairs)
    held = [(c.writer, n) for c in covers for n in range(c.first, c.last + 1)]
    assert held == sorted(set(pairs))
    for one, two in pairwise(covers):
        assert one.writer != two.writer or one.last + 1 < two.first


held = st.builds(
    HeldBatch,
    site=st.just("primary"),
    key=st.uuids().map(str),
    version=st.just("v1"),
    retain_until=st.none() | st.integers(-100, 100).map(lambda days: START + timedelta(days=days)),
)


@given(versions=st.lists(held, max_size=20), micros=st.integers(0, 999_999))
def test_a_keeper_extends_what_ends_soon_and_reports_what_it_should_have_extended(
    versions: list[HeldBatch], micros: int
) -> None:
    now = START + timedelta(microseconds=micros)
    lock, ahead, alarm = timedelta(days=45), timedelta(days=20), timedelta(days=10)
    plan = plan_keeping(versions, now, lock=lock, ahead=ahead, alarm=alarm)
    acted = {action.held.key for action in plan.actions}
    alarmed = {one.key for one in plan.alarms}
    assert alarmed <= acted
    for one in versions:
        left = None if one.retain_until is None else one.retain_until - now
        assert (one.key in acted) == (left is None or left < ahead)
        assert (one.key in alarmed) == (left is None or left < alarm)
    for action in plan.actions:
        assert action.retain_until.microsecond == 0
        assert action.retain_until > now + ahead
        assert action.held.retain_until is None or action.retain_until > action.held.retain_until
