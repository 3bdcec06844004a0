"""Reading the record of looks: the newest first, whoever looked, by whatever way.

Besides looks themselves it tells of what gateways read, minute by minute, and of exports and unwrapped keys
of the time when these were no looks but events of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Any, ClassVar

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, Query, Search
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.search_form import search_form
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.journal import EventType, OwnEvent, own_events
from vanvault.archiver.people.looks import ACTS, OUTCOMES, Look, LookFilter, Viewer, look_of
from vanvault.recovery.access.record import COUNTED, LOOKED

#: Digits of a number that a caller writes; int() takes no text of thousands.
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class LookQuery:
    """Which looks: those of a filter, put on record in [from, to), the newest so many."""

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "who", "message", "employer", "act", "outcome", "from", "to", "limit",
    )  # fmt: skip

    filter: LookFilter = field(default_factory=LookFilter)
    from_us: int = 0
    to_us: int = Query.NO_END_US
    most: int = 50


@dataclass(frozen=True, slots=True)
class SeenLook:
    """One look as the record tells it."""

    id: str  # of the event, in the archive
    at: str  # RFC 3339: when it was put on record
    look: Look
    requests: int = 1  # more where they were counted

    def as_json(self) -> dict[str, Any]:
        """As JSON values; every field is there."""
        look = self.look
        return {
            "id": self.id,
            "at": self.at,
            "who": look.viewer.name,
            "by": look.viewer.by,
            "by_id": look.viewer.id,
            "address": look.viewer.address,
            "port": look.viewer.port,
            "session": look.viewer.session,
            "roles": list(look.viewer.roles),
            "os_account": look.viewer.os_account,
            "act": look.act,
            "outcome": look.outcome,
            "reason": look.reason,
            "asked": dict(look.asked),
            "shown": list(look.shown),
            "count": look.count,
            "objects": list(look.objects),
            "purpose": look.purpose,
            "request": look.request,
            "requests": self.requests,
        }


@dataclass(frozen=True, slots=True)
class SeenLooks:
    """What the record tells in answer to one question, the newest look first."""

    looks: list[SeenLook]
    more: bool  # that match, and are older than those: the question asked for no more

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"looks": [one.as_json() for one in self.looks], "more": self.more}


def seen_looks(search: Search, query: LookQuery) -> SeenLooks:
    """The looks that match, the newest first, as far as they are folded here.

    One that was written twice, because its first writer did not answer, is told once. Raises Damaged,
    SiteUnavailable (the index cannot be read).
    """
    streams = [_stream(search, type, tell, query) for type, tell in _TELLERS.items()]
    found: list[SeenLook] = []
    told: set[bytes] = set()
    for seen in merge(*streams, key=lambda one: one.at, reverse=True):
        if not query.filter.matches(seen.look, seen.at):
            continue
        same = canonical([seen.at[:10], seen.look.as_detail(), seen.id if not seen.look.request else ""])
        if same in told:
            continue
        if len(found) == query.most:
            return SeenLooks(found, more=True)
        told.add(same)
        found.append(seen)
    return SeenLooks(found, more=False)


def look_query(archive: Archive, given: Mapping[str, str]) -> LookQuery:
    """The question that parameters ask, by name: who, message, employer, act, outcome, from, to, limit.

    Looks up the entries of a message or an employer. Raises InvalidInput, SiteUnavailable, Damaged.
    """
    strange = sorted(set(given) - set(LookQuery.PARAMETERS))
    if strange:
        raise InvalidInput(
            f"there is no parameter {strange[0][:40]!r}",
            field=strange[0][:40],
            hint=f"Known: {', '.join(LookQuery.PARAMETERS)}, during.",
        )
    _check_choice(given, "act", ACTS)
    _check_choice(given, "outcome", OUTCOMES)
    if "message" in given and "employer" in given:
        raise InvalidInput("message and employer do not go together", field="message")
    from_us, to_us = Query.span(given)
    limit = given.get("limit", "50")
    digits = limit.isascii() and limit.isdecimal() and len(limit) <= _MOST_DIGITS
    if not digits or not 1 <= int(limit) <= Query.MAX_LIMIT:
        raise InvalidInput(f"limit is 1 to {Query.MAX_LIMIT}", field="limit")
    parts = {name: given[name] for name in ("who", "act", "outcome") if name in given}
    if "message" in given:
        wanted = filter_of_message(archive, given["message"], **parts)
    elif "employer" in given:
        wanted = filter_of_employer(archive, given["employer"], **parts)
    else:
        wanted = LookFilter(given.get("who", ""), given.get("act", ""), given.get("outcome", ""))
    return LookQuery(wanted, from_us, to_us, int(limit))


def _check_choice(given: Mapping[str, str], name: str, choices: Sequence[str]) -> None:
    if name in given and given[name] not in choices:
        raise InvalidInput(f"{name} is one of {', '.join(choices)}", field=name)


def filter_of_message(archive: Archive, message: str, **parts: str) -> LookFilter:
    """Who has seen a message: given by its id in the archive, or by the id that its gateway gave it.

    Raises SiteUnavailable, Damaged.
    """
    try:
        parse_archive_id(message)
    except InvalidInput:
        filters = {"message_id": message, "entry": "message"}
        items = list(archive.search.every(Query(filters=filters)))
    else:
        items = _entry(archive, message)
    ids = {item["id"] for item in items} | {message}
    names = {("message_id", item["message_id"]) for item in items if item.get("message_id")}
    objects = {("object", key) for key in _objects_of(archive, items)}
    ids_of = [f"{item['entry']}_id" for item in items]
    wanted = [
        {name: item[name], "gateway": item["gateway"]} for name, item in zip(ids_of, items, strict=True)
    ]

    def held(look: Look, at: str) -> bool:
        return any(item["id"] in ids for one in wanted for item in _shown_of(archive, look, at, one))

    return LookFilter(**parts, entries=ids, asked=names | objects | {("message_id", message)}, held=held)


def filter_of_employer(archive: Archive, code: str, **parts: str) -> LookFilter:
    """Who has seen entries of an employer, or asked for them.

    Raises SiteUnavailable, Damaged, InvalidInput.
    """
    query = Query.parse([("employer_code", code)], archive.search.cursor_key)
    items = list(archive.search.every(query))
    ids = {item["id"] for item in items}
    objects = {("object", key) for key in _objects_of(archive, items)}

    def held(look: Look, at: str) -> bool:
        return any(True for _ in _shown_of(archive, look, at, {"employer_code": code}))

    return LookFilter(**parts, entries=ids, asked=objects | {("employer_code", code)}, held=held)


def _shown_of(archive: Archive, look: Look, at: str, wanted: Mapping[str, str]) -> Iterator[Item]:
    """Entries with these fields among all that a look showed, whose question is asked again up to its time.

    Raises SiteUnavailable, Damaged.
    """
    asked = {name: value for name, value in look.asked.items() if name in Query.FIELDS}
    if any(
        search_form(one, asked.get(one, value)) != search_form(one, value) for one, value in wanted.items()
    ):
        return
    from_us, until_us = Query.span({name: look.asked[name] for name in ("from", "to") if name in look.asked})
    until_us = min(until_us, to_us(parse_rfc3339(at)))
    if from_us < until_us:
        filters = {**asked, **wanted}
        yield from archive.search.every(Query(filters=filters, from_us=from_us, to_us=until_us))


def _objects_of(archive: Archive, items: Iterable[Item]) -> set[str]:
    """The objects whose data keys open these entries or their originals."""
    manifests = {one.manifest.segment: one.manifest for one in archive.catalogue.segments()}
    keys: set[str] = set()
    for item in items:
        keys |= {str(item["object"])} if item.get("object") else set()
        manifest = manifests.get(item.get("segment") or "")
        parts = [manifest.part(kind) for kind in ("log", "originals")] if manifest is not None else []
        keys |= {part.key for part in parts if part is not None}
    return keys


def _entry(archive: Archive, id: str) -> list[Item]:
    try:
        return [archive.search.entry(id)]
    except NotFound:
        return []


def _stream(
    search: Search, type: str, tell: Callable[[OwnEvent], Iterator[SeenLook]], query: LookQuery
) -> Iterator[SeenLook]:
    for event in own_events(search, type, from_us=query.from_us, to_us=query.to_us):
        yield from tell(event)


def _looked(event: OwnEvent) -> Iterator[SeenLook]:
    yield SeenLook(event.id, _moment(event), look_of(event.detail))


def _counted(event: OwnEvent) -> Iterator[SeenLook]:
    detail = event.detail
    try:
        for reads in detail["reads"]:
            viewer = Viewer(detail["gateway"], "token", reads["token"], reads["address"])
            look = Look(viewer, reads["act"], {}, reads["outcome"], count=int(reads["entries"]))
            yield SeenLook(event.id, _moment(event), look, int(reads["requests"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"the event {event.id} has not the form of counted reads", key=event.id) from error


def _unwrapped(event: OwnEvent) -> Iterator[SeenLook]:
    detail = event.detail
    viewer = Viewer(str(detail.get("who", "")), "os-account")
    look = Look(viewer, "unwrap", {"object": str(detail.get("object", ""))})
    yield SeenLook(event.id, _moment(event), look)


def _exported(event: OwnEvent) -> Iterator[SeenLook]:
    detail = event.detail
    if detail.get("looked"):
        return  # a look of its own tells of it
    told = {**detail, **detail.get("filter", {})}
    asked = {name: str(value) for name, value in told.items() if name not in ("who", "reason", "filter")}
    viewer = Viewer(str(detail.get("who", "")), "os-account")
    look = Look(viewer, "export", asked, purpose=str(detail.get("reason", "")))
    yield SeenLook(event.id, _moment(event), look)


def _reported(event: OwnEvent) -> Iterator[SeenLook]:
    """Whoever makes a report is shown what it tells of accounts and of looks."""
    detail = event.detail
    asked = {name: str(detail.get(name, "")) for name in ("id", "name", "period")}
    report = {"report": asked["id"] or asked["name"], "period": asked["period"]}
    yield SeenLook(
        event.id, _moment(event), Look(Viewer(str(detail.get("who", "")), "os-account"), "access", report)
    )


def _moment(event: OwnEvent) -> str:
    return event.counts_as or event.received_at


_TELLERS: dict[str, Callable[[OwnEvent], Iterator[SeenLook]]] = {
    LOOKED: _looked,
    COUNTED: _counted,
    EventType.KEYS_UNWRAPPED: _unwrapped,
    EventType.EXPORT_STARTED: _exported,
    EventType.REPORT_MADE: _reported,
    EventType.EXPORT_RESUMED: _exported,
}
