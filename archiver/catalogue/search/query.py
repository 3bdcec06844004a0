"""What a search asks for: the query, its cursor, the positions and windows of time that it covers. Pure.

A cursor is (position of the last item, digest of the query) under an HMAC, so that one that was
changed, or that comes from another query, is refused instead of answering something else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from vanvault.archiver.catalogue.catalogue import KnownSegment
from vanvault.archiver.catalogue.hot_tail import LostBatches
from vanvault.archiver.catalogue.items import DOSSIER_PREFIX, POSITION_BYTES, SEARCH_FIELDS
from vanvault.archiver.catalogue.segments.locate import part_of
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import InvalidInput, VanVaultError
from vanvault.archiver.core.search_form import search_form
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us

Order = Literal["newest", "oldest"]

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
#: Longest value of a filter, in characters; stored values are shorter.
_MAX_VALUE = 512
#: Shortest beginning of a dossier number, in characters.
MIN_PREFIX = 3

_CURSOR_MAC = 16
#: Each window of time spans this many times the segments of the one before.
_GROWTH = 4


@dataclass(frozen=True, slots=True)
class Query:
    """One search: the search form of every filter must match; times bound ``received_at`` as [from, to)."""

    FIELDS: ClassVar[tuple[str, ...]] = SEARCH_FIELDS  # by which a query filters, besides times
    PREFIX_FIELD: ClassVar[str] = DOSSIER_PREFIX  # the one field that is not compared for equality
    MAX_LIMIT: ClassVar[int] = MAX_LIMIT
    MAX_VALUE: ClassVar[int] = _MAX_VALUE
    NO_END_US: ClassVar[int] = 2**62

    filters: dict[str, str] = field(default_factory=dict)
    from_us: int = 0
    to_us: int = NO_END_US
    order: Order = "newest"
    limit: int = DEFAULT_LIMIT
    after: bytes = b""  # position of the last item of the page before; b"" for the first page
    occurred: tuple[int, int] | None = None  # events that occurred in [from, to); None: whenever

    def digest(self) -> bytes:
        """Same for all pages of one query, other for any other query."""
        told: list[object] = [self.filters, str(self.from_us), str(self.to_us), self.order]
        if self.occurred is not None:
            told.append([str(one) for one in self.occurred])
        return canonical(told)

    def occurred_then(self, item: Mapping[str, object]) -> bool:
        """Did this event occur in the time that is asked for? A message has no such time: it did not."""
        if self.occurred is None:
            return True
        told = item.get("occurred_at")
        # An item tells it as RFC 3339, a row of a segment in microseconds.
        us = told if isinstance(told, int) else to_us(parse_rfc3339(str(told))) if told else None
        return us is not None and self.occurred[0] <= us < self.occurred[1]

    @classmethod
    def parse(
        cls, parameters: Iterable[tuple[str, str]], cursor_key: bytes, *, by_occurrence: bool = False
    ) -> Query:
        """A query from URL parameters or options.

        Known names: every SEARCH_FIELDS name, ``from``, ``to`` (RFC 3339), ``order`` (newest, oldest),
        ``limit`` (1 to 1000), ``cursor``.

        Args:
            by_occurrence: the times are of occurrence, which events alone have; all events are looked at,
                whenever they were received, and the order stays that of receipt.

        Raises InvalidInput: unknown or repeated name, empty or overlong value or one that is no text, fields
        that never match together, bad time, reversed range, limit out of range, a cursor of another query.
        """
        given: dict[str, str] = {}
        for name, value in parameters:
            if name not in SEARCH_FIELDS and name not in ("from", "to", "order", "limit", "cursor"):
                raise InvalidInput(
                    f"there is no search field {name[:40]!r}",
                    field=name[:40],
                    hint="Fields: "
                    + ", ".join((*SEARCH_FIELDS, "from", "to", "order", "limit", "cursor"))
                    + ".",
                )
            if name in given:
                raise InvalidInput(f"{name} is given twice", field=name)
            if not value or len(value) > _MAX_VALUE:
                raise InvalidInput(f"{name} must have 1 to {_MAX_VALUE} characters", field=name)
            given[name] = _text(name, value)
            if not search_form(name, value):
                raise InvalidInput(f"{name} holds blanks only", field=name)
        order = given.get("order", "newest")
        if order not in ("newest", "oldest"):
            raise InvalidInput("order is newest or oldest", field="order")
        from_us, until_us = cls.span(given)
        filters = {name: value for name, value in given.items() if name in SEARCH_FIELDS}
        if "sha256" in filters:
            filters["sha256"] = _digest(filters["sha256"])
        occurred = None
        if by_occurrence:
            if filters.setdefault("entry", "event") == "message":
                raise InvalidInput(
                    "a message has no time of occurrence, so by=occurrence finds none",
                    field="by",
                    hint="Ask by receipt, or for events; a timeline has both in their order.",
                )
            occurred, from_us, until_us = (from_us, until_us), 0, cls.NO_END_US
        check_together(filters)
        query = cls(
            filters=filters,
            from_us=from_us,
            to_us=until_us,
            occurred=occurred,
            order="oldest" if order == "oldest" else "newest",
            limit=_limit(given.get("limit", str(DEFAULT_LIMIT))),
        )
        if "cursor" in given:
            return query.continued(given["cursor"], cursor_key)
        return query

    @classmethod
    def span(cls, given: Mapping[str, str]) -> tuple[int, int]:
        """The times ``from`` and ``to`` of parameters, [from, to). Raises InvalidInput: bad, or reversed."""
        from_us, to_us = _time(given, "from", 0), _time(given, "to", cls.NO_END_US)
        if to_us <= from_us:
            raise InvalidInput("to must be later than from", field="to")
        return from_us, to_us

    def continued(self, cursor: str, cursor_key: bytes) -> Query:
        """The same query for the page after the one that gave this cursor.

        Raises InvalidInput: a cursor of another query, or one that was changed.
        """
        return replace(self, after=open_cursor(cursor, self, cursor_key))


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range of positions, [low, high)."""

    low: bytes
    high: bytes

    @property
    def from_us(self) -> int:
        return int.from_bytes(self.low[:8])

    @property
    def to_us(self) -> int:
        return int.from_bytes(self.high[:8])


@dataclass(frozen=True, slots=True)
class Unread:
    """What a search could not look at: these entries may be missing from its answer."""

    object: str  # key of the log part, or of the batch, or how that key begins
    reason: str  # "damaged", "unavailable", "missing", "not indexed yet", "not folded yet"
    first: str  # RFC 3339: of the entries in it
    last: str


def unread_of(lost: LostBatches) -> Unread:
    """Lost batches, as an answer names them. Any filter may match what is in them."""
    return Unread(lost.name, lost.reason, rfc3339_us(lost.from_us), rfc3339_us(lost.until_us))


def unread_segment(segment: KnownSegment, reason: str | VanVaultError) -> Unread:
    """A segment that could not be looked at, as an answer names it."""
    if isinstance(reason, VanVaultError):
        names = {"Damaged": "damaged", "NotFound": "missing"}
        reason = names.get(type(reason).__name__, "unavailable")
    manifest = segment.manifest
    first, last = rfc3339_us(manifest.first_us), rfc3339_us(manifest.last_us)
    return Unread(part_of(manifest, "log").key, reason, first, last)


def check_together(filters: Mapping[str, str]) -> None:
    """Raises InvalidInput for filters that no entry can match: "nothing found" would mislead."""
    entry = filters.get("entry")
    if entry not in (None, "message", "event"):
        raise InvalidInput("entry is message or event", field="entry")
    for name in ("event_id", "type"):
        if entry == "message" and name in filters:
            raise InvalidInput(
                f"{name} is a field of events, so it cannot be used with entry=message",
                field=name,
                hint=f"Leave out one of entry and {name}.",
            )
    if entry == "event" and search_form("kind", filters.get("kind", "event")) != "event":
        raise InvalidInput(
            "every event has the kind event, so no other kind can be used with entry=event",
            field="kind",
            hint="Leave out one of entry and kind. What happened in an event is its type.",
        )
    if DOSSIER_PREFIX in filters:
        if "dossier_number" in filters:
            raise InvalidInput(
                f"dossier_number and {DOSSIER_PREFIX} cannot be used together",
                field=DOSSIER_PREFIX,
                hint="Give the whole number, or how it begins.",
            )
        if len(search_form(DOSSIER_PREFIX, filters[DOSSIER_PREFIX])) < MIN_PREFIX:
            raise InvalidInput(f"{DOSSIER_PREFIX} has at least {MIN_PREFIX} characters", field=DOSSIER_PREFIX)


def seal_cursor(position: bytes, query: Query, cursor_key: bytes) -> str:
    """The text with which the next page of ``query`` is asked for."""
    mac = hmac.digest(cursor_key, position + query.digest(), "sha256")[:_CURSOR_MAC]
    return base64.urlsafe_b64encode(position + mac).decode().rstrip("=")


def open_cursor(text: str, query: Query, cursor_key: bytes) -> bytes:
    """The position in a cursor of this query. Raises InvalidInput for any other text."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    position = raw[:POSITION_BYTES]
    # Compared as text: base64 has several spellings of the same bytes, a cursor has one.
    if not hmac.compare_digest(text.encode(), seal_cursor(position, query, cursor_key).encode()):
        raise InvalidInput(
            "this cursor does not belong to this query",
            field="cursor",
            hint="Repeat the search without a cursor, or with the same fields as the page before.",
        )
    return position


def bounds_of(query: Query) -> Bounds:
    """Positions [low, high) that the query may still return."""
    low = query.from_us.to_bytes(8)
    high = query.to_us.to_bytes(8)
    if query.after and query.order == "newest":
        high = min(high, query.after)
    elif query.after:
        low = max(low, query.after + b"\0")
    return Bounds(low, high)


def windows(starts: Sequence[int], bounds: Bounds, first: int, *, newest: bool) -> Iterator[Bounds]:
    """``bounds`` cut into consecutive windows of time, in the order of the search.

    So a page of the newest entries does not ask about ten years.

    Args:
        starts: time of the first row of every segment, ascending.
        first: segments of the first window.
    """
    count = max(1, first)
    if newest:
        high, at = bounds.high, bisect_right(starts, bounds.to_us)
        while at > count and (low := starts[at - count].to_bytes(8)) > bounds.low:
            yield Bounds(low, high)
            high, at, count = low, at - count, count * _GROWTH
        yield Bounds(bounds.low, high)
        return
    low, at = bounds.low, max(0, bisect_left(starts, bounds.from_us) - 1)
    while at + count < len(starts) and (high := starts[at + count].to_bytes(8)) < bounds.high:
        if high > low:
            yield Bounds(low, high)
            low = high
        at, count = at + count, count * _GROWTH
    yield Bounds(low, bounds.high)


def _text(name: str, value: str) -> str:
    """The value, if it is text: not half of a character, as bytes that are not UTF-8 become."""
    if not value.isprintable() and any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in value):
        raise InvalidInput(f"{name} holds characters that are no text", field=name)
    return value


def _time(given: Mapping[str, str], name: str, default: int) -> int:
    return to_us(parse_rfc3339(given[name], field=name)) if name in given else default


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidInput(f"limit is a whole number from 1 to {MAX_LIMIT}", field="limit")
    return int(text)


def _digest(text: str) -> str:
    lowered = text.lower()
    if len(lowered) != 64 or any(c not in "0123456789abcdef" for c in lowered):
        raise InvalidInput("sha256 is 64 hexadecimal digits", field="sha256")
    return lowered
