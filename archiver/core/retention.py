"""Legal rules of keeping, as dated profiles. Pure.

A profile is chosen in the settings by name. Its figures come from the texts it cites; where no
clause is known, a field says so instead of guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from vanvault.archiver.core.errors import InvalidInput, SettingsError

#: Days that every lock is longer than the law asks.
#:
#: The law's ten years start when a transaction succeeds, but a lock is set when its bytes arrive. A
#: year and a day covers every transaction that closes within a year of its messages, so the keeper
#: has to extend only the locks of the few that stay open longer. It also swallows smaller doubts: a
#: host clock that is off, and the law's calendar being Vietnam's (UTC+7) where the archive's is UTC.
MARGIN_DAYS = 366


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long a class of objects is kept: calendar years from its start, and days on top."""

    years: int
    margin_days: int
    source: str  # the text that asks for it


@dataclass(frozen=True, slots=True)
class Profile:
    """The legal rules of a period."""

    name: str
    in_force_from: date
    in_force_until: date | None  # the first day on which it no longer holds; None: still in force
    log: RetentionRule  # events; from the success of the transaction
    originals: RetentionRule  # messages and results; from their receipt
    downtime_limit_percent: float | None  # of a year's hours; None: no clause known
    sources: tuple[str, ...]


def profile(name: str) -> Profile:
    """The profile with this name. Raises SettingsError, which lists the names there are."""
    found = _PROFILES.get(name)
    if found is None:
        raise SettingsError(
            f"there is no retention profile {name!r}", hint=f"Choose one of {', '.join(_PROFILES)}."
        )
    return found


def with_years(base: Profile, *, log: int | None = None, originals: int | None = None) -> Profile:
    """``base`` with other periods; the log's may only be longer. Raises SettingsError."""
    changed = base
    if log is not None:
        if log < base.log.years:
            raise SettingsError(f"{base.name} asks to keep the log {base.log.years} years, not {log}")
        changed = replace(changed, log=_overridden(base.log, log))
    if originals is not None:
        if originals < 1:
            raise SettingsError("originals are kept for at least one year")
        changed = replace(changed, originals=_overridden(base.originals, originals))
    return changed


def retain_until(rule: RetentionRule, start: datetime) -> datetime:
    """The end of the period that starts at ``start`` (aware): UTC, rounded up to whole seconds.

    Years are calendar years; from 29 February they end on 1 March where the year has no such day,
    so that nothing is kept too short. Raises InvalidInput if ``start`` is naive or the end is beyond 9999.
    """
    if start.tzinfo is None:
        raise InvalidInput("the start of a retention period needs a time zone", field="start")
    begin = rounded_up(start)
    year = begin.year + rule.years
    try:
        if (begin.month, begin.day) == (2, 29) and not _is_leap(year):
            end = begin.replace(year=year, month=3, day=1)
        else:
            end = begin.replace(year=year)
        return end + timedelta(days=rule.margin_days)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"a period of {rule.years} years from {begin.year} ends after 9999") from error


def rounded_up(moment: datetime) -> datetime:
    """UTC, in whole seconds, not earlier."""
    begin = moment.astimezone(UTC)
    return begin.replace(microsecond=0) + timedelta(seconds=1) if begin.microsecond else begin


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _overridden(rule: RetentionRule, years: int) -> RetentionRule:
    if years == rule.years:
        return rule
    return replace(rule, years=years, source=f"settings, in place of: {rule.source}")


_LOG_QD08 = RetentionRule(
    10, MARGIN_DAYS, "Decision 08/2015/QĐ-TTg: transaction log 10 years from the moment of success"
)
_ORIGINALS_QD08 = RetentionRule(
    10,
    MARGIN_DAYS,
    "Decision 08/2015/QĐ-TTg: originals kept and accessible online, no period stated; as long as the log",
)
_CARRIED_OVER = "no clause of its own is known; carried over from Decision 08/2015/QĐ-TTg"

_PROFILES = {
    found.name: found
    for found in (
        Profile(
            name="QD08-2015",
            in_force_from=date(2015, 5, 1),
            in_force_until=date(2017, 3, 1),
            log=_LOG_QD08,
            originals=_ORIGINALS_QD08,
            downtime_limit_percent=3.0,
            sources=("Decision 08/2015/QĐ-TTg of 9 March 2015, in force from 1 May 2015",),
        ),
        Profile(
            name="ND166-2016",
            in_force_from=date(2017, 3, 1),
            in_force_until=date(2025, 7, 1),
            log=replace(_LOG_QD08, source=f"Decree 166/2016/NĐ-CP: {_CARRIED_OVER}"),
            originals=replace(_ORIGINALS_QD08, source=f"Decree 166/2016/NĐ-CP: {_CARRIED_OVER}"),
            downtime_limit_percent=2.0,
            sources=("Decree 166/2016/NĐ-CP of 24 December 2016, article 6(1), by secondary sources",),
        ),
        Profile(
            name="ND164-2025",
            in_force_from=date(2025, 7, 1),
            in_force_until=None,
            log=replace(_LOG_QD08, source=f"Decree 164/2025/NĐ-CP: {_CARRIED_OVER}"),
            originals=replace(_ORIGINALS_QD08, source=f"Decree 164/2025/NĐ-CP: {_CARRIED_OVER}"),
            downtime_limit_percent=None,
            sources=("Decree 164/2025/NĐ-CP, in force from 1 July 2025, by secondary sources",),
        ),
    )
}
