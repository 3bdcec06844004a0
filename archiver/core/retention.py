"""Legal rules of keeping, as dated profiles. Pure.

A profile is chosen in the settings by name. Its figures come from the table of legal duties, which it cites;
where no clause is known, a field says so instead of guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.law import DUTIES, TEXTS, citation, figure

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


def profiles_between(first: date, last: date, *, chosen: Profile) -> tuple[Profile, ...]:
    """``chosen``, and all that were in force on any of these days; before the first of all, that one.

    Each has the period for originals that ``chosen`` has where the settings changed it.
    """
    dated = sorted(_PROFILES.values(), key=lambda one: one.in_force_from)
    found = [
        one
        for one in dated
        if one.in_force_from <= last and (one.in_force_until is None or first < one.in_force_until)
    ]
    own = _PROFILES.get(chosen.name)
    changed = own is not None and own.originals.years != chosen.originals.years
    years = chosen.originals.years if changed else None
    others = (one for one in found or dated[:1] if one.name != chosen.name)
    return (chosen, *(with_years(one, originals=years) for one in others))


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


_CARRIED_OVER = "no clause of its own is known; carried over from Decision 08/2015/QĐ-TTg"
_NO_PERIOD = "; no period stated, so as long as the log"
_SOURCE_WORDS = {
    _CARRIED_OVER: "chưa rõ điều khoản riêng; tiếp tục áp dụng theo Quyết định 08/2015/QĐ-TTg",
    _NO_PERIOD: "; không nêu thời hạn, nên lưu bằng thời hạn của nhật ký",
    "settings, in place of: ": "theo cấu hình, thay cho: ",
}
_YEARS_QD08 = int(figure("log-kept", text="QD08-2015") or 0)
_LOG_QD08 = RetentionRule(_YEARS_QD08, MARGIN_DAYS, citation("log-kept", text="QD08-2015"))
_ORIGINALS_QD08 = RetentionRule(
    _YEARS_QD08,
    MARGIN_DAYS,
    f"{citation('originals-online', text='QD08-2015')}{_NO_PERIOD}",
)


def source_in(source: str, language: str) -> str:
    """The ``source`` of a rule in "vi" or "en"; what no table of ours cites stays as it is."""
    if language != "vi":
        return source
    known = {duty.citation("en"): duty.citation("vi") for duty in DUTIES} | _SOURCE_WORDS
    for words in sorted(known, key=len, reverse=True):
        source = source.replace(words, known[words])
    return source


def _profile(name: str, until: date | None, log_source: str, originals_source: str) -> Profile:
    """The profile of a text: its dates and its limit come from the table of legal duties."""
    text = TEXTS[name]
    if text.in_force_from is None:
        raise SettingsError(f"the table of legal texts has no date for {name}")
    return Profile(
        name=name,
        in_force_from=text.in_force_from,
        in_force_until=until,
        log=replace(_LOG_QD08, source=log_source),
        originals=replace(_ORIGINALS_QD08, source=originals_source),
        downtime_limit_percent=figure("downtime-limit", text=name),
        sources=(citation("log-kept", text=name), citation("downtime-limit", text=name)),
    )


_PROFILES = {
    found.name: found
    for found in (
        _profile("QD08-2015", TEXTS["ND166-2016"].in_force_from, _LOG_QD08.source, _ORIGINALS_QD08.source),
        _profile(
            "ND166-2016",
            TEXTS["ND164-2025"].in_force_from,
            citation("log-kept", text="ND166-2016"),
            f"Decree 166/2016/NĐ-CP: {_CARRIED_OVER}",
        ),
        _profile(
            "ND164-2025",
            None,
            f"Decree 164/2025/NĐ-CP: {_CARRIED_OVER}",
            f"Decree 164/2025/NĐ-CP: {_CARRIED_OVER}",
        ),
    )
}
