"""The page of the access log: filters, the period, and who looked at what. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from vanvault.api.console.typed_filters import FILTERS, MOST_TEXT
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.looks import ACTS, OUTCOMES
from vanvault.recovery.access import SeenLook, SeenLooks

#: Looks on one page.
PAGE_LOOKS = 50
#: Pages that one question has: the record is asked for no more looks at once.
MOST_PAGES = 20
_MOST_NAMED = 5
_MOST_DIGITS = 16  # of microseconds since 1970


@dataclass(frozen=True, slots=True)
class LookCursor:
    """Which page of a question; looks that came after its first page are not of it."""

    page: int  # 1 is the first
    until_us: int | None = None  # microseconds since 1970; None: the first page, which says when it was made

    @classmethod
    def of(cls, text: str) -> LookCursor:
        """From an address. Raises InvalidInput."""
        page, _, until = text.partition(".")
        numbers = all(one.isascii() and one.isdecimal() for one in (page, until))
        short = len(page) <= len(str(MOST_PAGES)) and len(until) <= _MOST_DIGITS
        if not short or not numbers or not 1 <= int(page) <= MOST_PAGES:
            raise InvalidInput("the cursor is none of this page", field="cursor", hint="Ask anew.")
        return cls(int(page), int(until))

    def __str__(self) -> str:
        return f"{self.page}.{self.until_us}"


@dataclass(frozen=True, slots=True)
class LookLine:
    """One look as the table shows it."""

    at: str
    who: str
    address: str  # "" where none is known
    roles: tuple[str, ...]
    act: str
    outcome: str
    reason: str
    asked: tuple[tuple[str, str], ...]
    entries: tuple[str, ...]  # ids of the first entries that were shown
    count: int  # of all that were shown or counted
    purpose: str
    requests: int


@dataclass(frozen=True, slots=True)
class AccessView:
    """The page. ``looks`` None: the filters are wrong, and nothing was asked."""

    FILTERS: ClassVar[tuple[str, ...]] = tuple(FILTERS)
    MOST_TEXT: ClassVar[int] = MOST_TEXT
    ACTS: ClassVar[tuple[str, ...]] = ACTS
    OUTCOMES: ClassVar[tuple[str, ...]] = OUTCOMES

    filters: str = ""
    wrong: str = ""  # why, in the program's words
    asked: Mapping[str, str] | None = None  # parameters of the API, exact
    looks: tuple[LookLine, ...] | None = None
    next: str = ""  # address of the next page
    too_many: bool = False  # there are more looks than one question shows
    complete: bool = True  # nothing that is known is missing
    opens: bool = False  # may this person open entries?


def look_lines(found: SeenLooks, page: int) -> tuple[LookLine, ...]:
    """The looks of one page, of all that were found up to its end."""
    return tuple(map(_line, seen_on(found, page)))


def seen_on(found: SeenLooks, page: int) -> Sequence[SeenLook]:
    """The looks that stand on this page."""
    return found.looks[(page - 1) * PAGE_LOOKS : page * PAGE_LOOKS]


def _line(seen: SeenLook) -> LookLine:
    look = seen.look
    return LookLine(
        at=seen.at,
        who=look.viewer.name,
        address=look.viewer.address,
        roles=tuple(look.viewer.roles),
        act=look.act,
        outcome=look.outcome,
        reason=look.reason,
        asked=tuple((name, str(value)) for name, value in look.asked.items()),
        entries=tuple(look.shown[:_MOST_NAMED]),
        count=look.count,
        purpose=look.purpose,
        requests=seen.requests,
    )
