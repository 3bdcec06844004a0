"""Conversions between datetimes, microseconds and RFC 3339 text. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from vanvault.archiver.core.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_SPAN = re.compile(r"(0|[1-9][0-9]{0,8})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
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


def parse_rfc3339(text: str, *, field: str = "time") -> datetime:
    """A UTC datetime from RFC 3339 text (a date alone means its first moment, UTC).

    Raises InvalidInput: not RFC 3339, without an offset, or outside years 1970 to 9998.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{field} is not an RFC 3339 time", field=field, hint="Write it like 2026-11-22T08:30:00+07:00."
        ) from error
    if moment.tzinfo is None:
        if len(text) != 10:
            raise InvalidInput(
                f"{field} has no offset from UTC",
                field=field,
                hint="Write it like 2026-11-22T08:30:00+07:00.",
            )
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(f"{field} is outside the years 1970 to 9998", field=field) from error
    if not 1970 <= moment.year <= 9998:
        raise InvalidInput(f"{field} is outside the years 1970 to 9998", field=field)
    return moment


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
