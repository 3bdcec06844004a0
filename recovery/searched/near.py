"""What came close to a search that found nothing: the same value elsewhere, or otherwise written.

Each close thing is one more search of a page, by a key where the value is one. How many are asked, and for
how long one more is begun, is bounded; what was not looked at any more is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, Query
from vanvault.archiver.core.errors import InvalidInput, NotFound, VanVaultError
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.search_form import search_form
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us

NearWay = Literal["other-time", "other-field", "other-spelling", "archive-id"]

#: Fields whose values are taken for one another.
_IDS = (
    "message_id", "event_id", "transaction_id", "dossier_number", "employer_code", "tax_code",
    "insurance_number", "ivan",
)  # fmt: skip
#: Ids that are compared character for character.
_EXACT = ("message_id", "event_id")
_MOST_COUNTED = 100
_MOST_ASKED = 30
_SECONDS = 2.0
_SHORTEST = 3  # characters of a value that is tried elsewhere

_BLANKS = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[\s./_-]+")
#: What people write before a number: ``Mã số: TZ1234Z``, ``urn:x:M-1``, ``gateway-1/M-1``.
_BEFORE = re.compile(r".*[:#]\s*|.*/(?=[^/0-9][^/]*$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something that a search did not ask for, and nearly did."""

    way: NearWay
    fields: Mapping[str, str]  # with these it is found; times aside
    count: int
    more: bool  # than were counted
    nearest: str | None  # RFC 3339: of the entry that is nearest to the time asked for, else of the newest

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "way": self.way,
            "fields": dict(self.fields),
            "count": self.count,
            "more": self.more,
            "nearest": self.nearest,
        }

    def line(self) -> str:
        """The same as a sentence."""
        fields = ", ".join(f"{name} = {value}" for name, value in self.fields.items()) or "every entry"
        many = f"{self.count} or more" if self.more else str(self.count)
        if self.way == "archive-id":
            return f"close: {fields} is the archive's own id of an entry: vanvault get, or show"
        of = {
            "other-time": "at other times, the nearest",
            "other-field": "as another field, the nearest at",
            "other-spelling": "written so, the nearest at",
        }[self.way]
        return f"close: {fields}: {many} {of} {self.nearest}"


@dataclass(frozen=True, slots=True)
class NearMisses:
    """All that came close, as far as was looked."""

    found: tuple[NearMiss, ...] = ()
    complete: bool = True  # False: there was more to look at than time, or something could not be read

    @property
    def count(self) -> int:
        """Entries that are told of."""
        return sum(one.count for one in self.found)


def near_misses(archive: ArchiveReader, query: Query, may_see: Callable[[Item], bool]) -> NearMisses:
    """What came close to a query that found nothing.

    Args:
        may_see: entries of which the reader may be told; all others are as if they were not there.
    """
    looked = _Looking(archive, query, may_see)
    try:
        looked.around()
    except _Enough:
        looked.complete = False
    return NearMisses(tuple(looked.found), looked.complete)


class _Enough(Exception):
    """The bound on what is looked at is reached."""


class _Looking:
    """One look around, within its bounds."""

    def __init__(self, archive: ArchiveReader, query: Query, may_see: Callable[[Item], bool]) -> None:
        self._archive = archive
        self._query = query
        self._may_see = may_see
        self._began = archive.stopwatch.seconds()
        self._asked = 0
        self.found: list[NearMiss] = []
        self.complete = True

    def around(self) -> None:
        """Fill ``found``. Raises _Enough."""
        for one in self._tried():
            if one is not None:
                self.found.append(one)

    def _tried(self) -> Iterator[NearMiss | None]:
        filters = self._query.filters
        yield self._at_other_times()
        whose = {name: filters[name] for name in ("gateway",) if name in filters}
        ids = {name: value for name, value in filters.items() if name in _IDS and len(value) >= _SHORTEST}
        for name, value in ids.items():
            yield self._by_archive_id(value)
            for variant in _spellings(name, value):
                yield self._counted("other-spelling", {name: variant, **whose})
            if name == "dossier_number":
                yield self._counted("other-spelling", {"dossier_prefix": value.strip(), **whose})
        for value in ids.values():
            for other in _IDS:
                if other not in filters:
                    yield self._counted("other-field", {other: value.strip(), **whose})

    def _at_other_times(self) -> NearMiss | None:
        query = self._query
        begin, end = query.occurred or (query.from_us, query.to_us)
        if (begin, end) == (0, Query.NO_END_US):
            return None
        anytime = replace(query, from_us=0, to_us=Query.NO_END_US, occurred=None, after=b"")
        items, more = self._page(anytime)
        times = [(_time(item, by_occurrence=query.occurred is not None), item) for item in items]
        if more and query.occurred is None:  # those counted are the newest: the nearest may be others
            for side in (
                replace(anytime, to_us=begin, order="newest", limit=1) if begin else None,
                replace(anytime, from_us=end, order="oldest", limit=1) if end < Query.NO_END_US else None,
            ):
                if side is not None:
                    times += [(_time(item, by_occurrence=False), item) for item in self._page(side)[0]]
        if not times:
            return None
        nearest, _ = min(times, key=lambda one: max(begin - one[0], one[0] - end))
        return NearMiss("other-time", query.filters, len(items), more, rfc3339_us(nearest))

    def _counted(self, way: NearWay, fields: dict[str, str]) -> NearMiss | None:
        items, more = self._page(Query(filters=fields, limit=_MOST_COUNTED))
        if not items:
            return None
        query = self._query
        begin, end = query.occurred or (query.from_us, query.to_us)
        nearest = min(
            (_time(item, by_occurrence=False) for item in items),
            key=lambda us: max(begin - us, us - end) if end < Query.NO_END_US else -us,
        )
        return NearMiss(way, fields, len(items), more, rfc3339_us(nearest))

    def _by_archive_id(self, value: str) -> NearMiss | None:
        id = value.strip()
        try:
            parse_archive_id(id)
            item = self._archive.search.entry(id)
        except (InvalidInput, NotFound):
            return None
        except VanVaultError:
            self.complete = False
            return None
        if not self._may_see(item):
            return None
        return NearMiss("archive-id", {"id": id}, 1, False, item["received_at"])

    def _page(self, query: Query) -> tuple[list[Item], bool]:
        """What the reader may see of one page, and whether there is more. Raises _Enough."""
        if self._asked >= _MOST_ASKED or self._archive.stopwatch.seconds() - self._began > _SECONDS:
            raise _Enough
        self._asked += 1
        query = replace(query, limit=min(query.limit, _MOST_COUNTED))
        try:
            page = self._archive.search.page(query, bare=True)
        except VanVaultError:  # a prefix of too many numbers, or an index that cannot be read
            self.complete = False
            return [], False
        self.complete = self.complete and not page.unread and not page.partial
        return [item for item in page.items if self._may_see(item)], page.next is not None


def _time(item: Item, *, by_occurrence: bool) -> int:
    told = item.get("occurred_at") if by_occurrence else None
    return to_us(parse_rfc3339(told or item["received_at"]))


def _spellings(name: str, value: str) -> list[str]:
    """Other ways to write this id, none of which the search holds to be equal to it."""
    plain = value.strip()
    tried = [_BLANKS.sub("", plain), _BEFORE.sub("", plain, count=1).strip()]
    if name in _EXACT:
        tried += [plain, plain.upper(), plain.lower()]
    else:
        tried.append(_SEPARATORS.sub("", plain))
    forms = {search_form(name, value)}
    found = []
    for one in tried:
        form = search_form(name, one)
        if len(one) >= _SHORTEST and form not in forms:
            forms.add(form)
            found.append(one)
    return found
