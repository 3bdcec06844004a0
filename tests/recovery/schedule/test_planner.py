"""When jobs are due: single rules, then ten years of outages, failures and clocks that jump."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanvault.archiver.core.times import LONGEST_SPAN
from vanvault.recovery.schedule.lease import GRACE
from vanvault.recovery.schedule.model import LONGEST_RUN, History, Job, JobRun, Lease, Result
from vanvault.recovery.schedule.planner import (
    SKEW,
    blocking,
    due,
    offset_of,
    slot,
    standing,
    standing_or_why,
    window,
)
from vanvault.recovery.schedule.run import reach_of

ARCHIVE = "8d0f3c1e-5a7b-4c7e-9f0a-2f6a1d3b4c5d"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 11, 22, 7, tzinfo=UTC)
DAILY = Job("daily", (("verify", "--next"),), DAY, at=2 * HOUR)


def ran(job: Job, at: datetime, result: Result = "ok", code: int = 0) -> JobRun:
    return JobRun(f"{at}", job.name, "host-a", at, at + timedelta(minutes=1), result, code, 60.0)


def history(*runs: JobRun, since: datetime = START) -> History:
    found: dict[str, list[JobRun]] = defaultdict(list)
    for run in runs:
        found[run.job].append(run)
    return History(since, found)


def is_due(job: Job, now: datetime, *runs: JobRun, since: datetime = START) -> bool:
    return bool(due([job], history(*runs, since=since), now, ARCHIVE))


def test_what_a_person_asked_for_takes_no_place_of_a_scheduled_run() -> None:
    now = START + 3 * DAY
    asked = replace(ran(DAILY, now - timedelta(minutes=5)), asked="0123456789abcdef")
    without = standing(DAILY, history(), now, ARCHIVE)
    assert without.due_since is not None
    assert without.overdue_since is not None
    assert standing(DAILY, history(asked), now, ARCHIVE) == without


@given(
    st.integers(60, 40 * 86_400),
    st.integers(0, 86_399),
    st.integers(0, 40 * 86_400),
    st.integers(0, 10**9),
)
def test_slots_cut_time_without_gap_or_overlap(every: int, at: int, spread: int, later: int) -> None:
    job = Job(
        "job", (("a",),), timedelta(seconds=every), at=timedelta(seconds=at), spread=timedelta(seconds=spread)
    )
    now = START + timedelta(seconds=later)
    begun = slot(job, now, ARCHIVE)
    assert begun <= now < begun + job.every
    assert slot(job, begun, ARCHIVE) == begun
    assert slot(job, begun - timedelta(microseconds=1), ARCHIVE) == begun - job.every
    assert job.at <= offset_of(job, ARCHIVE) <= job.at + job.spread


def test_the_hour_is_that_of_the_settings_and_archives_differ() -> None:
    assert slot(DAILY, START, ARCHIVE) == START.replace(hour=2)
    weekly = replace(DAILY, every=7 * DAY)
    assert slot(weekly, START, ARCHIVE).isoweekday() == 1
    spread = replace(DAILY, spread=2 * HOUR)
    offsets = {offset_of(spread, f"archive-{n}") for n in range(50)}
    assert len(offsets) > 40
    assert all(2 * HOUR <= offset < 4 * HOUR for offset in offsets)


def test_a_new_archive_waits_for_the_first_slot() -> None:
    first = START.replace(hour=2) + DAY
    assert not is_due(DAILY, first - timedelta(seconds=1))
    assert is_due(DAILY, first)
    assert not is_due(DAILY, first + HOUR, ran(DAILY, first))
    assert is_due(DAILY, first + DAY, ran(DAILY, first))


def test_what_was_missed_is_made_up_for_once() -> None:
    month_later = START + 30 * DAY
    assert is_due(DAILY, month_later)
    assert not is_due(DAILY, month_later + HOUR, ran(DAILY, month_later))


def test_what_is_only_reported_waits_for_its_next_time_and_is_overdue() -> None:
    job = replace(DAILY, missed="report")
    begun = START.replace(hour=2) + 3 * DAY
    assert is_due(job, begun + window(job) - timedelta(seconds=1))
    late = begun + window(job)
    found = standing(job, history(), late, ARCHIVE)
    assert (found.due_since, found.next_at) == (None, begun + DAY)
    assert found.overdue_since is not None


def test_a_stopped_run_is_due_again_and_no_failure() -> None:
    begun = START.replace(hour=2) + DAY
    found = standing(DAILY, history(ran(DAILY, begun, "stopped", 130)), begun + HOUR, ARCHIVE)
    assert found.due_since == begun
    assert not found.failing


@pytest.mark.parametrize(
    ("result", "code", "again"),
    [("failed", 10, True), ("failed", 8, True), ("failed", 3, False), ("overran", 130, False)],
)
def test_what_could_not_be_done_is_tried_again(result: Result, code: int, again: bool) -> None:
    begun = START.replace(hour=2) + DAY
    bad = ran(DAILY, begun, result, code)
    retry = bad.finished + HOUR
    assert not is_due(DAILY, retry - timedelta(seconds=1), bad)
    assert is_due(DAILY, retry, bad) == again
    found = standing(DAILY, history(bad), begun + timedelta(minutes=30), ARCHIVE)
    assert found.next_at == (retry if again else begun + DAY)
    assert found.failing


def test_overdue_counts_from_the_last_good_run() -> None:
    begun = START.replace(hour=2) + DAY
    good = ran(DAILY, begun)
    bad = ran(DAILY, begun + DAY, "failed", 3)
    end = begun + DAY + DAILY.deadline + DAY / 10
    assert standing(DAILY, history(good, bad), end - timedelta(seconds=1), ARCHIVE).overdue_since is None
    assert standing(DAILY, history(good, bad), end, ARCHIVE).overdue_since == end


def test_a_run_from_the_future_counts_for_nothing() -> None:
    begun = START.replace(hour=2) + DAY
    future = ran(DAILY, begun + 300 * DAY)
    assert is_due(DAILY, begun, future)
    assert not is_due(DAILY, begun + HOUR, future, ran(DAILY, begun))
    assert not is_due(DAILY, begun, ran(DAILY, begun + SKEW / 2)), "another host's clock is a little ahead"


def test_who_waited_longest_is_first() -> None:
    jobs = [replace(DAILY, name=f"at-{hour}", at=hour * HOUR) for hour in (3, 1, 2)]
    now = START.replace(hour=5) + DAY
    assert [job.name for job in due(jobs, history(), now, ARCHIVE)] == ["at-1", "at-2", "at-3"]


def test_leases_of_others_block_until_they_end() -> None:
    lease = Lease("r", "daily", "node-b", "host-b", START, START + HOUR)
    assert blocking("daily", [lease], "node-a", START) == lease
    assert blocking("daily", [lease], "node-a", START + HOUR + SKEW) is None
    assert blocking("daily", [lease], "node-b", START) is None, "its own lock says that it is over"
    assert blocking("other", [lease], "node-a", START) is None


class World:
    """Nodes that come and go, a clock that may be wrong, and a job that may fail."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.runs: list[JobRun] = []

    def look(self, believed: datetime, result: Result, code: int) -> JobRun | None:
        recent = history(*self.runs[-12:], since=START)
        if not due([self.job], recent, believed, ARCHIVE):
            return None
        self.runs.append(ran(self.job, believed, result, code))
        return self.runs[-1]


@st.composite
def outages(draw: st.DrawFn) -> list[tuple[int, int]]:
    """(first hour, hours) in ten years."""
    lengths = st.one_of(st.integers(1, 48), st.integers(49, 24 * 90))
    return draw(st.lists(st.tuples(st.integers(0, 87_000), lengths), max_size=12))


@settings(max_examples=5)
@given(outages(), st.sampled_from((1, 7, 30)), st.integers(0, 5))
def test_every_slot_of_ten_years_has_one_run(away: list[tuple[int, int]], days: int, seed: int) -> None:
    """Every slot in which a node was up had exactly one run; an outage is made up for exactly once."""
    job = replace(DAILY, every=days * DAY, spread=HOUR)
    world = World(job)
    down = {hour for first, length in away for hour in range(first, first + length)}
    looks = []
    for hour in range(0, 10 * 365 * 24, 6):
        if hour not in down:
            now = START + timedelta(hours=hour, minutes=seed)
            looks.append(now)
            world.look(now, "ok", 0)
    slots = [slot(job, run.started, ARCHIVE) for run in world.runs]
    assert len(slots) == len(set(slots)), "never two runs for one slot"
    first = slot(job, START, ARCHIVE)
    expected = sorted({slot(job, now, ARCHIVE) for now in looks} - {first})
    assert slots == expected, "none left out in which somebody looked"
    for run in world.runs:
        begun = slot(job, run.started, ARCHIVE)
        assert run.started == next(now for now in looks[bisect_of(looks, begun) :]), "at the first look"


def bisect_of(looks: list[datetime], moment: datetime) -> int:
    return bisect_left(looks, moment)


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(1, 100), st.sampled_from((-400, -30, -1, 1, 30, 400))),
        max_size=3,
    ),
    st.lists(st.sampled_from((0, 0, 0, 3, 10, 130)), min_size=1, max_size=20),
)
def test_clocks_that_jump_stop_no_job(jumps: list[tuple[int, int, int]], codes: list[int]) -> None:
    """While the clock is right the job runs once for each slot, but for tries again.

    A run that a wrong clock had may be tried again in the slots next to it, by its time and by the real one.
    """
    world = World(DAILY)
    names: dict[int, Result] = {0: "ok", 3: "failed", 10: "failed", 130: "stopped"}
    real: dict[datetime, list[JobRun]] = defaultdict(list)
    claimed = set()  # slots for which a wrong clock put a run on record
    beside = set()  # slots in which such a run may be tried again
    for hour in range(0, 100 * 24, 2):
        now = START + timedelta(hours=hour)
        off = next((days for first, length, days in jumps if first <= hour < first + length), 0)
        code = codes[len(world.runs) % len(codes)]
        run = world.look(now + timedelta(days=off), names[code], code)
        if run is None:
            continue
        if off:
            claimed.add(slot(DAILY, run.started, ARCHIVE))
            for moment in (slot(DAILY, now, ARCHIVE), slot(DAILY, run.started, ARCHIVE)):
                beside.update((moment, moment + DAY))
        else:
            real[slot(DAILY, now, ARCHIVE)].append(run)
    for moment, runs in real.items():
        again = all(one.may_be_retried or one.result == "stopped" for one in runs[:-1])
        assert again or moment in beside
    last_jump = max((first + length for first, length, _ in jumps), default=0)
    moment = slot(DAILY, START + timedelta(hours=last_jump), ARCHIVE) + DAY
    while moment < START + 99 * DAY:
        assert moment in real or moment in claimed
        moment += DAY


LAST_DATE = datetime(9998, 12, 31, tzinfo=UTC)


@given(
    st.timedeltas(timedelta(seconds=1), LONGEST_SPAN),
    st.timedeltas(timedelta(seconds=1), LONGEST_RUN),
    st.integers(631_152_000, 7_258_118_400),  # 1990 to 2200
    st.sampled_from(["ok", "failed", "stopped"]),
)
def test_any_job_that_is_accepted_has_its_next_time_whatever_is_on_record(
    every: timedelta, deadline: timedelta, seconds: int, result: Result
) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    job = replace(DAILY, every=every, deadline=deadline, spread=every)
    run = replace(ran(job, now - HOUR, result, 10), finished=LAST_DATE)  # a clock was wrong
    lease = Lease("r", job.name, "another", "host-b", datetime(1970, 1, 1, tzinfo=UTC), LAST_DATE)
    found = standing(job, history(run), now, ARCHIVE)
    assert found.next_at >= now
    assert now - reach_of([job]) < now < now + deadline + GRACE
    assert blocking(job.name, [lease], "own", now) == lease


def test_a_job_that_cannot_be_planned_is_told_and_raises_nothing() -> None:
    endless = replace(DAILY, every=timedelta.max)
    assert "cannot be computed" in str(standing_or_why(endless, history(), START, ARCHIVE))
