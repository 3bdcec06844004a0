"""Export: entries of the archive as files, with a signed manifest; on record, and resumable."""

from __future__ import annotations

from vanvault.archiver.export.export import ExportReport, export
from vanvault.archiver.export.forms import csv_page, safe_cell
from vanvault.archiver.export.host import ExportHost, ExportSurvey, HomeExport
from vanvault.archiver.export.narrowing import Narrowing
from vanvault.archiver.export.request import ExportRequest, parse_request
from vanvault.archiver.export.unwrapping import unwrap_object

__all__ = [
    "ExportHost",
    "ExportReport",
    "ExportRequest",
    "ExportSurvey",
    "HomeExport",
    "Narrowing",
    "csv_page",
    "export",
    "parse_request",
    "safe_cell",
    "unwrap_object",
]
