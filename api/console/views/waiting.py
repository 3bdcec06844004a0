"""What waits for somebody besides approvals: reports, reviews, holds, disposals, extractions, gaps. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vanvault.archiver.core.times import vietnam_midnight
from vanvault.archiver.people.accounts import DueReview
from vanvault.archiver.people.extraction import Extraction
from vanvault.archiver.replicas import SiteStatus
from vanvault.archiver.retention import Hold
from vanvault.recovery.disposal_record import KnownDisposal
from vanvault.recovery.reports import DueReport

#: A page shows so many; the pages that it leads to show all.
MOST_WAITING = 100
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """One thing that waits."""

    kind: str  # row of the table of terms: waiting:report, waiting:review, ...
    name: str  # which, as its page names it
    state: str  # row of the table of terms, "" where the kind says all
    deadline: datetime | None
    page: str  # address of the page that shows it, or of its runbook
    count: int = 0  # of what lacks, for gaps


@dataclass(frozen=True, slots=True)
class WaitingShown:
    """All that waits and this person may see, the first deadline first."""

    lines: tuple[WaitingLine, ...] = ()
    more: int = 0  # that are not shown
    hidden: tuple[str, ...] = ()  # kinds that this person may not see
    complete: bool = True  # nothing that is known is missing
    trouble: str = ""  # why something could not be read, in the program's words


def waiting_of(lines: Iterable[WaitingLine]) -> WaitingShown:
    """Sorted by deadline; what has none comes last."""
    found = sorted(lines, key=lambda one: (one.deadline or _LAST, one.kind, one.name))
    return WaitingShown(tuple(found[:MOST_WAITING]), len(found[MOST_WAITING:]))


def report_lines(due: Iterable[DueReport]) -> list[WaitingLine]:
    """Reports that are due or overdue; ``coming`` ones are not asked for yet."""
    return [
        WaitingLine(
            f"report:{one.name}",
            one.period.name,
            f"report-state:{one.state}",
            one.overdue_since,
            "/console/reports",
        )
        for one in due
        if one.state in ("due", "overdue")
    ]


def review_lines(due: Iterable[DueReview]) -> list[WaitingLine]:
    """Accounts that somebody must confirm."""
    return [
        WaitingLine(
            "waiting:review",
            one.account.name,
            "",
            vietnam_midnight(one.due),
            f"/console/people/{one.account.name}",
        )
        for one in due
    ]


def hold_lines(holds: Iterable[Hold]) -> list[WaitingLine]:
    """Holds that nobody has confirmed, and those that one person has released."""
    found = []
    for one in holds:
        if one.state in ("placed", "release-asked"):
            deadline = one.confirm_until if one.state == "placed" else None
            found.append(
                WaitingLine("waiting:hold", one.id, f"hold:{one.state}", deadline, f"/console/holds/{one.id}")
            )
    return found


def disposal_lines(disposals: Iterable[KnownDisposal]) -> list[WaitingLine]:
    """Disposals that are not over: until when their approval is asked for, or from when they may run."""
    return [
        WaitingLine(
            "waiting:disposal",
            one.record.id,
            f"disposal:{one.state}",
            one.cools_until or one.approval.until,
            f"/console/disposals/{one.record.id}",
        )
        for one in disposals
        if not one.is_over
    ]


def extraction_lines(extractions: Iterable[Extraction], now: datetime) -> list[WaitingLine]:
    """Extractions that are asked for, run, or wait to be handed over, until the end of their last day."""
    return [
        WaitingLine(
            "waiting:extraction",
            one.id,
            f"extraction:{one.state(now)}",
            vietnam_midnight(one.form.until + timedelta(days=1)),
            "/console/inbox",
        )
        for one in extractions
        if one.state(now) in ("requested", "begun", "ran")
    ]


def gap_lines(sites: Iterable[SiteStatus], conflicts: int) -> list[WaitingLine]:
    """What a site lacks, and ids with two contents: as far as this node knows."""
    found = [
        WaitingLine("waiting:lag", one.site, "", None, "/console/sites", one.lag.objects)
        for one in sites
        if one.lag is not None and one.lag.objects
    ]
    if conflicts:
        found.append(
            WaitingLine("waiting:conflict", "", "", None, "/console/help/objects-damaged", conflicts)
        )
    return found
