"""Extractions by form: asked for with an official letter, approved, run once, handed over."""

from __future__ import annotations

from vanvault.recovery.extraction.approval import ask_approval
from vanvault.recovery.extraction.hand_over import HandedOver, hand_over, receipt_document, receipt_files
from vanvault.recovery.extraction.host import ExtractionHost, HomeExtraction
from vanvault.recovery.extraction.record import AskedExtraction, ask_extraction, known_extractions
from vanvault.recovery.extraction.run import RunExtraction, run_extraction

__all__ = [
    "AskedExtraction",
    "ExtractionHost",
    "HandedOver",
    "HomeExtraction",
    "RunExtraction",
    "ask_approval",
    "ask_extraction",
    "hand_over",
    "known_extractions",
    "receipt_document",
    "receipt_files",
    "run_extraction",
]
