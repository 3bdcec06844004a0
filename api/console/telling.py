"""Values as a page in one language tells them: numbers, times, terms. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import ceil

from markupsafe import Markup

from vanvault.api.console.terms import term
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import from_us, parse_day, parse_rfc3339, rfc3339_seconds, vietnam_day
from vanvault.archiver.people.accounts import ROLES
from vanvault.recovery.documents import Language, decimal, duration, exact_size, number, size
from vanvault.recovery.drill import drill_phrase

#: How phases of verbs begin -> their terms; what follows is a site.
_PHASES = (
    ("restoring", "phase:restoring"),
    ("verifying", "phase:verifying"),
    ("saving", "phase:saving"),
    ("loading", "phase:loading"),
    ("repairing", "phase:repairing"),
    ("reconciling", "phase:reconciling"),
    ("compacting rows", "phase:compacting"),
    ("indexing segments", "phase:indexing"),
)
_ZONE = timedelta(hours=7)


class Telling:
    """What templates call to show values."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def term(self, name: str) -> str:
        """What people read in place of a name; one that has no row stands as it is."""
        return term(name, self._language)

    def act(self, name: str) -> str:
        """What somebody did who looked; where a column has the same name, the act has a row of its own."""
        own = f"act:{name}"
        told = self.term(own)
        return self.term(name) if told == own else told

    def withheld(self, begin: str) -> str:
        """Events whose type begins so, or messages of this kind, in people's words where there are some."""
        own = f"withheld:{begin}"
        told = self.term(own)
        return begin.rstrip(".") if told == own else told

    def job_word(self, name: str) -> str:
        """What a job tells in one word: a site, or its result."""
        own = f"job:{name}"
        told = self.term(own)
        return self.term(name) if told == own else told

    def phase(self, text: str) -> str:
        """The phase of a running job; what has no translation stands as it is, in English."""
        for begin, name in _PHASES:
            if text.startswith(begin):
                return f"{self.term(name)} {self.term(text.removeprefix(begin).strip())}".rstrip()
        return drill_phrase(text, self._language)

    def number(self, value: int) -> str:
        return number(value, self._language)

    def size(self, value: float) -> str:
        return size(value, self._language)

    def exact_size(self, value: int) -> str:
        return exact_size(value, self._language)

    def percent(self, value: float) -> str:
        """``99.94``: rounded down, so that what is not all is not told to be."""
        return decimal(int(value * 100) / 100, 2, self._language)

    def percent_up(self, value: float) -> str:
        """``0.15``: rounded up, so that what was used up is not told to be less."""
        return decimal(ceil(value * 100) / 100, 2, self._language)

    def number_plain(self, value: float) -> str:
        """``2``, ``2.5``: no more places than there are."""
        places = 0 if value == int(value) else 1
        return decimal(value, places, self._language)

    def duration(self, ms: float) -> str:
        return duration(round(ms), self._language)

    def age(self, seconds: float) -> str:
        """How long ago, in its largest unit: ``12 days``, ``3 h``."""
        amount, unit = _largest(seconds)
        return f"{number(amount, self._language)} {term(unit if amount == 1 else f'{unit}s', self._language)}"

    def day(self, moment: datetime | str) -> str:
        """The day in Vietnam: ``30/11/2026``; in English ``30 Nov 2026``."""
        return self._day(vietnam_day(_moment(moment)))

    def _day(self, found: date) -> str:
        return f"{found:%d/%m/%Y}" if self._language == "vi" else f"{found.day} {found:%b %Y}"

    def day_of(self, text: str) -> str:
        """A day of Vietnam that is written ``2026-11-30``, as ``day`` tells it."""
        return self._day(parse_day(text, field="day"))

    def time(self, moment: datetime | str) -> Markup:
        """The time in Vietnam with that in UTC beside it, as an element; other text stands as it is."""
        try:
            found = _moment(moment)
        except InvalidInput:
            return Markup("{}").format(moment)
        local = found + _ZONE
        utc = f"{found:%H:%M:%S}" if found.date() == local.date() else f"{found:%d/%m %H:%M:%S}"
        return Markup('<time datetime="{}">{} {:%H:%M:%S} <span class="utc">({} UTC)</span></time>').format(
            rfc3339_seconds(found), self.day(found), local, utc
        )

    def time_us(self, us: int) -> Markup:
        """The same of microseconds since 1970."""
        return self.time(from_us(us))

    def role(self, name: str) -> str:
        """A role as people read it."""
        return ROLES[name].vietnamese if self._language == "vi" and name in ROLES else name


def _moment(moment: datetime | str) -> datetime:
    """Raises InvalidInput."""
    return parse_rfc3339(moment) if isinstance(moment, str) else moment


def _largest(seconds: float) -> tuple[int, str]:
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length or (seconds >= length and unit == "minute"):
            return int(seconds // length), unit
    return max(0, int(seconds)), "second"
