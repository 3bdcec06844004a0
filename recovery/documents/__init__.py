"""Documents for people in English and Vietnamese: as one HTML page, and as PDF with fonts of our own."""

from __future__ import annotations

from vanvault.recovery.documents.amounts import decimal, duration, exact_size, moment, number, size
from vanvault.recovery.documents.bundle import (
    REPORT,
    check_renderings,
    digests,
    read_bundle,
    write_bundle,
    zipped,
)
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
from vanvault.recovery.documents.signed import Report, SignedForm, public_keys_of

__all__ = [
    "FONTS",
    "LANGUAGES",
    "REPORT",
    "Document",
    "Language",
    "PageMark",
    "Report",
    "Section",
    "SignedForm",
    "check_renderings",
    "decimal",
    "digests",
    "duration",
    "exact_size",
    "html_page",
    "moment",
    "number",
    "pairs",
    "pdf_pages",
    "public_keys_of",
    "read_bundle",
    "size",
    "write_bundle",
    "zipped",
]
