"""Retention profiles: dates, figures, and the arithmetic of ten years."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.retention import (
    RetentionRule,
    profile,
    retain_until,
    with_years,
)

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEN_YEARS = RetentionRule(10, 0, "test")


def test_the_three_profiles_follow_each_other_without_a_gap() -> None:
    found = [profile(name) for name in ("QD08-2015", "ND166-2016", "ND164-2025")]
    assert [one.in_force_until for one in found] == [date(2017, 3, 1), date(2025, 7, 1), None]
    for earlier, later in itertools.pairwise(found):
        assert earlier.in_force_until == later.in_force_from


@pytest.mark.parametrize(("name", "percent"), [("QD08-2015", 3.0), ("ND166-2016", 2.0), ("ND164-2025", None)])
def test_each_profile_keeps_ten_years_and_cites_its_source(name: str, percent: float | None) -> None:
    found = profile(name)
    assert (found.log.years, found.originals.years) == (10, 10)
    assert found.log.margin_days == found.originals.margin_days == 366
    assert found.downtime_limit_percent == percent
    assert found.sources
    assert found.log.source
    assert found.originals.source


def test_an_unknown_profile_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError) as caught:
        profile("QD-2099")
    assert "ND164-2025" in caught.value.hint


def test_settings_may_lengthen_the_log_but_not_shorten_it() -> None:
    base = profile("QD08-2015")
    assert with_years(base, log=15).log.years == 15
    with pytest.raises(SettingsError):
        with_years(base, log=9)


def test_settings_choose_the_years_of_originals_and_the_source_says_so() -> None:
    changed = with_years(profile("QD08-2015"), originals=5)
    assert changed.originals.years == 5
    assert changed.originals.source.startswith("settings")
    assert changed.log == profile("QD08-2015").log
    with pytest.raises(SettingsError):
        with_years(changed, originals=0)


def test_the_same_years_are_no_change() -> None:
    base = profile("QD08-2015")
    assert with_years(base, log=10, originals=10) == base


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC), datetime(2036, 11, 22, 1, 2, 3, tzinfo=UTC)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2034, 3, 1, 12, tzinfo=UTC)),
        (datetime(2026, 11, 22, 1, 2, 3, 1, tzinfo=UTC), datetime(2036, 11, 22, 1, 2, 4, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 59, 59, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)),
        # On 29 February only by the second that rounding adds.
        (datetime(2024, 2, 28, 23, 59, 59, 1, tzinfo=UTC), datetime(2034, 3, 1, tzinfo=UTC)),
        # 1 March in Vietnam is still 29 February in UTC.
        (datetime(2024, 3, 1, 5, tzinfo=timezone(timedelta(hours=7))), datetime(2034, 3, 1, 22, tzinfo=UTC)),
    ],
)
def test_ten_calendar_years(start: datetime, end: datetime) -> None:
    assert retain_until(TEN_YEARS, start) == end


def test_from_leap_day_to_leap_day() -> None:
    rule = RetentionRule(4, 0, "test")
    leap_day = datetime(2024, 2, 29, tzinfo=UTC)
    assert retain_until(rule, leap_day) == datetime(2028, 2, 29, tzinfo=UTC)


def test_the_margin_comes_on_top() -> None:
    start = datetime(2026, 11, 22, tzinfo=UTC)
    assert retain_until(RetentionRule(10, 366, "test"), start) == datetime(2037, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("name", ["QD08-2015", "ND166-2016", "ND164-2025"])
def test_a_transaction_that_closes_within_a_year_of_its_messages_is_kept_its_ten_years(name: str) -> None:
    """The law counts from the success of a transaction, the lock from the arrival of its bytes."""
    for day in range(8 * 366):
        arrived = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
        closed = arrived + timedelta(days=366 if is_leap_within(arrived) else 365)
        for rule in (profile(name).log, profile(name).originals):
            assert retain_until(rule, arrived) >= retain_until(TEN_YEARS, closed)


def is_leap_within(start: datetime) -> bool:
    """Has the year that begins then a 29 February?"""
    return (start + timedelta(days=365)).day != start.day


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(InvalidInput):
        retain_until(TEN_YEARS, datetime(2026, 1, 1))  # noqa: DTZ001


def test_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidInput):
        retain_until(TEN_YEARS, datetime(9995, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidInput):
        retain_until(RetentionRule(1, 366, "test"), datetime(9998, 6, 1, tzinfo=UTC))


@given(
    start=MOMENTS,
    years=st.integers(0, 100),
    margin=st.integers(0, 1000),
)
def test_never_too_short_and_in_whole_seconds(start: datetime, years: int, margin: int) -> None:
    end = retain_until(RetentionRule(years, margin, "test"), start)
    assert end.microsecond == 0
    assert end.tzinfo is UTC
    assert end - start >= timedelta(days=365 * years + margin)
    assert end - start <= timedelta(days=366 * years + margin, seconds=1)


@given(
    one=MOMENTS,
    other=MOMENTS,
)
def test_what_starts_later_ends_no_earlier(one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    assert retain_until(TEN_YEARS, first) <= retain_until(TEN_YEARS, second)
