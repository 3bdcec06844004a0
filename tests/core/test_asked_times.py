"""Periods as people write them become exact times, in the zone of the archive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.asked_times import CalendarZone, days_of, exact_times
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_rfc3339

VIETNAM = CalendarZone.of("Asia/Ho_Chi_Minh")
MARCH = (date(2026, 3, 1), date(2026, 4, 1))
QUARTER = (date(2026, 1, 1), date(2026, 4, 1))
DAY = (date(2026, 3, 31), date(2026, 4, 1))

WRITTEN = [
    *(
        (text, MARCH)
        for text in ("2026-03", "03/2026", "3/2026", "03-2026", "2026/3", "Tháng 3/2026", "T3/2026")
    ),
    *((text, QUARTER) for text in ("Q1/2026", "q1/2026", "2026-Q1", "2026Q1", "Quý 1/2026", "QUÝ I/2026")),
    *((text, DAY) for text in ("2026-03-31", "31/03/2026", "31-3-2026", "ngày 31/03/2026", " 31/03/2026 ")),
    ("Qu\u0079\u0301 1/2026", QUARTER),  # the accent decomposed
    ("2026", (date(2026, 1, 1), date(2027, 1, 1))),
    ("năm 2026", (date(2026, 1, 1), date(2027, 1, 1))),
    ("2026-Q4", (date(2026, 10, 1), date(2027, 1, 1))),
    ("2026-H2", (date(2026, 7, 1), date(2027, 1, 1))),
    ("01/2026..03/2026", QUARTER),
    ("2026-03-01..2026-03-31", MARCH),
    ("01/2026 - 03/2026", QUARTER),
    ("01/2026 \u2013 03/2026", QUARTER),
    ("2026-03-01 - 31-03-2026", MARCH),
    ("01/2026 .. 03/2026", QUARTER),
]


@pytest.mark.parametrize(("text", "days"), WRITTEN)
def test_a_period_in_any_spelling(text: str, days: tuple[date, date]) -> None:
    found = days_of(text)
    assert (found.first, found.after) == days


@pytest.mark.parametrize(
    "text",
    ["", "March", "13/2026", "00/2026", "2026-02-30", "Q5/2026", "1900", "9999", "2026..2025", "2026..",
     "..2026", "01/2026 - ", "2026 - 2025", "01/2026-03/2026", "1/2026 - 2/2026 - 3/2026",
     "2026-03-31T00:00:00Z", "٢٠٢٦", "2026-03" * 100],
)  # fmt: skip
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        days_of(text)
    assert refused.value.field == "during"


def test_march_in_vietnam_begins_seven_hours_before_that_of_utc() -> None:
    assert exact_times([("state", "paid"), ("during", "03/2026")], VIETNAM) == [
        ("state", "paid"),
        ("from", "2026-03-01T00:00:00+07:00"),
        ("to", "2026-04-01T00:00:00+07:00"),
    ]


def test_a_date_is_a_day_of_the_zone_and_a_time_keeps_its_own() -> None:
    given = [("from", "2026-03-01"), ("to", "2026-03-31T12:00:00Z")]
    assert exact_times(given, VIETNAM) == [("from", "2026-03-01T00:00:00+07:00"), given[1]]
    assert exact_times(given, CalendarZone.of("UTC"))[0] == ("from", "2026-03-01T00:00:00+00:00")
    assert exact_times([("from", "1970-01-01")], VIETNAM) == [("from", "1970-01-01T07:00:00+07:00")]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ([("during", "2026"), ("to", "2026-03-01")], "during"),
        ([("during", "2026"), ("during", "2026")], "during"),
        ([("from", "2026-02-30")], "from"),
    ],
)
def test_times_that_do_not_go_together(parameters: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        exact_times(parameters, VIETNAM)
    assert refused.value.field == field


@given(st.dates(date(1971, 1, 1), date(9997, 12, 31)), st.integers(-14 * 60, 14 * 60))
def test_a_day_has_24_hours_in_every_zone_and_its_own_noon(day: date, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    zone = CalendarZone.of(f"{sign}{hours:02}:{rest:02}")
    (_, begin), (_, end) = exact_times([("during", day.isoformat())], zone)
    first, after = parse_rfc3339(begin), parse_rfc3339(end)
    assert after - first == timedelta(days=1)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(minutes=minutes)
    assert first < noon < after


@pytest.mark.parametrize("name", ["", "Mars", "+7", "+15:00", "Europe/Paris", "utc"])
def test_a_zone_that_is_not_known_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        CalendarZone.of(name)
