"""Whatever happened: the ledger covers the time once, sums add up, and a proof of life adds no downtime."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.times import from_us
from vanvault.archiver.journal.availability import Level, Totals, Window
from vanvault.archiver.journal.availability.ledger import fold
from vanvault.archiver.journal.availability.model import AvailabilityEvidence, Interval, Mark, Note
from vanvault.archiver.journal.availability.report import (
    month_bounds,
    totals,
    year_bounds,
    year_of,
    year_report,
)
from vanvault.archiver.journal.availability.timeline import at_moments, best

_T = TypeVar("_T")
DAY_US = 86_400 * 1_000_000
START_US = year_bounds(2026)[0]
SPAN_US = 400 * DAY_US
NOW_US = START_US + SPAN_US

moments = st.integers(-SPAN_US // 4, SPAN_US).map(lambda offset: START_US + offset)
lengths = st.integers(0, 30 * DAY_US)
marks = st.builds(
    Mark,
    at_us=moments,
    writer=st.sampled_from("abc"),
    level=st.sampled_from([None, *Level]),
    due_us=lengths,
    ended=st.booleans(),
)
notes = st.builds(
    Note, at_us=moments, source=st.sampled_from("xy"), level=st.sampled_from(Level), valid_us=lengths
)
windows = st.builds(
    Window,
    id=st.just("w"),
    start_us=moments,
    end_us=moments,
    announced_us=moments,
    reason=st.just("r"),
    who=st.just("o"),
    cancelled_us=st.none() | moments,
)


def tuples(of: st.SearchStrategy[_T]) -> st.SearchStrategy[tuple[_T, ...]]:
    return st.lists(of, max_size=25).map(tuple)


evidences = st.builds(AvailabilityEvidence, tuples(marks), tuples(windows), tuples(notes))


def folded(evidence: AvailabilityEvidence) -> tuple[Interval, ...]:
    return fold(evidence, start_us=START_US, now_us=NOW_US)


@given(evidences)
def test_intervals_follow_each_other_without_gap_or_overlap(evidence: AvailabilityEvidence) -> None:
    found = folded(evidence)
    assert (found[0].start_us, found[-1].end_us) == (START_US, NOW_US)
    assert all(interval.start_us < interval.end_us for interval in found)
    for before, after in pairwise(found):
        assert before.end_us == after.start_us
        assert before.kind != after.kind


@given(evidences, st.integers(2024, 2029))
def test_sums_add_up_to_the_period(evidence: AvailabilityEvidence, year: int) -> None:
    found = year_report(folded(evidence), evidence.windows, year, limit_percent=3.0)
    start, end = year_bounds(year)
    assert found.totals.length == end - start == sum(month.length for month in found.months)
    for part in Totals.__slots__:
        assert getattr(found.totals, part) == sum(getattr(month, part) for month in found.months)
    assert found.totals.down <= found.forecast <= found.totals.down + found.totals.ahead
    assert found.remaining is not None
    assert found.allowance == found.remaining + found.totals.down


living = st.builds(
    Mark,
    at_us=moments,
    writer=st.sampled_from("abc"),
    level=st.sampled_from([None, Level.UP]),
    due_us=st.just(DAY_US),
)


@given(tuples(living), tuples(windows), tuples(notes), living)
def test_a_proof_of_life_never_adds_downtime(
    known: tuple[Mark, ...], planned: tuple[Window, ...], seen: tuple[Note, ...], proof: Mark
) -> None:
    before = totals(folded(AvailabilityEvidence(known, planned, seen)), START_US, NOW_US)
    after = totals(folded(AvailabilityEvidence((*known, proof), planned, seen)), START_US, NOW_US)
    if not any(note.level < Level.UP for note in seen):
        assert after.down <= before.down


@given(st.lists(st.tuples(moments, moments, st.integers(1, 3)), max_size=30), st.lists(moments, max_size=20))
def test_the_best_at_every_moment(spans: list[tuple[int, int, int]], asked: list[int]) -> None:
    line = best(spans)
    for before, after in pairwise(line):
        assert before[1] <= after[0]
    ordered = sorted(asked)
    for moment, value in zip(ordered, at_moments(line, ordered), strict=True):
        assert value == max((rank for start, end, rank in spans if start <= moment < end), default=0)


def test_ten_years_pass_in_seconds() -> None:
    """A heartbeat every ten minutes, an hour's downtime a month, one of them within a window a year."""
    minute = 60 * 1_000_000
    begin, end = year_bounds(2026)[0], year_bounds(2036)[0]
    found, planned, writer = [], [], 0
    for at in range(begin, end, 10 * minute):
        month = from_us(at + 7 * 60 * minute)
        if (month.day, month.hour) == (15, 3):
            writer += month.minute == 0
            continue  # dead: the last mark was at 02:50, the next comes at 04:00
        found.append(Mark(at, f"w{writer}", Level.UP, 10 * minute))
    for year in range(2026, 2036):
        start = month_bounds(year, 6)[0] + 14 * DAY_US
        planned.append(Window(str(year), start, start + DAY_US, start - DAY_US, "upgrade", "op"))
    started = time.process_time()
    intervals = fold(AvailabilityEvidence(tuple(found), tuple(planned), ()), start_us=begin, now_us=end)
    reports = [year_report(intervals, planned, year, limit_percent=2.0) for year in range(2026, 2036)]
    assert time.process_time() - started < 60
    for report in reports:
        assert report.totals.planned == 70 * minute
        assert report.totals.unplanned == 11 * 70 * minute
        assert report.totals.ahead == report.totals.before == 0
        assert report.forecast == report.totals.down
        assert report.forecast_within_limit
    assert reports[2].totals.length == 366 * DAY_US  # 2028


def test_the_calendar_is_vietnams() -> None:
    assert from_us(year_bounds(2026)[0]).isoformat() == "2025-12-31T17:00:00+00:00"
    assert year_of(from_us(year_bounds(2026)[0])) == 2026
    assert year_of(from_us(year_bounds(2026)[0] - 1)) == 2025


def test_a_profile_without_a_limit_promises_nothing() -> None:
    intervals = (Interval(START_US, START_US + DAY_US, "up"),)
    found = year_report(intervals, (), 2026, limit_percent=None)
    assert (found.allowance, found.remaining, found.forecast_within_limit) == (None, None, None)


def test_the_forecast_takes_the_rate_and_the_windows_to_come() -> None:
    half = START_US + 100 * DAY_US
    down = Interval(half - DAY_US, half, "unplanned")
    intervals = (Interval(START_US, half - DAY_US, "up"), down)
    coming = Window("w", half + DAY_US, half + 3 * DAY_US, half - DAY_US, "move", "op")
    found = year_report(intervals, [coming], 2026, limit_percent=3.0)
    assert found.totals.down == DAY_US
    rest = 265 - 2
    assert found.forecast == DAY_US + 2 * DAY_US + round(rest / 100 * DAY_US)
    assert found.forecast_within_limit is True
    assert found.allowance == round(365 * DAY_US * 0.03)
