"""Extractions by form: what an agency's letter asks for, and how far it has come, out of events."""

from __future__ import annotations

from vanvault.archiver.people.extraction.fold import (
    EXTRACTION_EVENTS,
    EXTRACTION_STATES,
    Extraction,
    Extractions,
    fold_extractions,
)
from vanvault.archiver.people.extraction.form import (
    COPY_KINDS,
    FIELDS,
    KEYS,
    ExtractionForm,
    new_form,
)
from vanvault.archiver.people.extraction.scan import MOST_SCAN, scan_type

__all__ = [
    "COPY_KINDS",
    "EXTRACTION_EVENTS",
    "EXTRACTION_STATES",
    "FIELDS",
    "KEYS",
    "MOST_SCAN",
    "Extraction",
    "ExtractionForm",
    "Extractions",
    "fold_extractions",
    "new_form",
    "scan_type",
]
