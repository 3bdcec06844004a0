"""A copy says on every page that it is one."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from vanvault.recovery.documents import Document, PageMark, Section, html_page, pairs, pdf_pages

AT = datetime(2026, 11, 30, tzinfo=UTC)
MARK = PageMark("BẢN SAO", "Thanh tra Bảo hiểm xã hội tỉnh Đắk Lắk")
ROWS = tuple((f"2026-{n:06}", "hồ sơ ốm đau, thai sản") for n in range(400))
LONG = Document("vi", "Trích xuất", "", True, (Section("Bản ghi", ("Mã", "Nội dung"), (1, 2), ROWS),), "", ())


def test_every_page_of_a_copy_is_marked_and_names_the_agency(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="fpdf"):
        data = pdf_pages(LONG, AT, MARK)
    pages = PdfReader(io.BytesIO(data)).pages
    assert len(pages) > 5
    for page in pages:
        said = page.extract_text()
        assert said.count("BẢN SAO") == 2  # across the page, and in its footer
        assert "Thanh tra Bảo hiểm xã hội tỉnh Đắk Lắk" in said
    assert not [record for record in caplog.records if record.name.startswith("fpdf")]
    assert data == pdf_pages(LONG, AT, MARK)


def test_what_is_no_copy_has_no_mark() -> None:
    pages = PdfReader(io.BytesIO(pdf_pages(LONG, AT))).pages
    assert not [page for page in pages if "BẢN SAO" in page.extract_text()]


def test_where_nothing_was_judged_there_is_no_verdict() -> None:
    page = html_page(Document("en", "Receipt", "", True, (pairs("Who", [("name", "Lan")]),), "", ()))
    assert 'class="verdict' not in page
    assert '<th scope="row">name</th><td>Lan</td>' in page
