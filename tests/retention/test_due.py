"""The last day of keeping: calendar years in Vietnam, the whole last day, the longest profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.retention import Profile, profile, profiles_between, with_years
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.retention import due_of, years_later

OLD = profile("QD08-2015")


def years(count: int) -> Profile:
    return replace(OLD, name=f"p{count}", log=replace(OLD.log, years=count))


@pytest.mark.parametrize(
    ("start", "last_day", "until"),
    [
        ("2026-11-30T10:00:00+07:00", "2036-11-30", "2036-11-30T17:00:00Z"),
        ("2024-02-29T12:00:00+07:00", "2034-03-01", "2034-03-01T17:00:00Z"),
        ("2026-12-31T16:59:59Z", "2036-12-31", "2036-12-31T17:00:00Z"),  # 23:59:59 in Vietnam
        ("2026-12-31T17:00:00Z", "2037-01-01", "2037-01-01T17:00:00Z"),  # midnight in Vietnam
    ],
)
def test_ten_years_end_with_a_day_of_vietnam(start: str, last_day: str, until: str) -> None:
    due = due_of(to_us(parse_rfc3339(start)), "log", [OLD])
    assert due.last_day.isoformat() == last_day
    assert due.until == parse_rfc3339(until)


def test_a_leap_day_that_the_later_year_has_stays() -> None:
    assert years_later(date(2024, 2, 29), 4) == date(2028, 2, 29)


@pytest.mark.parametrize("day", [date(9990, 5, 5), date(9996, 2, 29)])
def test_a_period_after_the_calendar_is_refused(day: date) -> None:
    with pytest.raises(InvalidInput, match="9998"):
        years_later(day, 10)


def test_the_longest_of_all_profiles_counts() -> None:
    start = to_us(datetime(2026, 1, 1, tzinfo=UTC))
    due = due_of(start, "log", [years(10), years(12), years(11)])
    assert (due.profile, due.last_day.year) == ("p12", 2038)


def test_originals_may_have_another_period() -> None:
    start = to_us(datetime(2026, 1, 1, tzinfo=UTC))
    longer = with_years(OLD, originals=15)
    assert due_of(start, "originals", [longer]).last_day.year == 2041
    assert due_of(start, "log", [longer]).last_day.year == 2036


def test_a_transaction_is_judged_by_the_profile_of_its_day_and_all_later_ones() -> None:
    first, last = date(2016, 1, 1), date(2026, 11, 30)
    names = [one.name for one in profiles_between(first, last, chosen=OLD)]
    assert names == ["QD08-2015", "ND166-2016", "ND164-2025"]
    assert [one.name for one in profiles_between(last, last, chosen=OLD)] == ["QD08-2015", "ND164-2025"]


def test_before_all_profiles_the_first_one_counts() -> None:
    newest = profile("ND164-2025")
    found = profiles_between(date(1999, 1, 1), date(2000, 1, 1), chosen=newest)
    assert [one.name for one in found] == ["ND164-2025", "QD08-2015"]


def test_the_setting_for_originals_holds_by_every_profile() -> None:
    found = profiles_between(date(2016, 1, 1), date(2026, 1, 1), chosen=with_years(OLD, originals=20))
    assert {one.originals.years for one in found} == {20}
    assert {one.log.years for one in found} == {10}
