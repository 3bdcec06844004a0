"""A message as people can read it, beside the original: bounded, escaped, and never believed."""

from __future__ import annotations

from vanvault.archiver.core.readable.html import PAGE_POLICY, html_page_of
from vanvault.archiver.core.readable.reading import EntryReading, ReadingOf, visible
from vanvault.archiver.core.readable.sections import read_for_people
from vanvault.archiver.core.readable.text import text_page
from vanvault.archiver.core.readable.words import READING_LANGUAGES, ReadingLanguage

__all__ = [
    "PAGE_POLICY",
    "READING_LANGUAGES",
    "EntryReading",
    "ReadingLanguage",
    "ReadingOf",
    "html_page_of",
    "read_for_people",
    "text_page",
    "visible",
]
