"""What requests and answers about extractions hold, as models; ``wire.py`` has all others."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from vanvault.api.wire_types import Count, Time


class LetterAnswer(BaseModel):
    """An official letter that asks for an extraction."""

    number: str
    day: str = Field(description="Its date.")
    agency: str
    scan_sha256: str = Field(description="SHA-256 of its scan, hexadecimal.")


class RecipientAnswer(BaseModel):
    """Who is handed the data."""

    name: str
    agency: str


class ExtractionFormAnswer(BaseModel):
    """What is asked for: approved as it is."""

    letter: LetterAnswer
    fields: list[str]
    filter: dict[str, str] = Field(description="As a search takes it.")
    purpose: str
    recipient: RecipientAnswer
    until: str = Field(description="The last day, in Vietnam, on which it is given out.")
    copies: list[str]
    version: Count


class AskExtractionBody(BaseModel):
    """A form with the scan of its letter; the letter's ``scan_sha256`` may be left out."""

    form: dict[str, Any]
    scan: str = Field(description="PDF, PNG, JPEG or TIFF in base64, 8 MiB at most.")


class ExtractionRunAnswer(BaseModel):
    """The complete file."""

    at: Time
    export: str
    items: Count
    bytes: Count
    sha256: str
    manifest_sha256: str
    who: str


class HandOverAnswer(BaseModel):
    """Who took it."""

    received_by: str
    received_at: Time
    receipt_sha256: str
    who: str
    because: str | None = Field(description="Why somebody else than the form's recipient took it.")


class ExtractionAnswer(BaseModel):
    """One extraction, as far as the record tells."""

    extraction: str
    state: Literal["requested", "begun", "ran", "handed-over", "over", "unclear"]
    form: ExtractionFormAnswer
    form_sha256: str
    absent: list[str] = Field(description="Fields that were not asked for.")
    count: Count = Field(description="Entries that the filter found; approved with the form.")
    before: Time = Field(description="They were received before this.")
    scan: str = Field(description="Id of the message that is the scan, at the gateway vanvault.")
    requested_at: Time
    who: str
    approval: dict[str, Any] | None
    ran: ExtractionRunAnswer | None
    handed_over: HandOverAnswer | None


class AskedExtractionAnswer(ExtractionAnswer):
    """The same, and what waits for approval."""

    already: bool = Field(description="The same form waits already.")
    approval_request: str


class ExtractionsAnswer(BaseModel):
    """Extractions, the newest first."""

    extractions: list[ExtractionAnswer]
    partial: bool = Field(description="Something may be missing.")
