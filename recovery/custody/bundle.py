"""Data keys for a whole result: of exactly the objects that hold its entries, and what else these open.

A data key opens its object, not an entry. So a result's keys open more than the result, and what that is is
told before anybody approves or sees them.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, KnownSegment, Query, Unread
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import from_us
from vanvault.archiver.export import unwrap_object

#: Of one bundle.
MOST_OBJECTS = 500
MOST_ENTRIES = 100_000

KEYS_FORMAT = "vanvault-keys-v1"


@dataclass(frozen=True, slots=True)
class KeyBundleRequest:
    """Which entries: all that match ``query``, or those with these ids; and why."""

    reason: str
    query: Query | None = None  # limit and cursor mean nothing here
    ids: tuple[str, ...] = ()
    rows_only: bool = False  # of segments the log alone; a batch holds rows and originals in one object

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise InvalidInput(
                "the keys of a whole result are given for a reason only",
                field="reason",
                hint="Say why: --reason TEXT. It goes on record in the archive.",
            )
        if (self.query is None) == (not self.ids):
            raise InvalidInput("name a result by its fields, or by a list of ids", field="ids")


@dataclass(slots=True)
class BundledObject:
    """One object, and what its data key opens."""

    object: str
    wanted: int = 0  # entries of the result in it
    entries: int = 0  # entries in it, those included
    beyond: Counter[str] = field(default_factory=Counter)  # the others, by gateway
    days: tuple[str, str] = ("", "")  # of the first and the last entry in it (UTC)

    def count(self, gateway: str, day: str, *, wanted: bool) -> None:
        """One more entry that the key opens."""
        self.entries += 1
        self.wanted += wanted
        if not wanted:
            self.beyond[gateway] += 1
        self.days = (min(self.days[0] or day, day), max(self.days[1], day))

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "object": self.object,
            "entries": self.entries,
            "of_result": self.wanted,
            "beyond": self.beyond.total(),
            "beyond_gateways": dict(sorted(self.beyond.items())),
            "first_day": self.days[0],
            "last_day": self.days[1],
        }


@dataclass(frozen=True, slots=True)
class KeyBundlePlan:
    """What a bundle would open; it holds no key."""

    request: KeyBundleRequest
    ids: tuple[str, ...]  # of the result, sorted
    objects: tuple[BundledObject, ...]
    large: tuple[str, ...]  # objects of one large original each: no Parquet, so no key is given
    own_left_out: int  # entries of the archive itself that match
    disposed: int  # entries that match and are not there any more
    unread: tuple[Unread, ...]  # what could not be looked at: entries may be missing

    @property
    def digest(self) -> str:
        """Of the ids."""
        return result_digest(self.ids)

    @property
    def beyond(self) -> int:
        """Entries beyond the result that the keys open, counted in each object anew."""
        return sum(one.beyond.total() for one in self.objects)

    def subject(self) -> dict[str, Any]:
        """What an approval is bound to: these entries, these objects, and how much more they open."""
        keys = "".join(f"{one.object}\n" for one in self.objects)
        return {
            "entries": len(self.ids),
            "ids_sha256": self.digest,
            "objects": len(self.objects),
            "objects_sha256": hashlib.sha256(keys.encode()).hexdigest(),
            "beyond": self.beyond,
            "reason": self.request.reason.strip(),
        }

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, and each object."""
        return {
            **self.subject(),
            "rows_only": self.request.rows_only,
            "large": list(self.large),
            "own_left_out": self.own_left_out,
            "disposed": self.disposed,
            "unread": [
                {"object": one.object, "reason": one.reason, "first": one.first, "last": one.last}
                for one in self.unread
            ],
            "opens": [one.as_json() for one in self.objects],
        }


def plan_key_bundle(archive: Archive, request: KeyBundleRequest) -> KeyBundlePlan:
    """Which objects hold the entries, and what else lies in these.

    Raises InvalidInput (more than a bundle may hold), NotFound (an id; or nothing matches), Conflict (it was
    compacted meanwhile), Damaged, SiteUnavailable, KeyUnavailable.
    """
    unread: dict[str, Unread] = {}
    own = disposed = 0
    wanted: dict[str, Item] = {}
    for item in _items(archive, request, unread):
        if item["gateway"] == SYSTEM_GATEWAY and _leaves_out_own(request):
            own += 1
            continue
        if item["entry"] == "disposed":  # nothing of it is left to open
            disposed += 1
            continue
        wanted[str(item["id"])] = item
        if len(wanted) > MOST_ENTRIES:
            raise _too_many(f"more than {MOST_ENTRIES} entries")
    if not wanted:
        raise NotFound("no entry matches, so there is no key to give")
    objects, large = _objects(archive, request, wanted)
    if len(objects) > MOST_OBJECTS:
        raise _too_many(f"{len(objects)} objects, and a bundle has keys of {MOST_OBJECTS} at most")
    ids, found = tuple(sorted(wanted)), tuple(objects[key] for key in sorted(objects))
    return KeyBundlePlan(request, ids, found, tuple(sorted(large)), own, disposed, tuple(unread.values()))


def open_key_bundle(archive: Archive, plan: KeyBundlePlan) -> dict[str, Any]:
    """The bundle as JSON values, with the keys. Raises as ``unwrap_object`` does; then no key is given."""
    keys = [unwrap_object(archive, one.object) for one in plan.objects]
    told = plan.as_json()
    opens = [
        {
            **about,
            "master": key.master,
            "key_base64": base64.b64encode(key.key).decode(),
            "wrapped_base64": base64.b64encode(key.wrapped).decode(),
        }
        for about, key in zip(told.pop("opens"), keys, strict=True)
    ]
    return {"format": KEYS_FORMAT, "archive": archive.settings.archive, **told, "opens": opens}


def _leaves_out_own(request: KeyBundleRequest) -> bool:
    """What is put on record about this very act would match, too; so its own gateway is asked for by name."""
    return request.query is not None and request.query.filters.get("gateway") != SYSTEM_GATEWAY


def _too_many(what: str) -> InvalidInput:
    return InvalidInput(
        f"the result lies in {what}" if "objects" in what else f"the result has {what}",
        field="query",
        hint="Narrow it, by --during or a field; or take vanvault export, which gives entries and no keys.",
    )


def _items(archive: Archive, request: KeyBundleRequest, unread: dict[str, Unread]) -> Iterator[Item]:
    if request.query is not None:
        yield from archive.search.every(request.query, lambda one: unread.update({one.object: one}))
        return
    if len(request.ids) > MOST_ENTRIES:
        raise _too_many(f"more than {MOST_ENTRIES} entries")
    for id in dict.fromkeys(request.ids):
        yield archive.search.entry(id)


def _objects(
    archive: Archive, request: KeyBundleRequest, wanted: Mapping[str, Item]
) -> tuple[dict[str, BundledObject], set[str]]:
    """Objects to open, with all that lies in them; and large originals, which no Parquet program reads."""
    large: set[str] = set()
    found: dict[str, BundledObject] = {}
    segments = {one.manifest.segment: one for one in archive.catalogue.segments()}
    concerned: dict[str, KnownSegment] = {}
    for id, item in wanted.items():
        if item.get("large_object"):
            large.add(str(item["large_object"]))
        key, segment = str(item["object"]), item["segment"]
        if segment:
            if segment not in segments:
                raise _moved()
            concerned[segment] = segments[segment]
        elif key not in found:
            found[key] = _batch(archive, key, id, wanted)
    for segment in concerned.values():
        found |= _parts(archive, segment, wanted, rows_only=request.rows_only)
    return found, set() if request.rows_only else large


def _moved() -> Conflict:
    return Conflict(
        "an entry of the result was moved meanwhile", hint="Ask again: its object is another now."
    )


def _batch(archive: Archive, key: str, id: str, wanted: Mapping[str, Item]) -> BundledObject:
    try:
        _, number, _ = archive.tail.by_id(id)
    except NotFound as error:
        raise _moved() from error
    found = BundledObject(key)
    for entry in archive.tail.entries(number):
        found.count(entry.gateway, _day(entry.received_us), wanted=entry.id in wanted)
    return found


def _parts(
    archive: Archive, segment: KnownSegment, wanted: Mapping[str, Item], *, rows_only: bool
) -> dict[str, BundledObject]:
    """The log of a segment, and its originals where one of these is of the result."""
    parts = {kind: segment.manifest.part(kind) for kind in ("log", "originals")}
    found = {kind: BundledObject(part.key) for kind, part in parts.items() if part is not None}
    for row in archive.locator.rows(segment):
        told = (row["gateway"], _day(row["received_at"]))
        found["log"].count(*told, wanted=row["id"] in wanted)
        if row["original"] is not None and "originals" in found:
            found["originals"].count(*told, wanted=row["id"] in wanted)
    if rows_only or ("originals" in found and not found["originals"].wanted):
        found.pop("originals", None)
    return {one.object: one for one in found.values()}


def _day(us: int) -> str:
    return from_us(us).date().isoformat()


def result_digest(ids: Iterable[str]) -> str:
    """SHA-256 (hex) of ids, sorted, each once and ended by a newline."""
    return hashlib.sha256("".join(f"{id}\n" for id in sorted(set(ids))).encode()).hexdigest()


def ids_of_lines(lines: Iterable[str]) -> Sequence[str]:
    """Ids, one a line; empty lines and those that begin with # are none."""
    return tuple(id for line in lines if (id := line.strip()) and not id.startswith("#"))
