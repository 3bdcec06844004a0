"""Spans of time as people ask for them, made exact: days, months, quarters and years of one calendar. Pure.

A date without a zone is a day where the archive is, and not one of UTC: what was received on 1 April at 06:00
in Vietnam is not of March. What comes out has an offset, so that what goes on record means the same for ever.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import VIETNAM, parse_rfc3339

#: The zone of Vietnam by its name; other zones are written as offsets, which need no table of the machine.
VIETNAM_ZONE = "Asia/Ho_Chi_Minh"
#: Parameters that say of which time something is asked.
TIME_PARAMETERS = ("from", "to", "during")

_OFFSET = re.compile(r"([+-])(0[0-9]|1[0-4]):([0-5][0-9])", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1971, 9997
_DAY = timedelta(days=1)
#: Between two periods: dots, or a dash with blanks around it; a dash without blanks is of a date.
_BETWEEN = re.compile(r"\.\.|\s+[-\u2013\u2014]\s+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HINT = (
    "Write a day (2026-03-31, 31/03/2026), a month (2026-03, 03/2026), a quarter (Q1/2026, Quý 1/2026),"
    " half a year (2026-H1), a year (2026), or two of them with .. between:"
    " 01/2026..03/2026, 01/2026 - 03/2026."
)
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}


@dataclass(frozen=True, slots=True)
class CalendarZone:
    """Whose days dates without a zone are."""

    name: str
    offset: tzinfo

    @classmethod
    def of(cls, name: str) -> CalendarZone:
        """From ``Asia/Ho_Chi_Minh``, ``UTC`` or an offset such as ``+07:00``. Raises InvalidInput."""
        match = _OFFSET.fullmatch(name)
        if match is not None:
            span = timedelta(hours=int(match[2]), minutes=int(match[3]))
            return cls(name, timezone(span if match[1] == "+" else -span))
        if name == "UTC":
            return cls(name, UTC)
        if name == VIETNAM_ZONE:
            return cls(name, VIETNAM)
        raise InvalidInput(
            f"{name[:40]!r} is no zone that is known here",
            field="time_zone",
            hint=f"Write {VIETNAM_ZONE}, UTC, or an offset such as +07:00.",
        )

    def begin(self, day: date) -> str:
        """The first moment of a day, as RFC 3339 with the zone's offset."""
        moment = datetime(day.year, day.month, day.day, tzinfo=self.offset)
        return max(moment, _EPOCH.astimezone(self.offset)).isoformat()

    def told(self, moment: datetime) -> str:
        """A moment in this zone, as RFC 3339 with its offset, to the second or the microsecond."""
        return moment.astimezone(self.offset).isoformat()


@dataclass(frozen=True, slots=True)
class AskedDays:
    """Whole days: ``after`` is the first one that is not of them."""

    first: date
    after: date


def days_of(text: str, *, field: str = "during") -> AskedDays:
    """The days of a period as people write it: day, month, quarter, half, year, ``A..B`` or ``A - B``.

    Raises InvalidInput: it is none, or its end is before its begin.
    """
    begin, *end = _BETWEEN.split(text, maxsplit=1)
    first = _period(begin, field)
    if not end:
        return first
    last = _period(end[0], field)
    if last.after <= first.first:
        raise InvalidInput(f"{field} ends before it begins", field=field, hint=_HINT)
    return AskedDays(first.first, last.after)


def exact_times(given: Iterable[tuple[str, str]], zone: CalendarZone) -> list[tuple[str, str]]:
    """Parameters whose ``from`` and ``to`` have an offset, and no ``during``, which became both.

    A date means its first moment in the zone; other values are left for those who check them. ``to`` is not
    included, as everywhere; the whole of the last day is asked for by ``during``.

    Raises InvalidInput: ``during`` is no period, is given twice, or beside ``from`` or ``to``.
    """
    parameters = list(given)
    asked = [value for name, value in parameters if name == "during"]
    if not asked:
        return [(name, _exact(name, value, zone)) for name, value in parameters]
    if len(asked) > 1:
        raise InvalidInput("during is given twice", field="during")
    if any(name in ("from", "to") for name, _ in parameters):
        raise InvalidInput("during says from when and to when already", field="during", hint="Leave one out.")
    days = days_of(asked[0])
    others = [(name, value) for name, value in parameters if name != "during"]
    return [*others, ("from", zone.begin(days.first)), ("to", zone.begin(days.after))]


def is_day(text: str) -> bool:
    """Is this a date alone, which the zone makes a moment of?"""
    return len(text) == 10 and text[4] == "-" == text[7]


def _exact(name: str, value: str, zone: CalendarZone) -> str:
    if name not in ("from", "to") or not is_day(value):
        return value
    parse_rfc3339(value, field=name)  # raises, where no calendar has this day
    return zone.begin(date.fromisoformat(value))


def _period(text: str, field: str) -> AskedDays:
    # Compatibility forms, for full-width digits; the accents of quý, tháng and năm composed.
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    for form, make in _FORMS:
        match = form.fullmatch(plain)
        if match is None:
            continue
        try:
            found = make(match)
        except ValueError:
            break
        if found.first.year >= _FIRST_YEAR and found.after.year <= _LAST_YEAR + 1:
            return found
        raise InvalidInput(f"{field} is outside the years {_FIRST_YEAR} to {_LAST_YEAR}", field=field)
    raise InvalidInput(f"{field} is no period that is known here", field=field, hint=_HINT)


def _day(match: re.Match[str]) -> AskedDays:
    day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    return AskedDays(day, day + _DAY)


def _months(length: int) -> Callable[[re.Match[str]], AskedDays]:
    """Makes the days of the part that a match names, where each part of a year has so many months."""

    def make(match: re.Match[str]) -> AskedDays:
        part = _ROMAN.get(match["p"]) or int(match["p"])
        year, begin = int(match["y"]), (part - 1) * length
        after = begin + length
        return AskedDays(date(year, begin + 1, 1), date(year + after // 12, after % 12 + 1, 1))

    return make


def _year(match: re.Match[str]) -> AskedDays:
    year = int(match["y"])
    return AskedDays(date(year, 1, 1), date(year + 1, 1, 1))


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_Y = r"(?P<y>[0-9]{4})"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], AskedDays]], ...] = (
    (_form(rf"{_Y}-(?P<m>[0-9]{{1,2}})-(?P<d>[0-9]{{1,2}})"), _day),
    (_form(rf"(?:ngày )?(?P<d>[0-9]{{1,2}})[/.-](?P<m>[0-9]{{1,2}})[/.-]{_Y}"), _day),
    (_form(rf"{_Y}[-/.](?P<p>[0-9]{{1,2}})"), _months(1)),
    (_form(rf"(?:tháng ?|t)?(?P<p>[0-9]{{1,2}})[/.-]{_Y}"), _months(1)),
    (_form(rf"{_Y}-?q(?P<p>[1-4])"), _months(3)),
    (_form(rf"(?:q|quý ?)(?P<p>[1-4]|i{{1,3}}|iv)[/. -]{_Y}"), _months(3)),
    (_form(rf"{_Y}-?h(?P<p>[12])"), _months(6)),
    (_form(rf"h(?P<p>[12])[/-]{_Y}"), _months(6)),
    (_form(rf"(?:năm )?{_Y}"), _year),
)
