"""A document as PDF (A4), with its own fonts, so that Vietnamese reads alike everywhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from vanvault.recovery.documents.document import Document, PageMark, Section

FONTS = Path(__file__).parent / "fonts"
_FONT = "DejaVu"
_GREEN, _RED, _GREY = (26, 127, 55), (180, 35, 24), (243, 245, 247)
_LINE = 5.0  # mm
_LONG = 40  # characters
_ROOM = 50.0  # mm for a heading and some rows
_PALE, _ACROSS_PT, _SLOPE = (222, 224, 228), 84, 52  # of a mark across the page; degrees
_FOOT = 14.0  # mm


def pdf_pages(shown: Document, made_at: datetime, mark: PageMark | None = None) -> bytes:
    """A whole document; the same one gives the same bytes with the same library. ``mark``: on every page."""
    pdf = _new_pdf(mark)
    pdf.set_creation_date(made_at)
    pdf.set_title(shown.title)
    pdf.set_lang(shown.language)
    pdf.set_auto_page_break(True, margin=16)
    pdf.add_font(_FONT, "", FONTS / "DejaVuSans.ttf")
    pdf.add_font(_FONT, "B", FONTS / "DejaVuSans-Bold.ttf")
    pdf.add_page()
    _opening(pdf, shown)
    for section in shown.sections:
        _section(pdf, section)
    _closing(pdf, shown)
    return bytes(pdf.output())


def _new_pdf(mark: PageMark | None) -> Any:
    from fpdf import FPDF  # a quarter of a second that other verbs need not spend

    if mark is None:
        return FPDF(format="A4")
    across, below = mark.across, mark.below

    class Marked(FPDF):  # the library calls both for each page
        def header(self) -> None:
            self.set_font(_FONT, "B", _ACROSS_PT)
            self.set_text_color(*_PALE)
            wide = self.get_string_width(across)
            with self.rotation(_SLOPE, self.w / 2, self.h / 2):
                self.text((self.w - wide) / 2, self.h / 2, across)
            self.set_text_color(0)

        def footer(self) -> None:
            self.set_y(-_FOOT)
            self.set_font(_FONT, "", 8)
            self.multi_cell(0, _LINE, f"{across} – {below} – {self.page_no()}", align="C")

    return Marked(format="A4")


def _opening(pdf: Any, shown: Document) -> None:
    pdf.set_font(_FONT, "B", 16)
    pdf.multi_cell(0, 9, shown.title, new_x="LMARGIN", new_y="NEXT")
    if not shown.verdict:
        return
    pdf.set_text_color(*(_GREEN if shown.passed else _RED))
    pdf.set_font(_FONT, "B", 12)
    pdf.multi_cell(0, 8, shown.verdict, new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(0)


def _section(pdf: Any, section: Section) -> None:
    from fpdf.fonts import FontFace

    pdf.ln(3)
    if pdf.get_y() > pdf.h - _ROOM:
        pdf.add_page()  # no heading stands alone at the end of a page
    pdf.set_font(_FONT, "B", 11)
    pdf.multi_cell(0, 7, section.heading, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(_FONT, "", 8)
    head = FontFace(emphasis="BOLD", fill_color=_GREY)
    with pdf.table(
        col_widths=section.widths,
        first_row_as_headings=bool(section.columns),
        headings_style=head,
        line_height=_LINE,
        borders_layout="HORIZONTAL_LINES",
        padding=0.8,
        text_align="LEFT",
        wrapmode="CHAR" if _has_long_words(section) else "WORD",
    ) as table:
        for row in (section.columns, *section.rows) if section.columns else section.rows:
            table.row(row)


def _has_long_words(section: Section) -> bool:
    """Digests and keys are longer than a column and are broken anywhere."""
    return any(len(word) > _LONG for row in section.rows for cell in row for word in cell.split())


def _closing(pdf: Any, shown: Document) -> None:
    pdf.ln(4)
    pdf.set_font(_FONT, "", 8)
    pdf.multi_cell(0, _LINE, shown.note, new_x="LMARGIN", new_y="NEXT")
    if pdf.get_y() > pdf.h - _ROOM:
        pdf.add_page()  # who signs sees all lines
    for line in shown.by_hand:
        pdf.ln(10)
        pdf.multi_cell(0, _LINE, f"{line} {'.' * 60}", new_x="LMARGIN", new_y="NEXT")
