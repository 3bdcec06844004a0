"""The months, quarters and halves of years that reports are about: calendar days of Vietnam. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.law import figure
from vanvault.archiver.core.times import vietnam_day, vietnam_midnight

PeriodLength = Literal["month", "quarter", "half"]

#: Months of each.
_MONTHS: dict[PeriodLength, int] = {"month": 1, "quarter": 3, "half": 6}
_EXAMPLES: dict[PeriodLength, str] = {
    "month": "2026-10 or 10/2026",
    "quarter": "2026-Q3 or Q3/2026",
    "half": "2026-H1 or H1/2026",
}
_FORMS: tuple[tuple[PeriodLength, re.Pattern[str]], ...] = (
    ("quarter", re.compile(r"(?P<year>\d{4})-Q(?P<part>[1-4])|Q(?P<part2>[1-4])/(?P<year2>\d{4})")),
    ("half", re.compile(r"(?P<year>\d{4})-H(?P<part>[12])|H(?P<part2>[12])/(?P<year2>\d{4})")),
    (
        "month",
        re.compile(r"(?P<year>\d{4})-(?P<part>0[1-9]|1[0-2])|(?P<part2>0?[1-9]|1[0-2])/(?P<year2>\d{4})"),
    ),
)
_FIRST_YEAR, _LAST_YEAR = 1971, 9997

#: A report is due before this day of the month after its period.
DUE_DAY = int(figure("accounts-reported", text="CV907-2019") or 0)


@dataclass(frozen=True, slots=True, order=True)
class ReportPeriod:
    """One of them; ``part`` counts from 1 within the year."""

    year: int
    part: int
    length: PeriodLength

    @property
    def name(self) -> str:
        """``2026-10``, ``2026-Q3``, ``2026-H1``."""
        form = {"month": "{:02}", "quarter": "Q{}", "half": "H{}"}[self.length]
        return f"{self.year}-{form.format(self.part)}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, (self.part - 1) * _MONTHS[self.length] + 1, 1)

    @property
    def months(self) -> tuple[int, ...]:
        """Its months in the year, from 1."""
        return tuple(range(self.first.month, self.first.month + _MONTHS[self.length]))

    @property
    def start(self) -> datetime:
        """Its first moment, in UTC."""
        return vietnam_midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after it, in UTC."""
        return vietnam_midnight(self.next.first)

    @property
    def due(self) -> date:
        """Its report is due before this day."""
        return self.next.first.replace(day=DUE_DAY)

    @property
    def next(self) -> ReportPeriod:
        """The period after it."""
        if self.part * _MONTHS[self.length] == 12:
            return ReportPeriod(self.year + 1, 1, self.length)
        return ReportPeriod(self.year, self.part + 1, self.length)

    @property
    def before(self) -> ReportPeriod:
        """The period before it."""
        if self.part == 1:
            return ReportPeriod(self.year - 1, 12 // _MONTHS[self.length], self.length)
        return ReportPeriod(self.year, self.part - 1, self.length)


def period_of(moment: datetime, length: PeriodLength) -> ReportPeriod:
    """The one in which a moment lies."""
    day = vietnam_day(moment)
    return ReportPeriod(day.year, (day.month - 1) // _MONTHS[length] + 1, length)


def parse_period(text: str, length: PeriodLength) -> ReportPeriod:
    """The period that a text means: ``2026-10``, ``2026-Q3``, ``2026-H1``, or ``10/2026`` and so on.

    Raises InvalidInput: another form, or a period of another length.
    """
    for found_length, form in _FORMS:
        match = form.fullmatch(text.strip().upper())
        if match is None:
            continue
        year, part = int(match["year"] or match["year2"]), int(match["part"] or match["part2"])
        if found_length == length and _FIRST_YEAR <= year <= _LAST_YEAR:
            return ReportPeriod(year, part, length)
    wanted = {"month": "a month", "quarter": "a quarter", "half": "half a year"}[length]
    raise InvalidInput(
        f"{text[:20]!r} is not {wanted}", field="period", hint=f"Write it like {_EXAMPLES[length]}."
    )
