"""Disposals out of the archive's events: in whatever order they come, the same disposals. Pure.

::

    disposal.planned    disposal (its id), digest (SHA-256 of the signed plan), plan (id of the message
                        that is the plan), entries, originals, bytes, segments, requester (key), who
    disposal.withdrawn  disposal, digest, reason, who
    disposal.begun      disposal, digest, approval (request, digest, approved_by), who, runner (key)
    disposal.rechecked  disposal, digest, segment, entries, originals (that still go), dropped (what was no
                        longer due, by reason), holds (ids of those in force then; absent: too many, or
                        an earlier version's), who; what was told last of a segment stands
    disposal.replaced   disposal, digest, residue (key of its manifest), segments, who
    disposal.removing   disposal, digest, site, residue, objects: [key, version, bytes] of each that goes now
    disposal.removed    disposal, digest, site, residue, who: nothing of these segments lies at the site now;
                        told once more where copies had come back
    disposal.halted     disposal, digest, why (a list of sentences), who
    disposal.emptied    disposal, digest, dropped, who: nothing of the plan was due any more
    disposal.certified  disposal, digest, number (1 for the first), certificate (id of a message), sha256,
                        remaining (how many copies are left), until (when the first of these may go;
                        absent: not known, or none is left), who
    disposal.backups-gone  disposal, digest, reason, repository (where the program looked; "": no repository
                        was named, so nobody looked), snapshots (into how many), who: no backup holds it

Types are written without ``vanvault.``. What this version cannot read makes its disposal ``unclear``, and no
unclear one is run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from vanvault.archiver.core.bound_fold import BoundFold, count_in, list_in, object_in, text_in, text_of
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_rfc3339

PLANNED, WITHDRAWN, BEGUN = "disposal.planned", "disposal.withdrawn", "disposal.begun"
RECHECKED, REPLACED = "disposal.rechecked", "disposal.replaced"
REMOVING, REMOVED = "disposal.removing", "disposal.removed"
HALTED, EMPTIED, CERTIFIED = "disposal.halted", "disposal.emptied", "disposal.certified"
BACKUPS_GONE = "disposal.backups-gone"
#: Every type that ``fold_disposals`` looks at, without ``vanvault.``.
DISPOSAL_EVENTS = (
    PLANNED,
    WITHDRAWN,
    BEGUN,
    RECHECKED,
    REPLACED,
    REMOVING,
    REMOVED,
    HALTED,
    EMPTIED,
    CERTIFIED,
    BACKUPS_GONE,
)


@dataclass(frozen=True, slots=True)
class DisposalBegin:
    """Its one approval, used up."""

    at: datetime
    approval: Mapping[str, Any]  # request, digest, approved_by
    who: str
    runner: str  # key of who


@dataclass(frozen=True, slots=True)
class RecheckedSegment:
    """What of a planned segment still went when it was looked at again, right before."""

    at: datetime
    segment: str  # id
    entries: int
    originals: int
    dropped: Mapping[str, int]  # what of the plan was no longer due then, by reason
    holds: frozenset[str] | None = None  # ids of those in force then; None: not on record

    @property
    def is_spared(self) -> bool:
        """Did nothing of it go?"""
        return not self.entries and not self.originals


@dataclass(frozen=True, slots=True)
class ReplacedSegments:
    """Segments in whose place a residue segment stands: what was disposed of is gone from every answer."""

    at: datetime
    residue: str  # key of its manifest
    segments: tuple[str, ...]  # ids; the first is the planned one


@dataclass(frozen=True, slots=True)
class RemovedObject:
    """One version of an object that was to go from a site."""

    site: str
    residue: str
    key: str
    version: str
    bytes: int


@dataclass(frozen=True, slots=True)
class DisposalCertificate:
    """A certificate on record; one with ``remaining`` is followed by another once these copies are gone."""

    at: datetime
    number: int  # 1 for the first
    message: str  # id
    sha256: str  # of certificate.json
    remaining: int
    who: str
    until: datetime | None = None  # when the first of them may go, as far as was known


@dataclass(frozen=True, slots=True)
class BackupsGone:
    """Somebody said that no backup holds anything of it, and no copy came to light since."""

    at: datetime
    who: str
    reason: str
    repository: str  # where the program looked first, without secrets; "": there was nothing to look into
    snapshots: int = 0  # that it looked into


@dataclass(frozen=True, slots=True)
class DisposalRecord:
    """One disposal, as far as the record tells."""

    id: str  # ``d-`` and 16 hexadecimal digits
    digest: str  # SHA-256 (hex) of the signed plan
    plan: str  # id of the message that is the plan
    entries: int
    originals: int
    bytes: int
    segments: int
    requester: str  # key of who planned it
    who: str
    at: datetime
    withdrawn: tuple[datetime, str, str] | None = None  # when, by whom, why
    begin: DisposalBegin | None = None
    rechecked: Mapping[str, RecheckedSegment] = field(default_factory=dict)  # by the id of the segment
    replaced: Mapping[str, ReplacedSegments] = field(default_factory=dict)  # by the key of the residue
    removing: frozenset[RemovedObject] = frozenset()
    removed: Mapping[tuple[str, str], datetime] = field(default_factory=dict)  # (site, residue) -> when
    halted: tuple[datetime, tuple[str, ...]] | None = None  # the last time; why
    emptied: Mapping[str, int] | None = None  # why nothing was left, by reason
    certificates: tuple[DisposalCertificate, ...] = ()
    backups_gone: BackupsGone | None = None
    last_at: datetime | None = None  # of the newest step of its run
    unclear: bool = False

    @property
    def subject(self) -> dict[str, Any]:
        """What is approved: another plan, or another count, is another request."""
        return {
            "disposal": self.id,
            "plan_sha256": self.digest,
            "entries": self.entries,
            "originals": self.originals,
            "bytes": self.bytes,
            "segments": self.segments,
        }

    @property
    def certificate(self) -> DisposalCertificate | None:
        """The newest one."""
        return self.certificates[-1] if self.certificates else None


@dataclass(frozen=True, slots=True)
class DisposalBook:
    """All disposals that the record tells of."""

    by_id: Mapping[str, DisposalRecord] = field(default_factory=dict)
    strange: tuple[str, ...] = ()  # ids of events that belong to no disposal
    lacking: tuple[str, ...] = ()  # what of the record could not be read, for people

    def get(self, id: str) -> DisposalRecord:
        """Raises NotFound."""
        found = self.by_id.get(id)
        if found is None:
            raise NotFound(f"there is no disposal {id[:40]!r}", hint="List them: vanvault disposal list")
        return found

    def __iter__(self) -> Iterator[DisposalRecord]:
        """The newest first."""
        return iter(sorted(self.by_id.values(), key=lambda one: (one.at, one.id), reverse=True))


def fold_disposals(events: Iterable[RecordedEvent], *, lacking: Iterable[str] = ()) -> DisposalBook:
    """All disposals that these events tell of; ``lacking``: what of the record could not be read."""
    found, strange = _FOLD.of(events)
    return DisposalBook(found, strange, tuple(lacking))


def _planned(event: RecordedEvent) -> DisposalRecord:
    detail = event.detail
    return DisposalRecord(
        text_in(detail, "disposal"),
        text_in(detail, "digest"),
        text_in(detail, "plan"),
        count_in(detail, "entries"),
        count_in(detail, "originals"),
        count_in(detail, "bytes"),
        count_in(detail, "segments"),
        text_in(detail, "requester"),
        text_in(detail, "who"),
        event.at,
    )


def _stepped(known: DisposalRecord, event: RecordedEvent) -> DisposalRecord:
    """With one more step. The first of a kind stands, but for a second begin: that cannot be."""
    detail = event.detail
    if event.type == WITHDRAWN:
        said = (event.at, text_in(detail, "who"), text_in(detail, "reason"))
        return replace(known, withdrawn=known.withdrawn or said)
    after = replace(known, last_at=event.at)  # events come in the order of their receipt
    if event.type == BEGUN:
        return _begun(after, event)
    if event.type == RECHECKED:
        again = _rechecked(event)
        return replace(after, rechecked={**after.rechecked, again.segment: again})
    if event.type == REPLACED:
        segments = tuple(map(text_of, list_in(detail, "segments")))
        one = ReplacedSegments(event.at, text_in(detail, "residue"), segments)
        return replace(after, replaced={one.residue: one, **after.replaced})
    if event.type == REMOVING:
        # A copy that is found after somebody said that none is left came from one that is.
        return replace(after, removing=after.removing | set(_objects(detail)), backups_gone=None)
    if event.type == REMOVED:
        place = (text_in(detail, "site"), text_in(detail, "residue"))
        return replace(after, removed={**after.removed, place: event.at})
    if event.type == HALTED:
        return replace(after, halted=(event.at, tuple(map(text_of, list_in(detail, "why")))))
    if event.type == BACKUPS_GONE:
        # The newest counts: whoever was killed before the certificate looks, and says it, again.
        return replace(after, backups_gone=_gone(event))
    if event.type == EMPTIED:
        return replace(after, emptied=after.emptied or _counts(detail, "dropped"))
    certificate = DisposalCertificate(
        event.at,
        count_in(detail, "number"),
        text_in(detail, "certificate"),
        text_in(detail, "sha256"),
        count_in(detail, "remaining"),
        text_in(detail, "who"),
        parse_rfc3339(text_in(detail, "until")) if "until" in detail else None,
    )
    if any(one.number == certificate.number for one in after.certificates):
        return after
    in_order = sorted((*after.certificates, certificate), key=lambda one: one.number)
    return replace(after, certificates=tuple(in_order))


def _begun(known: DisposalRecord, event: RecordedEvent) -> DisposalRecord:
    detail = event.detail
    begin = DisposalBegin(
        event.at, object_in(detail, "approval"), text_in(detail, "who"), text_in(detail, "runner")
    )
    if known.begin is not None and known.begin.approval.get("request") != begin.approval.get("request"):
        return replace(known, unclear=True)
    return replace(known, begin=known.begin or begin)


def _gone(event: RecordedEvent) -> BackupsGone:
    detail = event.detail
    return BackupsGone(
        event.at,
        text_in(detail, "who"),
        text_in(detail, "reason"),
        text_in(detail, "repository"),
        count_in(detail, "snapshots"),
    )


def _rechecked(event: RecordedEvent) -> RecheckedSegment:
    detail = event.detail
    return RecheckedSegment(
        event.at,
        text_in(detail, "segment"),
        count_in(detail, "entries"),
        count_in(detail, "originals"),
        _counts(detail, "dropped"),
        frozenset(map(text_of, list_in(detail, "holds"))) if "holds" in detail else None,
    )


def _objects(detail: Mapping[str, Any]) -> Iterator[RemovedObject]:
    site, residue = text_in(detail, "site"), text_in(detail, "residue")
    for one in list_in(detail, "objects"):
        if not isinstance(one, list) or len(one) != 3 or type(one[2]) is not int:
            raise ValueError("another version's form")
        yield RemovedObject(site, residue, text_of(one[0]), text_of(one[1]), one[2])


def _counts(detail: Mapping[str, Any], name: str) -> dict[str, int]:
    told = object_in(detail, name)
    return {text_of(reason): count_in(told, reason) for reason in told}


_FOLD = BoundFold(
    PLANNED,
    "disposal",
    _planned,
    _stepped,
    digest=lambda known: known.digest,
    unclear=lambda known: replace(known, unclear=True),
)
