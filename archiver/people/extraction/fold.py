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

from vanvault.archiver.core.errors import NotFound, VanVaultError
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
    ordered = sorted({event.id: event for event in events}.values(), key=lambda one: (one.at, one.id))
    found: dict[str, Extraction] = {}
    strange: list[str] = []
    for event in ordered:
        if event.type != REQUESTED:
            continue
        try:
            new = _requested(event)
        except (KeyError, TypeError, ValueError, VanVaultError):
            strange.append(event.id)
            continue
        if found.setdefault(new.id, new).form != new.form:
            strange.append(event.id)  # an id is one form's for ever: the first stands
    for event in ordered:
        if event.type == REQUESTED:
            continue
        known = found.get(str(event.detail.get("extraction")))
        if known is None or event.detail.get("digest") != known.form.digest:
            strange.append(event.id)  # of another form: that is no step of this one
            continue
        try:
            found[known.id] = _stepped(known, event)
        except (KeyError, TypeError, ValueError, VanVaultError):
            found[known.id] = replace(known, unclear=True)
    return Extractions(found, tuple(strange), tuple(lacking))


def _requested(event: RecordedEvent) -> Extraction:
    detail = event.detail
    form = form_of(_object(detail, "form"))
    if form.digest != detail["digest"]:
        raise ValueError("the digest is of another form")
    before = _text(detail, "before")
    parse_rfc3339(before)
    return Extraction(
        _text(detail, "extraction"),
        form,
        _whole(detail, "count"),
        before,
        _text(detail, "scan"),
        _text(detail, "who"),
        event.at,
    )


def _stepped(known: Extraction, event: RecordedEvent) -> Extraction:
    """With one more step. The first of a kind stands, but for a second run: that cannot be."""
    detail, who = event.detail, _text(event.detail, "who")
    if event.type == BEGUN:
        start = ExtractionStart(
            event.at, _text(detail, "claim"), _object(detail, "approval"), _object(detail, "asked"), who
        )
        if known.start is not None and known.start.claim != start.claim:
            return replace(known, unclear=True)
        return replace(known, start=known.start or start)
    if event.type == RAN:
        result = ExtractionResult(
            event.at,
            _text(detail, "export"),
            _whole(detail, "items"),
            _whole(detail, "bytes"),
            _text(detail, "sha256"),
            _text(detail, "manifest_sha256"),
            who,
        )
        return replace(known, result=known.result or result)
    handed = HandOver(
        event.at,
        _text(detail, "received_by"),
        parse_rfc3339(_text(detail, "received_at")),
        _text(detail, "receipt_sha256"),
        who,
        _text(detail, "because") if "because" in detail else "",
    )
    return replace(known, handed=known.handed or handed)


def _text(detail: Mapping[str, Any], name: str) -> str:
    value = detail[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _whole(detail: Mapping[str, Any], name: str) -> int:
    value = detail[name]
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is no count")
    return value


def _object(detail: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = detail[name]
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")
    return value
