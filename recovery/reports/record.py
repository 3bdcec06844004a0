"""Reports on record: each is a message of the archive's own, and an event.

::

    vanvault.report.made    id, name, period, complete, full, from, to, sha256 (of report.json), lacking, who
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType, own_events
from vanvault.recovery.documents import Report
from vanvault.recovery.reports.model import KINDS
from vanvault.recovery.reports.period import ReportPeriod, parse_period
from vanvault.recovery.work import archive_with_event, own_message

MADE = EventType.REPORT_MADE


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report on record."""

    id: str
    name: str
    period: ReportPeriod
    at: datetime
    complete: bool  # the period was over, and nothing of its record was lacking
    full: bool  # of accounts: with the list of all of them
    sha256: str  # of report.json
    who: str

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "id": self.id,
            "report": self.name,
            "period": self.period.name,
            "at": rfc3339_seconds(self.at),
            "complete": self.complete,
            "full": self.full,
            "sha256": self.sha256,
            "who": self.who,
        }


def archive_report(archive: Archive, report: Report, data: bytes, bundle: bytes) -> None:
    """Archive the bundle as a message of the archive's own gateway, with the event, in one commit.

    Raises SiteUnavailable, KeyUnavailable.
    """
    id = report_message_id(report["id"])
    message = own_message(archive, id, bundle, kind="report-evidence", content_type="application/zip")
    archive_with_event(archive, message, MADE, made_detail(report, data))


def report_message_id(report: str) -> str:
    """The id under which a report's bundle is archived."""
    return f"report-{report}"


def made_detail(report: Report, data: bytes) -> dict[str, object]:
    """The detail of the event about a report."""
    return {
        "complete": report["complete"],
        "from": report["from"],
        "full": report["full"],
        "id": report["id"],
        "lacking": len(report["lacking"]),
        "name": report["name"],
        "period": report["period"],
        "sha256": hashlib.sha256(data).hexdigest(),
        "to": report["to"],
        "who": report["who"],
    }


def made_reports(search: Search) -> Iterator[MadeReport]:
    """Reports on record, newest first; an event that is not readable as one is passed by.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    for event in own_events(search, MADE):
        try:
            detail = event.detail
            name = str(detail["name"])
            yield MadeReport(
                id=str(detail["id"]),
                name=name,
                period=parse_period(str(detail["period"]), KINDS[name].length),
                at=event.at,
                complete=detail["complete"] is True,
                full=detail.get("full") is True,
                sha256=str(detail["sha256"]),
                who=str(detail.get("who", "")),
            )
        except (KeyError, TypeError, InvalidInput, Damaged):
            continue
