"""Reports of a period: accounts, their review, operation, personal data; signed, archived, known when due."""

from __future__ import annotations

from vanvault.recovery.reports.due import DueReport
from vanvault.recovery.reports.layout import figures_told
from vanvault.recovery.reports.model import KINDS, REPORT_FORM, ReportKind
from vanvault.recovery.reports.record import MadeReport
from vanvault.recovery.reports.texts import shared_word
from vanvault.recovery.reports.verbs import (
    DueReports,
    KeptReport,
    ReportRequest,
    known_due,
    known_reports,
    make_report,
    recorded_report,
    report_bundle,
    report_evidence,
    reports_due,
    reports_on_record,
)

__all__ = [
    "KINDS",
    "REPORT_FORM",
    "DueReport",
    "DueReports",
    "KeptReport",
    "MadeReport",
    "ReportKind",
    "ReportRequest",
    "figures_told",
    "known_due",
    "known_reports",
    "make_report",
    "recorded_report",
    "report_bundle",
    "report_evidence",
    "reports_due",
    "reports_on_record",
    "shared_word",
]
