"""Reading copies of an extraction: a CSV that says in its first line what it is, a PDF on every page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import orjson

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.extraction import KEYS, Extraction, ExtractionForm
from vanvault.recovery.documents import Document, PageMark, moment, number, pairs, pdf_pages
from vanvault.recovery.extraction.texts import COPY_MARK, field_name, wording

#: Entries of a PDF: it is made in memory, page by page.
MOST_OF_A_PDF = 1_000

#: These are files of their own.
_FILES = ("original", "receipt")
#: First characters that make a spreadsheet run a cell (OWASP, "CSV Injection"), and the mark itself.
_MARKED = frozenset("=+-@\t\r\n＝＋－＠'")


def check_copies(form: ExtractionForm, count: int) -> None:
    """Raises InvalidInput: a reading copy that was asked for cannot hold so many entries."""
    if "pdf" in form.copies and count > MOST_OF_A_PDF:
        raise InvalidInput(
            f"a reading copy as PDF has {MOST_OF_A_PDF} entries at most, and there are {count}",
            field="copies",
            hint="Ask for CSV instead, or split the period over several forms.",
        )


def reading_copies(extraction: Extraction, lines: Iterable[bytes]) -> dict[str, bytes]:
    """The copies that the form asks for, by their names in the ZIP; ``lines``: narrowed entries as NDJSON."""
    kinds = extraction.form.copies
    if not kinds:
        return {}
    items = [orjson.loads(line) for line in lines]
    found = {}
    if "csv" in kinds:
        found["copies/copy.csv"] = csv_copy(extraction, items)
    if "pdf" in kinds:
        found["copies/copy.pdf"] = pdf_copy(extraction, items)
    return found


def csv_copy(extraction: Extraction, items: Iterable[Mapping[str, Any]]) -> bytes:
    """RFC 4180, UTF-8. The first line marks it as a copy and names the agency; the second has the fields."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow([COPY_MARK, *map(_safe, (_agency(extraction), extraction.id))])
    fields = _fields(extraction.form)
    writer.writerow(fields)
    for item in items:
        writer.writerow([_safe(_text(item.get(name))) for name in fields])
    return held.getvalue().encode()


def pdf_copy(extraction: Extraction, items: Iterable[Mapping[str, Any]]) -> bytes:
    """A4 in Vietnamese, with the mark and the agency's name on every page."""
    say = partial(wording, language="vi")
    form = extraction.form
    letter = form.letter
    opening = pairs(
        say("letter"),
        [
            (say("number"), letter.number),
            (say("day"), f"{letter.day:%d/%m/%Y}"),
            (say("agency"), letter.agency),
            (say("extraction"), extraction.id),
            (say("items"), number(extraction.count, "vi")),
            (say("absent"), ", ".join(field_name(name, "vi") for name in form.absent) or "–"),
        ],
    )
    entries = [pairs(f"{say('entry')} {item['id']}", _shown(form, item)) for item in items]
    document = Document("vi", say("copy"), "", True, (opening, *entries), say("copy_note"), ())
    started = extraction.start.at if extraction.start else extraction.at
    return pdf_pages(document, started, PageMark(COPY_MARK, _agency(extraction)))


def _shown(form: ExtractionForm, item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _fields(form):
        text = _text(item.get(name))
        if name != "id" and text:
            yield field_name(name, "vi"), moment(text, "vi") if name.endswith("_at") else text


def _fields(form: ExtractionForm) -> list[str]:
    return [*KEYS, *(name for name in form.fields if name not in _FILES)]


def _agency(extraction: Extraction) -> str:
    return extraction.form.recipient.agency


def _text(value: object) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text[:1] in _MARKED and text else text
