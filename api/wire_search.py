"""What answers of searches hold, as models: entries, pages, timelines, counts; ``wire.py`` has all others."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from vanvault.api.wire_types import Count, Sha256, Sha512, Time, absent
from vanvault.archiver.catalogue import HistogramQuery


class PlacementAnswer(BaseModel):
    """Where one locked copy lies."""

    site: str
    key: str
    version: str
    retain_until: Time


class WithheldPart(BaseModel):
    """A field, or rows of one type or kind, that a person may not see, so that they are absent."""

    field: str = absent("Of entries.")
    type: str = absent("How the type of the events begins.")
    kind: str = absent("The kind of the archive's own messages.")
    rows: int = absent("So many such events or messages were left out.")
    needs: str = Field(description="The permission that shows them.")


def _withheld() -> Any:
    """What a person is not shown; a gateway has no such member."""
    return absent("Of a person: what the answer lacks for want of a permission.")


class DisposedAnswer(BaseModel):
    """What was let go of in an entry once its time was over, and the certificate that proves it."""

    what: Literal["entry", "original"] = Field(description="All of it, or only the bytes of a message.")
    entry: Literal["message", "event"] = Field(description="What it was.")
    on: Time
    due: Time = Field(description="When its time was over.")
    rule: str
    certificate: str


class DisposedPartAnswer(BaseModel):
    """What of a transaction one disposal took."""

    certificate: str = Field(description="Its number.")
    on: Time
    entries: int = Field(description="That went whole.")
    originals: int = Field(description="Of which the bytes alone went.")


class ClockAnswer(BaseModel):
    """Until when one gateway's transaction is kept by law."""

    gateway: str
    state: Literal["open", "succeeded", "refused", "withdrawn", "expired", "closed", "disposed"] = Field(
        description="closed: it had ended, by a line that was disposed of; disposed: nothing of it is left."
    )
    due: str | None = Field(
        description="RFC 3339; the end of the last day. Null: it is open, so nothing is due, or disposed of."
    )
    last_day: str | None = Field(description="That day, in Vietnam.")
    due_originals: str | None
    at_least: str = Field(description="A day also where nothing is due: as if it closed now.")
    at_least_originals: str
    rule: str = Field(description="How long it is kept, such as 10 years.")
    clause: str = Field(description="That asks for it.")
    profile: str
    disposed: list[DisposedPartAnswer]
    partial: bool = Field(description="Entries of it may be missing.")


class EntryAnswer(BaseModel):
    """What the archive knows about one message or event; "" is unknown."""

    entry: Literal["message", "event", "disposed"]
    id: str
    gateway: str
    message_id: str
    received_at: Time
    size: Count
    sha256: Sha256
    sha512: Sha512 = absent("Not of entries that are compacted: the receipt has it.")
    kind: str
    transaction_id: str
    ivan: str
    employer_code: str
    tax_code: str
    insurance_numbers: list[str]
    dossier_number: str
    procedure: str
    period: str
    state: str
    agency: str
    content_type: str = absent("Of a message.")
    metadata_note: str = absent("Of a message: why metadata was not read.")
    large_object: str = absent("Of a message.")
    event_id: str = absent("Of an event.")
    occurred_at: Time = absent("Of an event.")
    type: str = absent("Of an event.")
    actor: str = absent("Of an event.")
    detail: str = absent("Of an event: a JSON object as text.")
    object: str = absent()
    row: Count = absent()
    segment: str | None = absent("Null until it is compacted.")
    verified_at: Time | None = absent()
    placements: list[PlacementAnswer] = absent()
    held: bool | None = absent("Null when no site could be asked.")
    retention: ClockAnswer = absent("With due=true: until when its transaction is kept.")
    kept: KeptAnswer | None = absent("Of a person: until when it is kept at least, and its locks now.")
    disposed: DisposedAnswer = absent("Of what was disposed of; of a whole entry only its ids are left.")
    withheld: list[WithheldPart] = _withheld()


class TimelineEntry(EntryAnswer):
    """An entry in the timeline of its transaction."""

    counts_as: Time = absent("Where its node's clock was ahead: when that was accepted; it stands there.")


class UnreadObject(BaseModel):
    """What an answer may lack."""

    object: str
    reason: str
    first: Time
    last: Time


class SearchedAnswer(BaseModel):
    """What an answer is about; times are null where there is no bound."""

    fields: dict[str, str]
    by: Literal["receipt", "occurrence"]
    covers: str = Field(description="What was looked at, in words.")
    from_: Time | None = Field(serialization_alias="from")
    to: Time | None
    from_local: str | None = Field(description="The same in time_zone, RFC 3339.")
    to_local: str | None
    time_zone: str = Field(description="Whose days are meant by dates without a zone.")


class NearAnswer(BaseModel):
    """What came close to a search that found nothing."""

    way: Literal["other-time", "other-field", "other-spelling", "archive-id"]
    fields: dict[str, str] = Field(description="With these it is found, at any time.")
    count: Count
    more: bool = Field(description="There are more than were counted.")
    nearest: Time | None


class OriginalNamed(BaseModel):
    """The original that a reading is beside."""

    size: Count
    sha256: Sha256
    content_type: str


class ReadingLineAnswer(BaseModel):
    """One element of a message, or one member."""

    level: Count
    name: str = Field(description="As it is written; an attribute begins with @.")
    words: str = Field(description='What the name means; "" where that is not known.')
    text: str


class ReadingSectionAnswer(BaseModel):
    """The message itself, or a form within it."""

    heading: str
    file: int | None = Field(description="Number of the attached file that this is; null: the message.")
    lines: list[ReadingLineAnswer]


class AttachedFileAnswer(BaseModel):
    """A file that travelled in base64."""

    number: int = Field(ge=1)
    name: str = Field(description='As the message says it; "" where it says none.')
    kind: str = Field(description="XML, PDF, DOCX, ...; bytes where that is not known.")
    size: Count
    sha256: Sha256


class ReadingAnswer(BaseModel):
    """What a message says, for people; what has no look of its own stands as its number, such as ⟨U+202E⟩."""

    id: str
    original: OriginalNamed
    language: Literal["vi", "en"]
    title: str
    sections: list[ReadingSectionAnswer]
    files: list[AttachedFileAnswer]
    notes: list[str] = Field(description="What was left out, and why.")


class PageAnswer(BaseModel):
    """One page of a search."""

    items: list[EntryAnswer]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
    partial: str | None = Field(description="Why the page ends before its limit.")
    unread: list[UnreadObject]
    searched: SearchedAnswer
    near: list[NearAnswer] = Field(description="Where a person found nothing: what came close.")
    near_complete: bool = Field(description="False: not all that may be close was looked at.")
    withheld: list[WithheldPart] = _withheld()


class LockNow(BaseModel):
    """The lock of one copy, as its site tells it now."""

    site: str
    key: str
    retain_until: Time | None = Field(description="Null: not known now, see problem.")
    problem: str | None


class BothLanguages(BaseModel):
    """The same in sentences."""

    vi: list[str]
    en: list[str]


class KeptAnswer(ClockAnswer):
    """Until when one entry is kept at least, and what locks it now, beside what its receipt says."""

    kept_until_at_least: str = Field(description="A day in Vietnam, kept whole.")
    lock: Time | None = Field(description="The earliest that stands; null: one of them is not known.")
    locks: list[LockNow]
    receipt_says: Time | None = Field(description="The lock at receipt: the first, short one of its batch.")
    words: BothLanguages


class TimelineAnswer(BaseModel):
    """All of one transaction, oldest first."""

    transaction_id: str = Field(description='"": a dossier or an entry that names none.')
    items: list[TimelineEntry]
    unread: list[UnreadObject]
    by: Literal["receipt", "occurrence"] = Field(description="The time that orders the entries.")
    retention: list[ClockAnswer]
    withheld: list[WithheldPart] = _withheld()


class HistogramBar(BaseModel):
    """Entries of one value."""

    value: str = Field(description='"" is unknown.')
    entries: Count
    bytes: Count


class HistogramAnswer(BaseModel):
    """Counts and bytes."""

    by: str = Field(json_schema_extra={"enum": list(HistogramQuery.BY)})
    bars: list[HistogramBar]
    entries: Count
    bytes: Count
    unread: list[UnreadObject]
    from_: str | None = Field(serialization_alias="from", description="First day; null: no bound.")
    to: str | None = Field(description="Last day, included.")
    time_zone: Literal["UTC"] = Field(description="Whose days are counted.")
