"""Times as RFC 3339 has them, and nothing that ISO 8601 has besides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import from_us, parse_rfc3339, rfc3339_us, to_us

GOOD = [
    ("1985-04-12T23:20:50.52Z", datetime(1985, 4, 12, 23, 20, 50, 520_000, UTC)),
    ("1996-12-19T16:39:57-08:00", datetime(1996, 12, 20, 0, 39, 57, 0, UTC)),
    ("1990-12-31T23:59:60Z", datetime(1991, 1, 1, tzinfo=UTC)),
    ("1990-12-31T15:59:60-08:00", datetime(1991, 1, 1, tzinfo=UTC)),
    ("1990-12-31T23:59:60.9z", datetime(1991, 1, 1, tzinfo=UTC)),
    ("1937-01-01T12:00:27.87+00:20", None),  # a good time, before the years that are taken
    ("2026-11-22t08:30:00z", datetime(2026, 11, 22, 8, 30, tzinfo=UTC)),
    ("2026-11-22 08:30:00+07:00", datetime(2026, 11, 22, 1, 30, tzinfo=UTC)),
    ("2026-11-22T08:30:00-00:00", datetime(2026, 11, 22, 8, 30, tzinfo=UTC)),
    ("2026-11-22T08:30:00.123456789012Z", datetime(2026, 11, 22, 8, 30, 0, 123_456, UTC)),
    ("2024-02-29T00:00:00+23:59", datetime(2024, 2, 28, 0, 1, tzinfo=UTC)),
]
BAD = [
    "",
    "yesterday",
    "2026-W47-7",
    "2026-W47-7T08:30:00Z",
    "2026-327",
    "2026-327T08:30:00Z",
    "20261122",
    "20261122T083000Z",
    "2026-11-22T08:30Z",
    "2026-11-22T08Z",
    "2026-11-22T08:30:00,5Z",
    "2026-11-22T08:30:00.Z",
    "2026-11-22T08:30:00+0700",
    "2026-11-22T08:30:00+07",
    "2026-11-22T08:30:00+07:00:30",
    "2026-11-22T08:30:00 07:00",
    "2026-11-22T08:30:00+24:00",
    "2026-11-22T08:30:00+07:60",
    "2026-11-22T24:00:00Z",
    "2026-11-22T08:60:00Z",
    "2026-11-22T08:30:60Z",
    "2026-11-22T23:59:60Z",
    "2026-12-31T23:59:61Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-11-22_08:30:00Z",
    "2026-11-22T08:30:00Zz",
    " 2026-11-22T08:30:00Z",
    "2026-11-22T08:30:00Z\n",
    "٢٠٢٦-11-22T08:30:00Z",
    "2026-11-22T08:30:00." + "1" * 500 + "Z",
]


@pytest.mark.parametrize(("text", "moment"), [one for one in GOOD if one[1]])
def test_what_the_rfc_has_is_taken(text: str, moment: datetime) -> None:
    assert parse_rfc3339(text) == moment


@pytest.mark.parametrize("text", BAD)
def test_what_the_rfc_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="at ") as failure:
        parse_rfc3339(text, field="at")
    assert failure.value.field == "at"
    assert "2026-11-22T08:30:00+07:00" in failure.value.hint


@pytest.mark.parametrize("text", ["2026-11-22T08:30:00", "2026-11-22t08:30:00.5"])
def test_a_time_without_an_offset_says_so(text: str) -> None:
    with pytest.raises(InvalidInput, match="no offset"):
        parse_rfc3339(text)


def test_a_date_alone_is_its_first_moment_where_a_date_will_do() -> None:
    assert parse_rfc3339("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="no offset"):
        parse_rfc3339("2026-11-22", date_alone=False)


@pytest.mark.parametrize(
    "text", ["1937-01-01T12:00:27.87+00:20", "0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00"]
)
def test_years_that_no_archive_has_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="1970 to 9998"):
        parse_rfc3339(text)


@given(
    st.integers(10**15, 253 * 10**15),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_every_time_that_python_writes_comes_back(us: int, minutes: int) -> None:
    there = from_us(us).astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_rfc3339(there.isoformat()) == there
    assert from_us(to_us(parse_rfc3339(rfc3339_us(to_us(there))))) == there
