"""From what a gateway sent to a draft: checks, merged metadata, canonical events. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.format.batches import canonical_event
from vanvault.archiver.core.model import (
    BUSINESS_FIELDS,
    SYSTEM_GATEWAY,
    EventDraft,
    MessageDraft,
    Metadata,
    MetadataReading,
)
from vanvault.archiver.core.search_form import search_form
from vanvault.archiver.core.times import parse_rfc3339, to_us

MAX_ID = 200  # characters
MAX_VALUE = 256  # characters of one metadata value
MAX_NUMBERS = 10_000  # insurance numbers of one message
MAX_DETAIL = 16 * 1024  # bytes of an event's detail
RESERVED_TYPES = f"{SYSTEM_GATEWAY}."  # how types of the archive's own events begin

#: An escaped byte, as headers, queries and paths have it. No id holds one: see ``check_id``.
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")

_EVENT_FIELDS = frozenset(
    ("event_id", "occurred_at", "type", "actor", "message_id", "detail", *BUSINESS_FIELDS)
)


def check_id(text: object, field: str) -> str:
    """A client's id, after any percent-encoding was taken off: 1 to 200 visible characters.

    An id that still holds an escape, such as ``%2F``, is refused: who escapes an id in one place and not in
    another would archive one entry under two ids. Raises InvalidInput.
    """
    if not isinstance(text, str) or not text:
        raise InvalidInput(f"{field} is missing", field=field, hint="Give each entry an id of your own.")
    if len(text) > MAX_ID or not text.isprintable() or text != text.strip():
        raise InvalidInput(
            f"{field} must be 1 to {MAX_ID} printable characters without spaces at its ends", field=field
        )
    if _ESCAPE.search(text):
        raise InvalidInput(
            f"{field} holds a percent sign before two hexadecimal digits",
            field=field,
            hint="Percent-encode an id once, in headers, queries and paths only; in JSON write it as it is.",
        )
    return text


def given_metadata(fields: Mapping[str, object]) -> Metadata:
    """Metadata from a caller's fields (those of BUSINESS_FIELDS; others are not looked at).

    Raises InvalidInput: not a text, too long, control characters, too many insurance numbers.
    """
    values: dict[str, Any] = {}
    for name in BUSINESS_FIELDS:
        value = fields.get(name)
        if value is None or value == "":
            continue
        if name == "insurance_numbers":
            if not isinstance(value, (list, tuple)) or len(value) > MAX_NUMBERS:
                raise InvalidInput(
                    f"{name} must be a list of at most {MAX_NUMBERS} numbers as texts", field=name
                )
            values[name] = tuple(dict.fromkeys(filter(None, (_value(item, name) for item in value))))
        else:
            values[name] = _value(value, name)
    return Metadata(**values)


def merged_metadata(given: Metadata, reading: MetadataReading) -> tuple[Metadata, str]:
    """What the archive keeps about a message, and a note where the two sources differ.

    The message wins over its caller, because it is the signed original; the caller fills gaps.
    """
    read = reading.metadata
    if not reading.recognised:
        return given, reading.note
    merged: dict[str, Any] = {}
    differ = []
    for name in BUSINESS_FIELDS:
        from_message, from_caller = getattr(read, name), getattr(given, name)
        merged[name] = from_message or from_caller
        if from_message and from_caller and _forms(name, from_message) != _forms(name, from_caller):
            differ.append(name)
    note = reading.note
    if differ:
        note = f"{note} The caller said otherwise about: {', '.join(differ)}.".strip()
    return Metadata(**merged), note


def message_draft(
    *,
    gateway: str,
    message_id: str,
    received: datetime,
    content_type: str,
    body: bytes,
    sha256: bytes,
    sha512: bytes,
    given: Metadata,
    reading: MetadataReading,
) -> MessageDraft:
    """A draft of a message whose body was received whole. Raises InvalidInput."""
    if not body:
        raise InvalidInput("the message is empty", field="body", hint="Send the original as the body.")
    metadata, note = merged_metadata(given, reading)
    return MessageDraft(
        gateway=gateway,
        message_id=check_id(message_id, "message_id"),
        received_us=to_us(received),
        content_type=_content_type(content_type),
        size=len(body),
        sha256=sha256,
        sha512=sha512,
        metadata=metadata,
        metadata_note=note,
        body=body,
    )


def event_draft(gateway: str, fields: object, *, received: datetime) -> EventDraft:
    """A draft from one JSON object of ``POST /v1/events``.

    Needs ``event_id``, ``occurred_at`` (RFC 3339) and ``type``; may have ``actor``, ``message_id``, the
    business fields, and ``detail`` (a JSON object without fractions).

    Raises InvalidInput that names the field.
    """
    if not isinstance(fields, dict):
        raise InvalidInput("an event is a JSON object", field="event")
    unknown = sorted(set(map(str, fields)) - _EVENT_FIELDS)
    if unknown:
        raise InvalidInput(
            f"an event has no field {unknown[0][:40]!r}",
            field=unknown[0][:40],
            hint="Put what the fields do not cover into detail.",
        )
    event_id = check_id(fields.get("event_id"), "event_id")
    occurred_at = fields.get("occurred_at")
    if not isinstance(occurred_at, str):
        raise InvalidInput("occurred_at is missing", field="occurred_at", hint="Write it as RFC 3339.")
    detail = fields.get("detail", {})
    if not isinstance(detail, dict):
        raise InvalidInput("detail must be a JSON object", field="detail")
    try:
        detail_text = canonical(detail)
    except InvalidInput as error:
        raise InvalidInput(
            f"detail: {error.message}", field="detail", hint="Write fractions as texts, keys in ASCII."
        ) from error
    if len(detail_text) > MAX_DETAIL:
        raise InvalidInput(f"detail is over {MAX_DETAIL} bytes", field="detail")
    kind = _value(fields.get("type", ""), "type")
    if not kind:
        raise InvalidInput("type is missing", field="type", hint="Say what happened: dossier.received, ...")
    if is_reserved_type(kind):
        raise InvalidInput(
            f"types that begin with {RESERVED_TYPES} are for events of the archive itself",
            field="type",
            hint="Begin the type with a name of your own.",
        )
    return _event(
        gateway=gateway,
        event_id=event_id,
        received=received,
        occurred_us=to_us(parse_rfc3339(occurred_at, field="occurred_at", date_alone=False)),
        type=kind,
        actor=_value(fields.get("actor", ""), "actor"),
        message_id=check_id(fields["message_id"], "message_id") if fields.get("message_id") else "",
        metadata=replace(given_metadata(fields), kind="event"),
        detail=detail_text.decode(),
    )


def is_reserved_type(type: str) -> bool:
    """Does this read as the type of an event of the archive itself, which only the archive may write?

    Case, blanks, accents, and forms of a character that Unicode holds to be compatible (full width,
    mathematical letters) make no difference. Letters of another alphabet that look alike do.
    """
    plain = unicodedata.normalize("NFKD", type).casefold()
    letters = (one for one in plain if not unicodedata.combining(one) and not one.isspace())
    return "".join(letters).startswith(RESERVED_TYPES)


def system_event(type: str, detail: Mapping[str, object], *, now: datetime, nonce: str) -> EventDraft:
    """A log line of VanVault itself; ``nonce`` makes its id unique."""
    return _event(
        gateway=SYSTEM_GATEWAY,
        event_id=f"{type}-{nonce}",
        received=now,
        occurred_us=to_us(now),
        type=f"{RESERVED_TYPES}{type}",
        actor=SYSTEM_GATEWAY,
        message_id="",
        metadata=Metadata(kind="event"),
        detail=canonical(dict(detail)).decode(),
    )


def _event(
    *,
    gateway: str,
    event_id: str,
    received: datetime,
    occurred_us: int,
    type: str,
    actor: str,
    message_id: str,
    metadata: Metadata,
    detail: str,
) -> EventDraft:
    data = canonical_event(
        gateway=gateway,
        event_id=event_id,
        occurred_us=occurred_us,
        type=type,
        actor=actor,
        message_id=message_id,
        metadata=metadata,
        detail=detail,
    )
    return EventDraft(
        gateway=gateway,
        event_id=event_id,
        received_us=to_us(received),
        occurred_us=occurred_us,
        type=type,
        actor=actor,
        message_id=message_id,
        metadata=metadata,
        detail=detail,
        size=len(data),
        sha256=hashlib.sha256(data).digest(),
        sha512=hashlib.sha512(data).digest(),
    )


def _content_type(text: str) -> str:
    """As the gateway sent it, where it may stand in a header again (RFC 9110, 8.3); else unknown."""
    return text if len(text) <= MAX_VALUE and text.isascii() and text.isprintable() else ""


def _forms(name: str, value: str | tuple[str, ...]) -> object:
    """What a search compares, so that two spellings of one thing are no difference."""
    if isinstance(value, str):
        return search_form(name, value)
    return [search_form("insurance_number", number) for number in value]


def _value(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be a text", field=field)
    if len(value) > MAX_VALUE or (value and not value.isprintable()):
        raise InvalidInput(f"{field} must be at most {MAX_VALUE} printable characters", field=field)
    return value if value.strip() else ""  # as it was written: searches do not look at blanks at the ends
