"""Conversions between datetimes, microseconds and RFC 3339 text. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from vanvault.archiver.core.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: RFC 3339, 5.6: T and Z in either case, or a blank between date and time. A fraction is bounded.
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,40}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LIKE = "Write it like 2026-11-22T08:30:00+07:00."

_SPAN = re.compile(r"(0|[1-9][0-9]{0,8})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
#: Vietnam has had this offset, without summer time, since 1975-06-13: its calendar needs no table of zones.
VIETNAM = timezone(timedelta(hours=7))

#: The longest span that anybody may ask for, ten years: it can be added to every date in use.
LONGEST_SPAN = timedelta(days=3660)


def to_us(moment: datetime) -> int:
    """Whole microseconds since the epoch, exactly (no float in between)."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The UTC datetime of ``us`` microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=us)


def rfc3339_us(us: int) -> str:
    """``2026-11-22T01:02:03.000004Z``: always six decimals, so that texts sort as times do."""
    seconds, micros = divmod(us, 1_000_000)
    return f"{_to_the_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    # The entries of one batch share their second, and formatting it is most of the work.
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def rfc3339_seconds(moment: datetime) -> str:
    """``2036-11-22T01:02:03Z``, for retain-until dates, which are whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_rfc3339(text: str, *, field: str = "time", date_alone: bool = True) -> datetime:
    """A UTC datetime from RFC 3339 text, as section 5.6 has it. What is below a microsecond is cut off.

    Args:
        date_alone: take ``2026-11-22`` too, which means its first moment in UTC.

    Raises InvalidInput: another form (of ISO 8601, say), no offset, or outside the years 1970 to 9998.
    """
    if date_alone and _DATE.fullmatch(text):
        text = f"{text}T00:00:00Z"
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        no_offset = _DATE_TIME.fullmatch(f"{text}Z") or _DATE.fullmatch(text)
        wrong = "has no offset from UTC" if no_offset else "is not an RFC 3339 time"
        raise InvalidInput(f"{field} {wrong}", field=field, hint=_LIKE)
    try:
        moment = _moment(match)
    except ValueError as error:
        raise InvalidInput(f"{field} is not an RFC 3339 time", field=field, hint=_LIKE) from error
    except OverflowError as error:
        raise InvalidInput(f"{field} is outside the years 1970 to 9998", field=field) from error
    if not 1970 <= moment.year <= 9998:
        raise InvalidInput(f"{field} is outside the years 1970 to 9998", field=field)
    return moment


def vietnam_day(moment: datetime) -> date:
    """The calendar day of a moment in Vietnam (Asia/Ho_Chi_Minh)."""
    return moment.astimezone(VIETNAM).date()


def vietnam_midnight(day: date) -> datetime:
    """The first moment of a day in Vietnam, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM).astimezone(UTC)


def parse_day(text: str, *, field: str = "day") -> date:
    """A calendar day from ``2026-11-22``. Raises InvalidInput: another form, or not in 1971 to 9998."""
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not 1971 <= day.year <= 9998:
        raise InvalidInput(f"{field} is no day", field=field, hint="Write it like 2026-11-22.")
    return day


def _moment(match: re.Match[str]) -> datetime:
    """What a text in the form of RFC 3339 means, in UTC. Raises ValueError, OverflowError."""
    year, month, day, hour, minute, second = (int(part) for part in match.group(1, 2, 3, 4, 5, 6))
    micros = int((match[7] or "")[:6].ljust(6, "0"))
    local = datetime(year, month, day, hour, minute, min(second, 59), micros, UTC)
    offset = timedelta(0)
    if match[8]:
        hours, minutes = int(match[9]), int(match[10])
        if hours > 23 or minutes > 59:
            raise ValueError("no offset has so many hours or minutes")
        offset = timedelta(hours=hours, minutes=minutes) * (1 if match[8] == "+" else -1)
    moment = local - offset
    if second < 60:
        return moment
    # A leap second, which this program's times do not know, ends a month in UTC; the next one is taken.
    after = moment.replace(microsecond=0) + timedelta(seconds=1)
    if second > 60 or (after.day, after.hour, after.minute, after.second) != (1, 0, 0, 0):
        raise ValueError("this minute has no such second")
    return after


def parse_span(
    text: str, field: str, *, least: timedelta = timedelta(seconds=1), most: timedelta = LONGEST_SPAN
) -> timedelta:
    """``90s``, ``15m``, ``12h``, ``7d``. Raises InvalidInput: another spelling, or out of bounds."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise InvalidInput(f"{field} is a number and s, m, h or d, such as 12h or 7d", field=field)
    span = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if not least <= span <= most:
        bounds = f"{span_text(least)} to {span_text(most)}"
        raise InvalidInput(f"{field} is {text}, and may be {bounds}", field=field)
    return span


def span_text(span: timedelta) -> str:
    """The shortest spelling that ``parse_span`` takes, of whole seconds: ``12h``, ``7d``."""
    seconds = round(span.total_seconds())
    unit = next(unit for unit in "dhms" if seconds % _SECONDS[unit] == 0) if seconds else "s"
    return f"{seconds // _SECONDS[unit]}{unit}"
