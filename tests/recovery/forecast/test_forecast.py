"""Growth, cost and forecast: pure, so every claim is checked by calculating it the other way round."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.recovery.forecast import Cost, Growth, Measurement, cost_of
from vanvault.recovery.forecast.forecast import LIMIT_S, forecast_restores
from vanvault.recovery.forecast.growth import growth
from vanvault.recovery.work import Extent

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def steady(days: int, size: int, each_day: int = 1) -> list[tuple[datetime, int]]:
    return [(NOON - timedelta(days=day), size) for day in range(days) for _ in range(each_day)]


def test_growth_of_an_empty_archive() -> None:
    found = growth([], TODAY)
    assert (found.total, found.first, found.bytes_per_day) == (Extent(), None, 0.0)


@given(days=st.integers(1, 365), size=st.integers(1, 10**6), each_day=st.integers(1, 3))
def test_steady_growth_is_told_without_error(days: int, size: int, each_day: int) -> None:
    found = growth(steady(days, size, each_day), TODAY)
    assert found.window_days == days
    assert found.bytes_per_day == pytest.approx(size * each_day)
    assert found.objects_per_day == pytest.approx(each_day)
    assert found.total.bytes == size * found.total.objects
    if days % 12 == 0 or days < 12:
        assert found.error == pytest.approx(0, abs=1e-9)


def test_only_the_last_year_tells_the_pace() -> None:
    long_ago = [(NOON - timedelta(days=3000), 10**9)]
    found = growth(long_ago + steady(365, 100), TODAY)
    assert found.bytes_per_day == 100
    assert found.total.bytes == 10**9 + 36500
    assert found.window_days == 365


def test_uneven_growth_has_an_error() -> None:
    bursts = [(NOON - timedelta(days=day), 10**6 if day % 60 == 0 else 1) for day in range(360)]
    assert growth(bursts, TODAY).error > 0.1


@given(
    per_object=st.floats(1e-6, 1e-1),
    per_byte=st.floats(1e-10, 1e-6),
    sizes=st.lists(st.tuples(st.integers(1, 10**5), st.integers(10**3, 10**7)), min_size=2, max_size=8),
)
def test_exact_measurements_are_explained_exactly(
    per_object: float, per_byte: float, sizes: list[tuple[int, int]]
) -> None:
    """Whatever the split between objects and bytes, the measured recoveries come out as measured."""
    taken = [
        Measurement(objects, objects * mean, per_object * objects + per_byte * objects * mean)
        for objects, mean in sizes
    ]
    cost = cost_of(taken)
    assert cost is not None
    assert cost.per_object >= 0
    assert cost.per_byte >= 0
    for one in taken:
        assert cost.seconds(one.objects, one.bytes) == pytest.approx(one.seconds, rel=cost.error + 1e-6)


def test_objects_and_bytes_are_told_apart() -> None:
    cost = cost_of(
        [Measurement(1000, 10**6, 2.0), Measurement(10, 10**9, 10.01), Measurement(500, 10**8, 1.99)]
    )
    assert cost is not None
    assert cost.per_object == pytest.approx(1.99e-3, rel=0.01)
    assert cost.per_byte == pytest.approx(1e-8, rel=0.01)
    assert cost.error < 0.02


def test_one_measurement_is_doubted() -> None:
    cost = cost_of([Measurement(100, 1000, 2.0)])
    assert cost == Cost(0.0, 0.002, 0.25)


def test_nothing_measured_is_nothing_known() -> None:
    assert cost_of([]) is None
    assert cost_of([Measurement(0, 0, 1.0), Measurement(1, 1, 0.0)]) is None


def grown(size: int, per_day: float, objects: int = 1000, error: float = 0.1) -> Growth:
    return Growth(Extent(objects, size), TODAY, 365, per_day, objects * per_day / size, error)


@given(
    size=st.integers(10**6, 10**13),
    days=st.integers(1, 10**5),
    per_byte=st.floats(1e-10, 1e-6),
    error=st.floats(0, 0.9),
)
def test_the_limit_breaks_on_the_day_it_says(size: int, days: int, per_byte: float, error: float) -> None:
    found = forecast_restores(grown(size, size / days, error=error), Cost(0.0, per_byte, error), TODAY)

    def seconds(day: date) -> float:
        return per_byte * (size + size / days * (day - TODAY).days)

    if found.breaks_on is None:
        assert seconds(TODAY) + per_byte * size / days * 36525 <= LIMIT_S * 1.001
    else:
        assert seconds(found.breaks_on + timedelta(days=1)) > LIMIT_S
        assert found.breaks_on == TODAY or seconds(found.breaks_on - timedelta(days=1)) <= LIMIT_S
        assert found.breaks_earliest is not None
        assert found.breaks_earliest <= found.breaks_on
        assert found.breaks_latest is None or found.breaks_latest >= found.breaks_on
    for one in found.restores:
        assert one.low <= one.seconds * 1.0001
        assert one.seconds <= one.high * 1.0001
    assert [one.years for one in found.restores] == [0, 1, 3, 10]


def test_an_archive_that_does_not_grow_breaks_nothing() -> None:
    found = forecast_restores(grown(10**9, 0.0), Cost(0.0, 1e-8, 0.1), TODAY)
    assert found.breaks_on is None
    assert found.remedies == ()
    assert len({one.seconds for one in found.restores}) == 1


def test_each_remedy_brings_the_restore_under_the_limit() -> None:
    cost = Cost(per_object=1e-2, per_byte=1e-8, error=0.1)
    growing = grown(10**12, 10**9, objects=2 * 10**6)
    found = forecast_restores(growing, cost, TODAY)
    late = found.restores[-1]
    assert late.late(LIMIT_S)
    remedies = {one.kind: one for one in found.remedies}
    assert late.seconds / remedies["parallelism"].value == pytest.approx(LIMIT_S)
    size = remedies["larger-objects"]
    assert not size.enough  # 10 ns a byte alone is 46 ks
    assert not remedies["faster-link"].enough  # nor does the best link help 93,000 s of objects

    small = forecast_restores(growing, Cost(1e-2, 1e-9, 0.1), TODAY).remedies[1]
    total = late.bytes
    assert small.enough
    assert 1e-2 * total / small.value + 1e-9 * total == pytest.approx(LIMIT_S)

    few = grown(10**12, 10**9, objects=1000)
    link = forecast_restores(few, cost, TODAY).remedies[2]
    assert link.enough
    objects = few.total.objects + few.objects_per_day * 3652.5
    assert 1e-2 * objects + total / link.value == pytest.approx(LIMIT_S, rel=1e-3)


def test_the_verb_without_a_measurement_says_how_to_get_one(lab: Lab) -> None:
    result = run_cli(lab.home, "forecast", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["measured"], found["cost"], found["restores"]) == (0, 0, None, [])
    assert "drill run primary-lost" in result.stderr
    assert found["growth"]["objects"] == len(lab.keys())


def test_the_verb_after_a_drill(lab: Lab) -> None:
    assert run_cli(lab.home, "drill", "run", "primary-lost", "--json").exit_code == 0
    result = run_cli(lab.home, "forecast", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["measured"]) == (0, 1)
    assert [one["years"] for one in found["restores"]] == [0, 1, 3, 10]
    assert found["restores"][0]["in_time"] is True
    assert found["restores"][0]["seconds"] < found["restores"][3]["seconds"]
    assert "today" in run_cli(lab.home, "forecast").stdout


def test_growth_is_told_while_one_site_is_away(lab: Lab) -> None:
    objects = len(lab.keys())
    lab.root("standby").rename(lab.home / "away")
    found = json.loads(run_cli(lab.home, "forecast", "--json").stdout)
    assert found["growth"]["objects"] == objects
