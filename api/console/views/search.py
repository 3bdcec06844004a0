"""The page of a search: its form, what was searched, the hits with what each has today. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from vanvault.api.console.views.facets import Facets
from vanvault.api.console.views.plot import PlotBar, PlotLabel, plot_bars, plot_labels
from vanvault.archiver.catalogue import Histogram, Query, Unread
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.sight import Withheld
from vanvault.recovery.searched import NearMiss, Searched

#: Fields of the form, in their order; the first ones are what people search by most.
FIRST_FIELDS = ("dossier_number", "transaction_id", "insurance_number", "employer_code", "tax_code")
#: Fields with few values.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "entry": ("message", "event"),
    "by": ("receipt", "occurrence"),
    "order": ("newest", "oldest"),
}
OTHER_FIELDS = tuple(name for name in Query.FIELDS if name not in (*FIRST_FIELDS, *CHOICES))


@dataclass(frozen=True, slots=True)
class FoundLine:
    """One entry that was found, with what it has today."""

    id: str
    entry: str
    what: str  # kind of a message, type of an event
    received_at: str
    occurred_at: str  # "" of a message
    transaction_id: str
    dossier_number: str
    employer_code: str
    state: str
    verified_at: str | None  # None: not known, or not shown
    locked_until: str | None  # the earliest lock of its copies; None: not known, or not shown
    held: bool | None  # by a store or the archive; None: not known, or not shown
    disposed: DisposedHit | None = None
    clock: ClockHit | None = None  # where it was asked for
    holds: tuple[str, ...] = ()  # ids of the archive's holds over it


@dataclass(frozen=True, slots=True)
class DisposedHit:
    """What was disposed of in an entry."""

    what: str  # entry or original
    on: str  # RFC 3339
    certificate: str


@dataclass(frozen=True, slots=True)
class ClockHit:
    """Until when an entry is kept, by the clock of its transaction."""

    state: str
    last_day: str | None  # YYYY-MM-DD; None: it is open
    at_least: str  # YYYY-MM-DD


@dataclass(frozen=True, slots=True)
class CountsInTime:
    """How many entries there are by time, for the fields that are counted."""

    by: str  # day, month or year
    bars: tuple[PlotBar, ...]
    links: tuple[str, ...]  # of each bar: the same question within its time
    entries: int
    first: str | None  # days of UTC, both included, YYYY-MM-DD; None: without bound
    last: str | None
    lacking: int  # parts of the archive that are not counted

    @property
    def labels(self) -> tuple[PlotLabel, ...]:
        """What stands below the bars."""
        return plot_labels(self.bars)


@dataclass(frozen=True, slots=True)
class SearchView:
    """The page. ``given``: fields as they were asked for; ``hits`` None: nothing was asked yet."""

    FIRST: ClassVar[tuple[str, ...]] = FIRST_FIELDS
    OTHERS: ClassVar[tuple[str, ...]] = OTHER_FIELDS
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = CHOICES

    given: Mapping[str, str]
    address: str = ""  # of this question, without its cursor
    searched: Searched | None = None
    hits: tuple[FoundLine, ...] | None = None
    cursor: str = ""  # of this page; "": the first
    next: str | None = None  # cursor of the next page
    partial: str = ""  # why there may be more than the page has
    unread: tuple[Unread, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    near: tuple[NearMiss, ...] = ()
    near_complete: bool = True
    counts: CountsInTime | None = None
    facets: Facets | None = None
    counts_unseen: bool = False  # counts of everything have entries that this person may not see
    with_clocks: bool = False
    sees_holds: bool = False  # may this person read what a hold is about?
    extract: str = ""  # address of the form for an extraction of these entries; "": not for this person
    wrong: str = ""  # why nothing could be searched, in the program's words
    wrong_field: str = ""

    @property
    def wrong_told(self) -> str:
        """Why nothing could be searched, without the field's internal name, which stands there as a term."""
        told = self.wrong.removeprefix(f"{self.wrong_field} ").rstrip(".")
        return f"It {told}." if told != self.wrong.rstrip(".") else f"{told}."

    @property
    def others_given(self) -> bool:
        """Is one of the fields given that are folded away?"""
        return self.wrong_field in (*OTHER_FIELDS, *CHOICES) or any(
            name in self.given for name in (*OTHER_FIELDS, "entry", "by", "order")
        )

    def here(self, **more: str) -> str:
        """The address of this page of the question, with more parameters."""
        return self.link(**({"cursor": self.cursor} if self.cursor else {}), **more)

    def link(self, **more: str) -> str:
        """The address of this question with more parameters."""
        sign = "&" if "?" in self.address else "?"
        return f"{self.address}{sign}{urlencode(more)}" if more else self.address


def hits_of(
    items: Sequence[Mapping[str, Any]], holds: Mapping[str, tuple[str, ...] | None]
) -> tuple[FoundLine, ...]:
    """Entries as the table shows them; a field that may not be seen is not among an item's.

    Args:
        holds: ids of the archive's holds over each entry; None: it is not known whether there are.
    """
    return tuple(_hit(item, holds.get(item["id"])) for item in items)


def held_at_all(item: Mapping[str, Any], holds: tuple[str, ...] | None) -> bool | None:
    """Is an entry held, by a store or by the archive; None: not known, or not shown."""
    by_store: bool | None = item.get("held")
    return True if holds else None if holds is None and not by_store else by_store


def _hit(item: Mapping[str, Any], holds: tuple[str, ...] | None) -> FoundLine:
    locks = [one["retain_until"] for one in item.get("placements") or () if one.get("retain_until")]
    is_event = item["entry"] == "event"
    return FoundLine(
        id=item["id"],
        entry=item["entry"],
        what=item["type"] if is_event else item["kind"],
        received_at=item["received_at"],
        occurred_at=item["occurred_at"] if is_event else "",
        transaction_id=item["transaction_id"],
        dossier_number=item["dossier_number"],
        employer_code=item["employer_code"],
        state=item["state"],
        verified_at=item.get("verified_at"),
        locked_until=min(locks, default=None),
        held=held_at_all(item, holds),
        disposed=_disposed(item.get("disposed")),
        clock=_clock(is_event, item.get("retention")),
        holds=holds or (),
    )


def _disposed(told: Mapping[str, Any] | None) -> DisposedHit | None:
    return None if told is None else DisposedHit(told["what"], told["on"], told["certificate"])


def _clock(is_event: bool, told: Mapping[str, Any] | None) -> ClockHit | None:
    if told is None:
        return None
    least = told["at_least"] if is_event else told["at_least_originals"]
    return ClockHit(told["state"], told["last_day"] and least, least)


def counts_in_time(found: Histogram, links: Sequence[str], days: Mapping[str, str | None]) -> CountsInTime:
    """A histogram by time as the page draws it; ``days``: from and to, as the histogram was asked."""
    bars = plot_bars([(bar.value, bar.entries) for bar in found.bars])
    return CountsInTime(
        found.by, bars, tuple(links), found.entries, days["from"], days["to"], len(found.unread)
    )


def bar_span(value: str) -> tuple[str, str]:
    """From and to (RFC 3339, the end is not included) of a bar: a day, month or year of UTC."""
    year, month, day = (*map(int, value.split("-")), 1, 1)[:3]
    first = datetime(year, month, day, tzinfo=UTC)
    if len(value) == len("2026"):
        after = first.replace(year=first.year + 1)
    elif len(value) == len("2026-01"):
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        after = first + timedelta(days=1)
    return rfc3339_seconds(first), rfc3339_seconds(after)
