"""A message as people read it: known forms whole, hostile ones bounded, nothing of them obeyed."""

from __future__ import annotations

import hashlib
import io
import zipfile
from base64 import b64encode
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.readable import (
    PAGE_POLICY,
    EntryReading,
    ReadingOf,
    html_page_of,
    read_for_people,
    text_page,
    visible,
)
from vanvault.archiver.core.sample import SampleMessage, generate

#: All elements that a page consists of.
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "section", "table", "tbody",
    "tr", "th", "td", "code", "ul", "li",
}  # fmt: skip
BIDI = "\u202e\u202d\u2066\u2069\u200b\ufeff\x1b\x00\x9b\ud800"


def read(body: bytes, language: str = "en") -> EntryReading:
    of = ReadingOf("w-1-0", "gateway-1", "2026-11-22T01:02:03Z", "application/xml", len(body),
                   hashlib.sha256(body).hexdigest())  # fmt: skip
    return read_for_people(body, of, "vi" if language == "vi" else "en")


def texts(reading: EntryReading) -> list[tuple[str, str]]:
    """Names and texts of all lines."""
    return [(line.name, line.text) for section in reading.sections for line in section.lines]


def attached(name: str, content: bytes) -> bytes:
    encoded = b64encode(content)
    return b"<Hoso><FileToKhai><TenFile>%b</TenFile><NoiDungFile>%b</NoiDungFile></FileToKhai></Hoso>" % (
        name.encode(),
        encoded,
    )


class Elements(HTMLParser):
    """The elements of a page and what is dangerous in their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def check_safe(reading: EntryReading) -> None:
    """Text and page show, and do nothing else."""
    text, page = text_page(reading), html_page_of(reading)
    assert all(line.isprintable() for line in text.split("\n"))
    assert all(line.isprintable() for line in page.split("\n"))
    found = Elements(page)
    assert found.names <= ELEMENTS
    assert found.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}
    page.encode()


def samples() -> list[SampleMessage]:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    return [one for case in generate(14, 17, start=start, size=12_000) for one in case.messages]


@pytest.mark.parametrize("number", range(len(samples())))
def test_known_messages_are_read_whole(number: int) -> None:
    message = samples()[number]
    reading = read(message.body, "vi")
    check_safe(reading)
    assert reading.notes == ()
    assert reading.of.sha256 in text_page(reading)
    told = {text for _, text in texts(reading)}
    truth = message.metadata
    for value in (truth.employer_code, truth.tax_code, truth.dossier_number, truth.procedure, truth.period):
        assert not value or value in told
    assert set(truth.insurance_numbers) <= told, "also what is inside the forms"
    forms = [file for file in reading.files if file.kind == "XML"]
    assert len(reading.sections) == 1 + len(forms)


def test_names_stand_in_words_of_both_languages_beside_what_is_written() -> None:
    body = b"<BHXH><TTGDICH><SO_HSO>00123/2026/07900</SO_HSO></TTGDICH></BHXH>"
    assert "Số hồ sơ [SO_HSO]: 00123/2026/07900" in text_page(read(body, "vi"))
    page = text_page(read(body))
    assert "Dossier number [SO_HSO]: 00123/2026/07900" in page
    assert page.startswith("Notice of the social insurance agency")


def test_attached_files_are_named_by_what_they_are_and_not_opened() -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("word/document.xml", "<secret/>")
    for content, kind in (
        (b"%PDF-1.4\n" + b"x" * 90, "PDF"),
        (zipped.getvalue(), "DOCX"),
        (b"\0" * 90, "bytes"),
    ):
        reading = read(attached("hợp đồng.bin", content))
        (file_,) = reading.files
        assert (file_.kind, file_.size, file_.name) == (kind, len(content), "hợp đồng.bin")
        assert file_.sha256 == hashlib.sha256(content).hexdigest()
        assert file_.sha256 in text_page(reading)
        assert "secret" not in text_page(reading)


def test_a_signature_is_named_and_not_said_to_be_good() -> None:
    body = (
        b'<Hoso><ds:Signature xmlns:ds="x"><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature></Hoso>'
    )
    assert texts(read(body)) == [("Hoso", ""), ("ds:Signature", "digital signature, not checked here")]


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE Hoso [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<Hoso>&b;</Hoso>"
)
OUTSIDE = b'<!DOCTYPE Hoso [<!ENTITY x SYSTEM "file:///etc/passwd">]><Hoso>&x;</Hoso>'


@pytest.mark.parametrize("body", [LAUGHS, OUTSIDE, attached("a.xml", LAUGHS), attached("a.xml", OUTSIDE)])
def test_no_entity_is_ever_replaced(body: bytes) -> None:
    reading = read(body)
    check_safe(reading)
    assert any("document type declaration" in note for note in reading.notes)
    assert "haha" not in text_page(reading)
    assert "root:" not in text_page(reading)


def nested(levels: int, inner: bytes = b"") -> bytes:
    return b"<a>" * levels + inner + b"</a>" * levels


def nested_forms(levels: int) -> bytes:
    body = b"<Hoso><Ma>innermost</Ma></Hoso>"
    for _ in range(levels):
        body = attached("x.xml", body)
    return body


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (nested(100_000), "levels deep"),
        (b"<a>" + b"<b/>" * 60_000 + b"</a>", "lines"),
        (b"<a " + b" ".join(b'x%d="1"' % n for n in range(30_000)) + b"/>", "lines"),
        (b"<a>" + attached("p", b"%PDF-1.4" + b"x" * 20) * 1_200 + b"</a>", "files"),
        (nested_forms(6), "nested"),
        (b"<Hoso><b>", "well-formed"),
        (b"<Hoso>\xff\xfe</Hoso>", "well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><Hoso/>', "well-formed"),
        (b"<Hoso><NoiDungFile>not base64 at all, whatever it says</NoiDungFile></Hoso>", "base64"),
        (b"[" * 100_000, "not opened"),
        (b"[" * 100 + b"]" * 100, "levels deep"),
        (b"\x00\x01\x02", "not opened"),
        (b"", "not opened"),
    ],
    ids=str,
)
def test_what_is_left_out_is_said(body: bytes, note: str) -> None:
    reading = read(body)
    check_safe(reading)
    assert any(note in one for one in reading.notes), reading.notes
    assert len(texts(reading)) <= 20_000
    assert len(reading.files) <= 1_000


def test_base64_of_many_megabytes_is_named_and_not_shown() -> None:
    reading = read(attached("lớn.pdf", b"%PDF-1.4" + bytes(12 * 2**20)))
    assert reading.files[0].size == 12 * 2**20 + 8
    assert len(text_page(reading)) < 2_000


def test_a_long_text_is_cut_and_says_so() -> None:
    assert visible("x" * 5_000) == "x" * 2_000 + " … (+3,000)"


def test_nothing_turns_the_direction_of_writing_or_hides() -> None:
    body = "<Hoso><TenFile>dinh-kem\u202egnp.exe</TenFile><Ten\u200b>a</Ten\u200b></Hoso>".encode()
    page = text_page(read(body))
    assert "dinh-kem⟨U+202E⟩gnp.exe" in page
    assert visible("a\nb\tc\x1b[31m") == "a b c⟨U+001B⟩[31m"


HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)> \"'><a href=javascript:alert(1)>"


def test_hostile_texts_stay_texts() -> None:
    escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    form = f'<Hoso a="{escaped}"><TenFile>{escaped}</TenFile><NoiDungFile>{{}}</NoiDungFile></Hoso>'
    reading = read(form.format(b64encode(b"<svg onload='alert(1)'/>").decode()).encode())
    check_safe(reading)
    assert ("TenFile", HOSTILE) in texts(reading)
    page = html_page_of(reading)
    assert "<script" not in page
    assert PAGE_POLICY.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in PAGE_POLICY


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    check_safe(read(body))


PIECES = st.sampled_from(
    ["<a>", "</a>", "<Hoso>", "</Hoso>", "<NoiDungFile>", "</NoiDungFile>", "<![CDATA[", "]]>", "<!--", "-->",
     "&lt;", "&#x202e;", "&x;", "<?x?>", ' x="1"', "\u202e", BIDI[:5], "<ds:Signature>", "</ds:Signature>",
     b64encode(b"<a>" + b"<b>x</b>" * 5 + b"</a>").decode(), b64encode(b"%PDF-1.4 and more of it").decode()]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40))
def test_no_pieces_of_xml_make_it_raise(pieces: list[str]) -> None:
    check_safe(read("".join(["<Hoso>", *pieces, "</Hoso>"]).encode("utf-8", "replace")))
