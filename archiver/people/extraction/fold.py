"""Extractions out of the archive's events: in whatever order they come, the same extractions. Pure.

::

    extraction.requested    extraction (its id), digest (of the form), form, count, before, scan, who
    extraction.begun        extraction, digest, claim (SHA-256 of a nonce), approval, asked (the request), who
    extraction.ran          extraction, digest, export, items, bytes, sha256, manifest_sha256, who
    extraction.handed-over  extraction, digest, received_by, received_at, receipt_sha256, who; because, where
                            somebody took it in place of the recipient

Types are written without ``vanvault.``. ``count``: entries that the filter found, received before ``before``
(RFC 3339). ``scan``: id of the message that is the letter's scan. What this version cannot read makes its
extraction ``unclear``, and no unclear one is run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

from vanvault.archiver.core.bound_fold import BoundFold, count_in, object_in, text_in
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.archiver.people.extraction.form import ExtractionForm, form_of

REQUESTED, BEGUN = "extraction.requested", "extraction.begun"
RAN, HANDED_OVER = "extraction.ran", "extraction.handed-over"
#: Every type that ``fold_extractions`` looks at, without ``vanvault.``.
EXTRACTION_EVENTS = (REQUESTED, BEGUN, RAN, HANDED_OVER)

ExtractionState = Literal[
    "requested",  # waits for its approval, or for its run
    "begun",  # its approval is used up, its file is not complete
    "ran",  # the file is complete
    "handed-over",
    "over",  # its last day passed before it was handed over
    "unclear",  # an event of it cannot be read
]
EXTRACTION_STATES: tuple[ExtractionState, ...] = get_args(ExtractionState)


@dataclass(frozen=True, slots=True)
class ExtractionStart:
    """Its one run, as it began."""

    at: datetime
    claim: str  # SHA-256 (hex) of a nonce: who has that goes on with this run
    approval: Mapping[str, Any]  # request, digest, approved_by
    asked: Mapping[str, Any]  # the canonical request that was approved
    who: str


@dataclass(frozen=True, slots=True)
class ExtractionResult:
    """The complete file."""

    at: datetime
    export: str
    items: int
    bytes: int
    sha256: str  # of the file
    manifest_sha256: str
    who: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Who took the file."""

    at: datetime
    received_by: str
    received_at: datetime
    receipt_sha256: str
    who: str
    because: str = ""  # it was somebody else than the recipient of the form


@dataclass(frozen=True, slots=True)
class Extraction:
    """One extraction, as far as the record tells."""

    id: str  # ``x-`` and 16 hexadecimal digits
    form: ExtractionForm
    count: int
    before: str  # RFC 3339
    scan: str
    who: str
    at: datetime
    start: ExtractionStart | None = None
    result: ExtractionResult | None = None
    handed: HandOver | None = None
    unclear: bool = False

    @property
    def subject(self) -> dict[str, Any]:
        """What is approved: any other form, or another count, is another request."""
        return {
            "extraction": self.id,
            "form": self.form.as_json(),
            "count": self.count,
            "before": self.before,
        }

    def state(self, now: datetime) -> ExtractionState:
        """How it stands at a moment in UTC."""
        if self.unclear:
            return "unclear"
        if self.handed is not None:
            return "handed-over"
        if self.form.is_over(now):
            return "over"
        if self.result is not None:
            return "ran"
        return "begun" if self.start is not None else "requested"

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As JSON values; every field is there."""
        start, result, handed = self.start, self.result, self.handed
        return {
            "extraction": self.id,
            "state": self.state(now),
            "form": self.form.as_json(),
            "form_sha256": self.form.digest,
            "absent": list(self.form.absent),
            "count": self.count,
            "before": self.before,
            "scan": self.scan,
            "requested_at": rfc3339_seconds(self.at),
            "who": self.who,
            "approval": dict(start.approval) if start else None,
            "ran": {
                "at": rfc3339_seconds(result.at),
                "export": result.export,
                "items": result.items,
                "bytes": result.bytes,
                "sha256": result.sha256,
                "manifest_sha256": result.manifest_sha256,
                "who": result.who,
            }
            if result
            else None,
            "handed_over": {
                "received_by": handed.received_by,
                "received_at": rfc3339_seconds(handed.received_at),
                "receipt_sha256": handed.receipt_sha256,
                "who": handed.who,
                "because": handed.because or None,
            }
            if handed
            else None,
        }


@dataclass(frozen=True, slots=True)
class Extractions:
    """All extractions that the record tells of."""

    by_id: Mapping[str, Extraction] = field(default_factory=dict)
    strange: tuple[str, ...] = ()  # ids of events that belong to no extraction
    lacking: tuple[str, ...] = ()  # what of the record could not be read, for people

    def get(self, id: str) -> Extraction:
        """Raises NotFound."""
        found = self.by_id.get(id)
        if found is None:
            raise NotFound(f"there is no extraction {id[:40]!r}", hint="List them: vanvault extract list")
        return found

    def open_one(self, form: ExtractionForm, now: datetime) -> Extraction | None:
        """The newest one of this very form that has not begun, or None."""
        return next((one for one in self if one.form == form and one.state(now) == "requested"), None)

    def __iter__(self) -> Iterator[Extraction]:
        """The newest first."""
        return iter(sorted(self.by_id.values(), key=lambda one: (one.at, one.id), reverse=True))


def fold_extractions(events: Iterable[RecordedEvent], *, lacking: Iterable[str] = ()) -> Extractions:
    """All extractions that these events tell of; ``lacking``: what of the record could not be read."""
    found, strange = _FOLD.of(events)
    return Extractions(found, strange, tuple(lacking))


def _requested(event: RecordedEvent) -> Extraction:
    detail = event.detail
    form = form_of(object_in(detail, "form"))
    if form.digest != detail["digest"]:
        raise ValueError("the digest is of another form")
    before = text_in(detail, "before")
    parse_rfc3339(before)
    return Extraction(
        text_in(detail, "extraction"),
        form,
        count_in(detail, "count"),
        before,
        text_in(detail, "scan"),
        text_in(detail, "who"),
        event.at,
    )


def _stepped(known: Extraction, event: RecordedEvent) -> Extraction:
    """With one more step. The first of a kind stands, but for a second run: that cannot be."""
    detail, who = event.detail, text_in(event.detail, "who")
    if event.type == BEGUN:
        start = ExtractionStart(
            event.at, text_in(detail, "claim"), object_in(detail, "approval"), object_in(detail, "asked"), who
        )
        if known.start is not None and known.start.claim != start.claim:
            return replace(known, unclear=True)
        return replace(known, start=known.start or start)
    if event.type == RAN:
        result = ExtractionResult(
            event.at,
            text_in(detail, "export"),
            count_in(detail, "items"),
            count_in(detail, "bytes"),
            text_in(detail, "sha256"),
            text_in(detail, "manifest_sha256"),
            who,
        )
        return replace(known, result=known.result or result)
    handed = HandOver(
        event.at,
        text_in(detail, "received_by"),
        parse_rfc3339(text_in(detail, "received_at")),
        text_in(detail, "receipt_sha256"),
        who,
        text_in(detail, "because") if "because" in detail else "",
    )
    return replace(known, handed=known.handed or handed)


_FOLD = BoundFold(
    REQUESTED,
    "extraction",
    _requested,
    _stepped,
    digest=lambda known: known.form.digest,
    unclear=lambda known: replace(known, unclear=True),
)
