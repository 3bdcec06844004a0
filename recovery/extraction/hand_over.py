"""Hand-over: who took the file and when, on record, with a receipt in both languages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.extraction import Extraction
from vanvault.recovery.documents import (
    LANGUAGES,
    Document,
    Language,
    exact_size,
    html_page,
    moment,
    number,
    pairs,
    pdf_pages,
)
from vanvault.recovery.extraction.approval import as_written
from vanvault.recovery.extraction.host import ExtractionHost
from vanvault.recovery.extraction.record import known_extractions
from vanvault.recovery.extraction.texts import field_name, wording

_MOST_NAME = 300  # characters


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A hand-over on record; ``already``: it was there before."""

    extraction: Extraction
    already: bool = False


def hand_over(
    host: ExtractionHost, id: str, received_by: str, who: str, instead_because: str = ""
) -> HandedOver:
    """Put on record that somebody took the file now. The same again finds what is on record.

    ``instead_because``: why somebody else takes it than the recipient whom the approved form names.

    Raises NotFound, InvalidInput (no name), Conflict (it did not run yet; somebody else took it),
    AccessDenied (its last day is past), SiteUnavailable, KeyUnavailable, Damaged.
    """
    name = received_by.strip()
    if not name or len(name) > _MOST_NAME or not name.isprintable():
        raise InvalidInput(
            f"who received it has 1 to {_MOST_NAME} printable characters", field="to", hint="--to NAME"
        )
    archive = host.archive
    host.level()
    extraction = known_extractions(archive).get(id)
    if extraction.handed is not None:
        if extraction.handed.received_by == name:
            return HandedOver(extraction, already=True)
        raise Conflict(
            f"{id} was handed over to {extraction.handed.received_by} already",
            hint="Who else needs it asks by a letter of their own: vanvault extract request.",
        )
    now = archive.clock.now()
    state = extraction.state(now)
    if state == "over":
        raise AccessDenied(
            f"the last day of {id} was {extraction.form.until}: it is not handed over any more",
            authenticated=True,
            hint="Delete the file. Where the agency asks again: vanvault extract request.",
        )
    if extraction.result is None or state == "unclear":
        raise Conflict(f"{id} has no complete file yet", hint=f"Run it first: vanvault extract run {id}")
    because = _reason(extraction, name, instead_because.strip())
    detail: dict[str, object] = {
        "extraction": id,
        "digest": extraction.form.digest,
        "received_by": name,
        "received_at": rfc3339_seconds(now),
        "receipt_sha256": receipt_digest(extraction, name, now, because),
        "who": who,
    }
    if because:
        detail["because"] = because
    host.record(EventType.EXTRACTION_HANDED_OVER, detail)
    return HandedOver(known_extractions(archive).get(id))


def _reason(extraction: Extraction, name: str, because: str) -> str:
    """Why it is not the recipient of the form; "": it is. Raises InvalidInput."""
    recipient = extraction.form.recipient.name
    if as_written(name) == as_written(recipient):
        return ""
    if not because:
        raise InvalidInput(
            f"the approved form names {recipient} as the recipient, not {name}",
            field="to",
            hint="Where somebody else takes it for them, say why: --instead-because TEXT.",
        )
    if len(because) > _MOST_NAME or not because.isprintable():
        raise InvalidInput(
            f"the reason has at most {_MOST_NAME} printable characters", field="instead-because"
        )
    return because


def receipt_digest(extraction: Extraction, received_by: str, received_at: datetime, because: str = "") -> str:
    """SHA-256 (hex) of what the receipt states, as canonical JSON: form, approval, file, and who took it."""
    result, start = extraction.result, extraction.start
    told: dict[str, object] = {
        "extraction": extraction.id,
        "form_sha256": extraction.form.digest,
        "approval": dict(start.approval) if start else {},
        "sha256": result.sha256 if result else "",
        "manifest_sha256": result.manifest_sha256 if result else "",
        "received_by": received_by,
        "received_at": rfc3339_seconds(received_at),
    }
    if because:
        told["because"] = because
    return hashlib.sha256(canonical(told)).hexdigest()


def receipt_files(extraction: Extraction) -> dict[str, bytes]:
    """The receipt of a hand-over on record, as HTML and PDF in both languages: name -> bytes."""
    handed = extraction.handed
    assert handed is not None  # noqa: S101 - it was handed over
    files = {}
    for language in LANGUAGES:
        document = receipt_document(extraction, language)
        files[f"receipt.{language}.html"] = html_page(document).encode()
        files[f"receipt.{language}.pdf"] = pdf_pages(document, handed.received_at)
    return files


def receipt_document(extraction: Extraction, language: Language) -> Document:
    """What the receipt says."""
    say = partial(wording, language=language)
    form, start, result, handed = extraction.form, extraction.start, extraction.result, extraction.handed
    assert start is not None  # noqa: S101 - it was handed over, so it ran
    assert result is not None  # noqa: S101
    assert handed is not None  # noqa: S101
    letter, approval = form.letter, start.approval
    sections = (
        pairs(
            say("letter"),
            [
                (say("number"), letter.number),
                (say("day"), f"{letter.day:%d/%m/%Y}" if language == "vi" else letter.day.isoformat()),
                (say("agency"), letter.agency),
                (say("scan_sha256"), letter.scan_sha256),
            ],
        ),
        pairs(say("form"), _form_rows(extraction, language)),
        pairs(
            say("approval"),
            [
                (say("approved_by"), ", ".join(approval.get("approved_by", []))),
                (say("request"), str(approval.get("request", ""))),
                (say("digest"), str(approval.get("digest", ""))),
            ],
        ),
        pairs(
            say("file"),
            [
                (say("items"), number(result.items, language)),
                (say("bytes"), exact_size(result.bytes, language)),
                (say("sha256"), result.sha256),
                (say("manifest_sha256"), result.manifest_sha256),
            ],
        ),
        pairs(
            say("hand_over"),
            [
                (say("recipient"), form.recipient.name),
                (say("received_by"), handed.received_by),
                *([(say("because"), handed.because)] if handed.because else []),
                (say("received_agency"), form.recipient.agency),
                (say("received_at"), moment(rfc3339_seconds(handed.received_at), language)),
                (say("handed_by"), handed.who),
                (say("receipt_sha256"), handed.receipt_sha256),
            ],
        ),
    )
    by_hand = tuple(
        f"{say(role)} ({say('signed_by_hand')}): {name}"
        for role, name in (("handed_by", handed.who), ("received_by", handed.received_by))
    )
    return Document(language, say("receipt"), "", True, sections, say("receipt_note"), by_hand)


def _form_rows(extraction: Extraction, language: Language) -> Iterator[tuple[str, str]]:
    say, form = partial(wording, language=language), extraction.form
    yield say("extraction"), extraction.id
    yield say("purpose"), form.purpose
    yield say("filter"), "; ".join(f"{name} = {value}" for name, value in form.filter.items())
    yield say("fields"), ", ".join(field_name(name, language) for name in form.fields)
    yield say("absent"), ", ".join(field_name(name, language) for name in form.absent) or "–"
    yield say("until"), f"{form.until:%d/%m/%Y}" if language == "vi" else form.until.isoformat()
    yield say("form_sha256"), form.digest
