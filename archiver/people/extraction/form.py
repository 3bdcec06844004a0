"""The form of an extraction: which fields of which entries go to whom, why, by which official letter. Pure.

As JSON (the canonical form, RFC 8785, is what is approved)::

    letter     number, day, agency, scan_sha256 (hex, of the scan that is archived)
    fields     names out of FIELDS, sorted; an entry's id and its kind always go along
    filter     as a search takes it: field -> value; from and to (RFC 3339)
    purpose    why
    recipient  name, agency: who is handed the data
    until      the last day, in Vietnam, on which it is extracted or handed over
    copies     reading copies wanted: csv, pdf
    version    1
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_day, vietnam_day

CopyKind = Literal["csv", "pdf"]
COPY_KINDS: tuple[CopyKind, ...] = get_args(CopyKind)

#: Fields of an entry that a form may ask for. ``original`` is the message itself, byte for byte.
FIELDS = (
    "gateway",
    "received_at",
    "occurred_at",
    "type",
    "actor",
    "message_id",
    "event_id",
    "kind",
    "transaction_id",
    "ivan",
    "employer_code",
    "tax_code",
    "insurance_numbers",
    "dossier_number",
    "procedure",
    "period",
    "state",
    "agency",
    "content_type",
    "size",
    "sha256",
    "sha512",
    "detail",
    "original",
    "receipt",
)
#: Always there: by these an entry is told from others.
KEYS = ("id", "entry")

MOST_TEXT = 300  # characters of a name, number or agency
MOST_PURPOSE = 500
#: Bytes of the canonical form; a request for approval holds it whole.
MOST_FORM = 6 * 1024
_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class OfficialLetter:
    """The letter by which an agency asks."""

    number: str  # as it is written, such as 123/TTr-BHXH
    day: date  # of its date
    agency: str  # that issued it
    scan_sha256: str  # hex


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is handed the data."""

    name: str
    agency: str


@dataclass(frozen=True, slots=True)
class ExtractionForm:
    """What is asked for. Made by ``new_form``, which checks it."""

    letter: OfficialLetter
    fields: tuple[str, ...]
    filter: Mapping[str, str]
    purpose: str
    recipient: Recipient
    until: date
    copies: tuple[CopyKind, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        letter = self.letter
        return {
            "letter": {
                "number": letter.number,
                "day": letter.day.isoformat(),
                "agency": letter.agency,
                "scan_sha256": letter.scan_sha256,
            },
            "fields": list(self.fields),
            "filter": dict(self.filter),
            "purpose": self.purpose,
            "recipient": {"name": self.recipient.name, "agency": self.recipient.agency},
            "until": self.until.isoformat(),
            "copies": list(self.copies),
            "version": _VERSION,
        }

    @property
    def canonical(self) -> bytes:
        """The canonical form."""
        return canonical(self.as_json())

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical form."""
        return hashlib.sha256(self.canonical).hexdigest()

    @property
    def absent(self) -> tuple[str, ...]:
        """Fields that were not asked for."""
        return tuple(name for name in FIELDS if name not in self.fields)

    def is_over(self, now: datetime) -> bool:
        """Is its last day past?"""
        return vietnam_day(now) > self.until


def new_form(told: Mapping[str, Any], now: datetime) -> ExtractionForm:
    """A form as somebody fills it in at a moment. What its ``filter`` means a search decides.

    Raises InvalidInput, with the field: missing, of another type, too long, not printable, a day that is past
    or not there yet, a field that no entry has.
    """
    form = _form(told)
    today = vietnam_day(now)
    if form.letter.day > today:
        raise InvalidInput("the letter's date is in the future", field="letter.day")
    if form.until < today:
        raise InvalidInput("the end date is past", field="until", hint="Name the last day it may be used.")
    return form


def form_of(told: Mapping[str, Any]) -> ExtractionForm:
    """A form from the record. Raises InvalidInput: it is none, or another version's."""
    form = _form(told)
    if form.as_json() != dict(told):
        raise InvalidInput("the form on record is of another version", field="form")
    return form


def _form(told: Mapping[str, Any]) -> ExtractionForm:
    strange = sorted(set(map(str, told)) - {*ExtractionForm.__slots__, "version"})
    if strange:
        raise InvalidInput(f"a form has no field {strange[0][:40]!r}", field=strange[0][:40])
    if told.get("version", _VERSION) != _VERSION:
        raise InvalidInput(f"this version knows forms of version {_VERSION} only", field="version")
    letter, recipient = _object(told, "letter"), _object(told, "recipient")
    form = ExtractionForm(
        OfficialLetter(
            _said(letter, "letter.number"),
            parse_day(_said(letter, "letter.day"), field="letter.day"),
            _said(letter, "letter.agency"),
            _digest(letter),
        ),
        _fields(told),
        _filter(told),
        _said(told, "purpose", MOST_PURPOSE),
        Recipient(_said(recipient, "recipient.name"), _said(recipient, "recipient.agency")),
        parse_day(_said(told, "until"), field="until"),
        _copies(told),
    )
    if len(form.canonical) > MOST_FORM:
        raise InvalidInput(
            f"a form has {MOST_FORM} bytes at most",
            field="form",
            hint="Shorten its texts, or make two forms.",
        )
    return form


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = told.get(name)
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} is missing", field=name)
    return value


def _said(told: Mapping[str, Any], path: str, most: int = MOST_TEXT) -> str:
    value = told.get(path.rpartition(".")[2])
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{path} is missing", field=path)
    text = unicodedata.normalize("NFC", value).strip()
    if len(text) > most or not text.isprintable():
        raise InvalidInput(f"{path} has 1 to {most} printable characters", field=path)
    return text


def _digest(letter: Mapping[str, Any]) -> str:
    text = _said(letter, "letter.scan_sha256")
    if not _SHA256.fullmatch(text):
        raise InvalidInput("letter.scan_sha256 is no SHA-256 in hex", field="letter.scan_sha256")
    return text


def _names(told: Mapping[str, Any], name: str, known: Iterable[str]) -> list[str]:
    value = told.get(name, [])
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise InvalidInput(f"{name} is a list of names", field=name)
    choices = tuple(known)
    strange = next((one for one in value if one not in choices), None)
    if strange is not None:
        raise InvalidInput(
            f"{name}: there is no {strange[:40]!r}", field=name, hint=f"Known: {', '.join(choices)}."
        )
    return sorted(set(value))


def _fields(told: Mapping[str, Any]) -> tuple[str, ...]:
    names = _names(told, "fields", FIELDS)
    if not names:
        raise InvalidInput(
            "the form names no field", field="fields", hint=f"Name those of the letter: {', '.join(FIELDS)}."
        )
    return tuple(names)


def _copies(told: Mapping[str, Any]) -> tuple[CopyKind, ...]:
    names = _names(told, "copies", COPY_KINDS)
    return tuple(kind for kind in COPY_KINDS if kind in names)


def _filter(told: Mapping[str, Any]) -> dict[str, str]:
    value = _object(told, "filter")
    if not all(isinstance(text, str) and text for pair in value.items() for text in pair):
        raise InvalidInput("a filter is names and values, as texts", field="filter")
    if not set(value) - {"from", "to", "entry"}:
        raise InvalidInput(
            "the filter asks for everything",
            field="filter",
            hint="Name what the letter is about, such as an employer_code.",
        )
    return {name: value[name] for name in sorted(value)}
