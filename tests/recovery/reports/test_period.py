"""Months, quarters and halves of years: how people write them, and when their reports are due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import InvalidInput
from vanvault.recovery.reports.period import PeriodLength, ReportPeriod, parse_period, period_of

MOMENTS = st.integers(315_532_800, 7_258_118_400).map(lambda second: datetime.fromtimestamp(second, UTC))
LENGTHS = st.sampled_from(["month", "quarter", "half"])


@pytest.mark.parametrize(
    ("text", "length", "name"),
    [
        ("2026-Q3", "quarter", "2026-Q3"),
        ("Q3/2026", "quarter", "2026-Q3"),
        ("q3/2026", "quarter", "2026-Q3"),
        ("2026-10", "month", "2026-10"),
        ("10/2026", "month", "2026-10"),
        ("3/2026", "month", "2026-03"),
        ("2026-H1", "half", "2026-H1"),
        ("H2/2026", "half", "2026-H2"),
    ],
)
def test_a_period_is_written_in_either_way(text: str, length: PeriodLength, name: str) -> None:
    assert parse_period(text, length).name == name


@pytest.mark.parametrize(
    "text", ["2026", "2026-13", "0/2026", "2026-Q5", "Q3-2026", "2026-H3", "0999-10", "", "10/26"]
)
def test_what_is_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_period(text, "month")
    assert "2026-10" in refused.value.hint


def test_a_quarter_is_no_month() -> None:
    with pytest.raises(InvalidInput, match="is not a month"):
        parse_period("2026-Q3", "month")


def test_a_quarter_begins_at_midnight_in_vietnam_and_is_due_before_the_10th() -> None:
    quarter = ReportPeriod(2026, 4, "quarter")
    assert quarter.start == datetime(2026, 9, 30, 17, tzinfo=UTC)
    assert quarter.end == datetime(2026, 12, 31, 17, tzinfo=UTC)
    assert quarter.due == date(2027, 1, 10)
    assert ReportPeriod(2026, 1, "half").due == date(2026, 7, 10)
    assert ReportPeriod(2026, 10, "month").months == (10,)


@given(MOMENTS, LENGTHS)
def test_every_moment_lies_in_one_period_and_each_follows_the_one_before(
    moment: datetime, length: PeriodLength
) -> None:
    found = period_of(moment, length)
    assert found.start <= moment < found.end
    assert parse_period(found.name, length) == found
    assert found.next.start == found.end
    assert found.next.before == found.before.next == found
    assert period_of(found.end - timedelta(microseconds=1), length) == found
