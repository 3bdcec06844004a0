"""Documents for people in English and Vietnamese: as one HTML page, and as PDF with fonts of our own."""

from __future__ import annotations

from vanvault.recovery.documents.amounts import decimal, duration, exact_size, moment, number, size
from vanvault.recovery.documents.document import (
    LANGUAGES,
    Document,
    Language,
    PageMark,
    Section,
    pairs,
)
from vanvault.recovery.documents.html import html_page
from vanvault.recovery.documents.pdf import FONTS, pdf_pages

__all__ = [
    "FONTS",
    "LANGUAGES",
    "Document",
    "Language",
    "PageMark",
    "Section",
    "decimal",
    "duration",
    "exact_size",
    "html_page",
    "moment",
    "number",
    "pairs",
    "pdf_pages",
    "size",
]
