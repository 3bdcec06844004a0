"""When the period of keeping ends that a transaction's clock started. Pure.

Years are counted in calendar days of Vietnam, and the last day is kept whole. From 29 February they end on
1 March where the year has no such day. A transaction is judged by the profile that was in force when it
closed and by every later one: the longest counts. The margin of the locks is no part of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.retention import Profile, RetentionRule
from vanvault.archiver.core.times import from_us, vietnam_day, vietnam_midnight

RetentionClass = Literal["log", "originals"]


@dataclass(frozen=True, slots=True)
class Due:
    """Until when something is owed."""

    rule: RetentionRule
    profile: str  # whose rule it is
    last_day: date  # in Vietnam
    until: datetime  # the end of that day, in UTC


def due_of(start_us: int, kept: RetentionClass, profiles: Sequence[Profile]) -> Due:
    """The latest end by any of these profiles. Raises InvalidInput: after the year 9998.

    ``profiles``: see ``profiles_between``; at least one.
    """
    begin = vietnam_day(from_us(start_us))

    def of(profile: Profile) -> Due:
        rule = profile.log if kept == "log" else profile.originals
        last = years_later(begin, rule.years)
        return Due(rule, profile.name, last, vietnam_midnight(last + timedelta(days=1)))

    return max(map(of, profiles), key=lambda due: due.until)


def years_later(day: date, years: int) -> date:
    """The same day of a later year; of 29 February, 1 March where there is none. Raises InvalidInput."""
    try:
        return day.replace(year=day.year + years)
    except ValueError as error:
        if (day.month, day.day) == (2, 29) and day.year + years <= 9998:
            return date(day.year + years, 3, 1)
        raise InvalidInput(f"a period of {years} years from {day.year} ends after 9998") from error
