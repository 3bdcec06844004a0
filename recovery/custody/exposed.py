"""Which entries a disclosed key opens: a master key, or the data key of one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound, SiteUnavailable
from vanvault.archiver.core.format.encrypted import key_material
from vanvault.archiver.core.format.framed import read_header
from vanvault.archiver.core.key_port import parse_key_id
from vanvault.archiver.core.model import Message
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.times import from_us
from vanvault.archiver.journal import EventType
from vanvault.archiver.replicas import read_anywhere, serves_others
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.recovery.work import QUIET, Observer, catch_up

#: Bytes at the end of a Parquet object that are read first; most footers fit.
_TAIL_BYTES = 64 * 1024
_FRAMED_HEADER_BYTES = 1024
#: The masters index/N and credentials/N wrap no object: the first open, with the hot tail's or the index's
#: files, what these hold; the second what people sign on with.
_OF_OBJECTS = ("originals", "log")

#: What a version that does not tell its master is taken for.
_UNREADABLE = ""

What = Literal["original", "row"]


@dataclass(frozen=True, slots=True)
class ExposedRequest:
    """Entries that came in [from, to) and that a disclosed key opens."""

    who: str
    master: str = ""  # such as originals/2
    object: str = ""  # or the key of one object whose data key was disclosed
    from_us: int = 0
    to_us: int = 2**53 - 1


@dataclass(frozen=True, slots=True)
class ExposedEntry:
    """One entry. ``what``: its original, or its row (an event, or the metadata of a message)."""

    id: str
    entry: Literal["message", "event"]
    gateway: str
    day: str  # YYYY-MM-DD, UTC
    what: What

    def as_json(self) -> dict[str, str]:
        """The same as JSON values."""
        return {
            "id": self.id,
            "entry": self.entry,
            "gateway": self.gateway,
            "day": self.day,
            "what": self.what,
        }


@dataclass(slots=True)
class ExposedReport:
    """How much a disclosed key opens; no business data."""

    key: str
    objects: int = 0
    unreadable: int = 0  # objects of which no site tells their master
    messages: int = 0
    events: int = 0
    originals: int = 0
    by_gateway: Counter[str] = field(default_factory=Counter)
    by_day: Counter[str] = field(default_factory=Counter)

    def add(self, one: ExposedEntry) -> None:
        """Count one more."""
        self.messages += one.entry == "message"
        self.events += one.entry == "event"
        self.originals += one.what == "original"
        self.by_gateway[one.gateway] += 1
        self.by_day[one.day] += 1

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "key": self.key,
            "objects": self.objects,
            "unreadable": self.unreadable,
            "entries": self.messages + self.events,
            "messages": self.messages,
            "events": self.events,
            "originals": self.originals,
            "gateways": dict(sorted(self.by_gateway.items())),
            "days": dict(sorted(self.by_day.items())),
        }


@dataclass(slots=True)
class _Found:
    """Objects that the key opens."""

    batches: dict[tuple[str, int], str] = field(default_factory=dict)  # (writer, sequence) -> kind
    logs: set[str] = field(default_factory=set)  # segments whose rows it opens
    originals: set[str] = field(default_factory=set)  # segments whose originals it opens
    large: set[str] = field(default_factory=set)  # keys

    def add(self, name: ObjectName) -> None:
        if name.family == "batch":
            self.batches[name.writer, name.sequence] = name.kind
        elif name.family == "large":
            self.large.add(name.key)
        elif name.kind == "originals":
            self.originals.add(name.writer)
        else:
            self.logs.add(name.writer)

    def what(
        self, segment: str, writer: str, sequence: int, large: str, *, has_original: bool
    ) -> What | None:
        """What of a row is exposed; None: nothing."""
        kind = self.batches.get((writer, sequence))
        if large in self.large or kind == "messages" or (segment in self.originals and has_original):
            return "original"
        return "row" if kind is not None or segment in self.logs else None


def exposed(
    archive: Archive,
    request: ExposedRequest,
    each: Callable[[ExposedEntry], None] = lambda one: None,
    observer: Observer = QUIET,
) -> ExposedReport:
    """Count what a disclosed key opens; ``each`` takes every entry. That it was asked goes on record first.

    Raises InvalidInput (which key), NotFound (no such object), SiteUnavailable, KeyUnavailable, Damaged.
    """
    key = _checked(request)
    detail: dict[str, object] = {"key": key, "from_us": request.from_us, "to_us": request.to_us}
    archive.record(EventType.KEYS_EXPOSED, {**detail, "who": request.who})
    catch_up(archive, observer.warn)
    report, found = ExposedReport(key), _Found()
    with observer.progress("ask every object for its master key"):
        for name in _objects(archive, request, report):
            found.add(name)
            report.objects += 1
    with observer.progress("list the entries"):
        for one in _entries(archive, found, request):
            report.add(one)
            each(one)
    return report


def _checked(request: ExposedRequest) -> str:
    if bool(request.master) == bool(request.object):
        raise InvalidInput("name a master key, or one object", field="key", hint="--key originals/2")
    purpose = parse_key_id(request.master)[0] if request.master else "log"
    if purpose == "credentials":
        raise InvalidInput(
            "a key of credentials wraps no object: it opens what people sign on with",
            field="key",
            hint="Run vanvault keys rotate credentials, then set all credentials anew.",
        )
    if purpose not in _OF_OBJECTS:
        raise InvalidInput(
            "an index key wraps no object: it opens files of the index and of hot tails",
            field="key",
            hint="If such files were disclosed too, take all entries as exposed.",
        )
    if request.object and parse_key(request.object) is None:
        raise InvalidInput("this is not the name of an object", field="object")
    return request.master or request.object


def _objects(archive: Archive, request: ExposedRequest, report: ExposedReport) -> Iterator[ObjectName]:
    """Names of the objects that the key opens.

    Which master wrapped a data key stands at the end of an object, and only all of its bytes prove it. So one
    site alone is not believed: where not all of them say the same, the object is read whole.
    """
    if request.object:
        name = parse_key(request.object)
        if name is None or not any(site.versions(request.object) for site in archive.sites.values()):
            raise NotFound("no site holds this object")
        yield name
        return
    claims: dict[ObjectName, dict[str, set[str]]] = {}  # by site: the masters that its versions name
    for site in archive.sites.values():
        for version in site.list():
            name = parse_key(version.key)
            if name is not None and name.kind != "manifest":
                masters = claims.setdefault(name, {}).setdefault(site.site, set())
                masters.add(_claim(site, name, version))
    for name, at in claims.items():
        masters = set().union(*at.values())
        if len(masters) > 1 or _UNREADABLE in masters or len(at) < max(2, len(archive.sites)):
            try:
                masters = {_proved_master(archive.sites, name)}
            except (Damaged, NotFound):
                report.unreadable += 1  # nobody proves it; one entry too many is better than one too few
        if request.master in masters:
            yield name


def _claim(site: Site, name: ObjectName, version: StoredVersion) -> str:
    try:
        return _master_of(site, name, version)
    except (Damaged, NotFound):
        return _UNREADABLE
    except SiteUnavailable:
        if not serves_others(site, name.key):
            raise
        return _UNREADABLE


def _proved_master(sites: Mapping[str, Site], name: ObjectName) -> str:
    """The id of the master key in the right bytes. Raises Damaged, NotFound, SiteUnavailable."""
    data = read_anywhere(sites, name.key)
    return (read_header(data).key if name.kind == "framed" else key_material(data)).key_id


def _master_of(site: Site, name: ObjectName, version: StoredVersion) -> str:
    """The id of the master key that wraps an object's data key. Raises Damaged, NotFound, SiteUnavailable."""
    if name.kind == "framed":
        return read_header(site.get_range(name.key, 0, _FRAMED_HEADER_BYTES, version.version)).key.key_id
    start = max(0, version.size - _TAIL_BYTES)
    tail = site.get_range(name.key, start, version.size - start, version.version)
    needed = int.from_bytes(tail[-8:-4], "little") + 8
    if len(tail) < needed <= version.size:
        tail = site.get_range(name.key, version.size - needed, needed, version.version)
    return key_material(tail).key_id


def _entries(archive: Archive, found: _Found, request: ExposedRequest) -> Iterator[ExposedEntry]:
    """Each entry once: of segments first, then of batches that no segment holds."""

    def within(us: int) -> bool:
        return request.from_us <= us < request.to_us

    writers = {writer for writer, _ in found.batches} | {key.split("/")[1] for key in found.large}
    for segment in archive.catalogue.segments():
        manifest = segment.manifest
        concerned = manifest.segment in found.logs | found.originals
        if not concerned and not any(cover.writer in writers for cover in manifest.covers):
            continue
        for row in archive.locator.rows(segment):
            what = found.what(
                manifest.segment,
                row["writer"],
                row["sequence"],
                row["large_object"],
                has_original=row["original"] is not None,
            )
            if what is not None and within(row["received_at"]):
                day = from_us(row["received_at"]).date().isoformat()
                yield ExposedEntry(row["id"], row["entry"], row["gateway"], day, what)
    for batch in archive.tail.uncompacted()[0]:
        header = batch.header
        if header.writer not in writers:
            continue
        for entry in archive.tail.entries(batch.n):
            is_message = isinstance(entry, Message)
            large = entry.large_object if isinstance(entry, Message) else ""
            what = found.what("", header.writer, header.sequence, large, has_original=is_message)
            if what is not None and within(entry.received_us):
                day = from_us(entry.received_us).date().isoformat()
                yield ExposedEntry(entry.id, "message" if is_message else "event", entry.gateway, day, what)
