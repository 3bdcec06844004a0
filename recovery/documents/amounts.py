"""Numbers, sizes, durations and times as a document in one language shows them. Pure."""

from __future__ import annotations

from datetime import timedelta, timezone

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.documents.document import Language

VIETNAM = timezone(timedelta(hours=7))
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
#: Hours, minutes, seconds.
_TIME_UNITS = {"en": ("h", "min", "s"), "vi": ("giờ", "phút", "giây")}
_GROUP = {"en": "\u00a0", "vi": "."}


def number(value: int, language: Language = "en") -> str:
    """``1 234 567``, its groups apart by a space that does not break; in Vietnamese ``1.234.567``."""
    return f"{value:,}".replace(",", _GROUP[language])


def decimal(value: float, places: int, language: Language = "en") -> str:
    """``1 234.5``; in Vietnamese ``1.234,5``."""
    whole, _, rest = f"{value:,.{places}f}".partition(".")
    point = "," if language == "vi" else "."
    return whole.replace(",", _GROUP[language]) + (f"{point}{rest}" if rest else "")


def duration(ms: int, language: Language = "en") -> str:
    """``0.182 s``, ``73.4 s``, ``54 min 50 s``, ``2 h 05 min``; ``54 phút 50 giây``."""
    hour, minute, second = _TIME_UNITS[language]
    if ms < 10_000:
        return f"{decimal(ms / 1000, 3, language)} {second}"
    if ms < 600_000:
        return f"{decimal(ms / 1000, 1, language)} {second}"
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60} {minute} {seconds % 60:02d} {second}"
    minutes = round(ms / 60_000)
    hours = f"{number(minutes // 60, language)} {hour}"
    # "8 giờ 00 phút" is no Vietnamese.
    return hours if language == "vi" and not minutes % 60 else f"{hours} {minutes % 60:02d} {minute}"


def size(value: float, language: Language = "en") -> str:
    """``512 B``, ``1.2 MB``: powers of a thousand."""
    unit = 0
    while value >= 999.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{decimal(value, 1 if unit else 0, language)} {_UNITS[unit]}"


def exact_size(value: int, language: Language = "en") -> str:
    """The same, with every byte beside it where the unit is larger."""
    short, unit = size(value, language), "byte" if language == "vi" else "bytes"
    return short if value < 1000 else f"{short} ({number(value, language)} {unit})"


def moment(text: str, language: Language = "en") -> str:
    """A time (RFC 3339, UTC) with Vietnam's beside it; what is no time stays as it is."""
    try:
        utc = parse_rfc3339(text)
    except InvalidInput:
        return text
    local = utc.astimezone(VIETNAM)
    if language == "vi":
        return f"{local:%d/%m/%Y %H:%M:%S} giờ Việt Nam (UTC+7); {utc:%d/%m/%Y %H:%M:%S} UTC"
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC; {local:%Y-%m-%d %H:%M:%S} in Vietnam (UTC+7)"
