"""The subject of a request for approval, told member by member in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_day, parse_rfc3339

ValueKind = Literal["text", "day", "time", "number", "field-names", "copy-kinds"]

#: Members that have members of their own, which stand each in a line.
_GROUPS = frozenset(("form", "form.letter", "form.recipient", "form.filter", "before", "after"))
#: Members in the order in which somebody decides by them -> the name of their term.
_TERMS: Mapping[str, str] = {
    "form.letter.number": "field:letter_number",
    "form.letter.day": "field:letter_day",
    "form.letter.agency": "field:letter_agency",
    "form.purpose": "field:purpose",
    "form.recipient.name": "field:recipient_name",
    "form.recipient.agency": "field:recipient_agency",
    "form.filter": "field:filter",
    "form.fields": "field:fields",
    "count": "subject:count",
    "before": "subject:before",
    "form.until": "field:until",
    "form.copies": "field:copies",
    "form.letter.scan_sha256": "subject:scan_sha256",
    "form.version": "subject:version",
    "before.profile": "subject:before.profile",
    "before.log_years": "subject:before.log_years",
    "before.originals_years": "subject:before.originals_years",
    "after.profile": "subject:after.profile",
    "after.log_years": "subject:after.log_years",
    "after.originals_years": "subject:after.originals_years",
    "hold": "subject:hold",
    "site": "told:site",
    "leader": "subject:leader",
    "epoch": "subject:epoch",
    "days": "subject:days",
    "reason": "subject:reason",
    "object": "field:object",
    "entries": "told:entries",
    "objects": "told:objects",
    "bytes": "told:bytes",
    "threshold": "subject:threshold",
    "shares": "subject:shares",
    "plan": "subject:plan",
    "extraction": "told:extraction",
    "ids_sha256": "subject:ids_sha256",
    "objects_sha256": "subject:objects_sha256",
}
_ORDER = {name: at for at, name in enumerate(_TERMS)}
_FILTER = "form.filter."


@dataclass(frozen=True, slots=True)
class SubjectLine:
    """One member. ``term`` "": it is of no kind that is known here, and stands under its own name."""

    name: str  # with the members that it lies in: form.letter.number
    term: str
    kind: ValueKind
    value: str  # as text; of other kinds as the pages' words tell it
    values: tuple[str, ...] = ()  # of field-names and copy-kinds


def subject_lines(subject: Mapping[str, Any]) -> tuple[SubjectLine, ...]:
    """All members, those that are known first; nothing of the subject is left out."""
    lines = [_line(name, value) for name, value in _members("", subject)]
    return tuple(sorted(lines, key=lambda one: _ORDER.get(_place(one.name), len(_ORDER))))


def _members(within: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, member in value.items():
        name = f"{within}{key}"
        if name in _GROUPS and isinstance(member, Mapping) and member:
            yield from _members(f"{name}.", member)
        else:
            yield name, member


def _place(name: str) -> str:
    return _FILTER[:-1] if name.startswith(_FILTER) else name


def _line(name: str, value: Any) -> SubjectLine:
    term = f"field:{name.removeprefix(_FILTER)}" if name.startswith(_FILTER) else _TERMS.get(name, "")
    if isinstance(value, int) and not isinstance(value, bool) and term:
        return SubjectLine(name, term, "number", str(value))
    if name in ("form.fields", "form.copies") and isinstance(value, list) and all(map(_is_text, value)):
        kind: ValueKind = "field-names" if name == "form.fields" else "copy-kinds"
        return SubjectLine(name, term, kind, "", tuple(value))
    text = value if isinstance(value, str) else canonical(value).decode()
    return SubjectLine(name, term, _kind_of(text) if term else "text", text)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _kind_of(text: str) -> ValueKind:
    parsers: tuple[tuple[ValueKind, Any], ...] = (("day", parse_day), ("time", parse_rfc3339))
    for kind, parse in parsers:
        try:
            parse(text, field="day")
        except InvalidInput:
            continue
        return kind
    return "text"
