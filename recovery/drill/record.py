"""Drills on record: each run is an event of the archive and its bundle a message; plans are events, too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import newest_event, own_events
from vanvault.recovery.documents import Report
from vanvault.recovery.drill.model import MILESTONES
from vanvault.recovery.drill.scenarios import SCENARIOS
from vanvault.recovery.work import archive_with_event, own_message

FINISHED = "drill.finished"
SCHEDULED = "drill.scheduled"
RESTORED = "site.restored"

MAX_DAYS = 3660
#: Drills that bring back a whole site, and so measure what a restore takes.
_SITE_DRILLS = frozenset(one.name for one in SCENARIOS.values() if one.copies and not one.negative)


@dataclass(frozen=True, slots=True)
class DrillRun:
    """A drill on record."""

    id: str
    scenario: str
    finished_at: datetime
    passed: bool
    rto_ms: int  # for everything
    rpo_messages: int | None  # None: the drill did not get so far
    bytes: int  # in the subset that was rehearsed
    objects: int
    ms: int  # that the recovery of them took
    report_sha256: str
    later_messages: int = 0  # of the lost ones: they came after the copy was made
    times: Mapping[str, float] = field(default_factory=dict)  # seconds until each milestone, for everything


@dataclass(frozen=True, slots=True)
class DrillStanding:
    """The last runs of one scenario, and when the next is due."""

    scenario: str
    last: DrillRun | None
    last_passed: DrillRun | None
    every_days: int | None  # None: not scheduled
    due_at: datetime | None

    def overdue(self, now: datetime) -> bool:
        """Was it to be passed by now?"""
        return self.due_at is not None and self.due_at < now

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As JSON values; ``last`` is null where the scenario was never run."""
        last = self.last
        return {
            "scenario": self.scenario,
            "last": {
                "id": last.id,
                "finished_at": rfc3339_seconds(last.finished_at),
                "passed": last.passed,
                "rto_seconds": last.rto_ms / 1000,
                "rpo_messages": last.rpo_messages,
                "rpo_later_messages": last.later_messages,
                "report_sha256": last.report_sha256,
            }
            if last
            else None,
            "last_passed": rfc3339_seconds(self.last_passed.finished_at) if self.last_passed else None,
            "every_days": self.every_days,
            "due": rfc3339_seconds(self.due_at) if self.due_at else None,
            "overdue": self.overdue(now),
        }


@dataclass(frozen=True, slots=True)
class TimedRecovery:
    """What a drill or a restore took."""

    at: datetime
    bytes: int
    objects: int
    seconds: float
    parts: Mapping[str, float] = field(default_factory=dict)  # milestone -> which part of the time led there

    @property
    def bytes_per_s(self) -> float:
        return self.bytes / self.seconds


def archive_drill(archive: Archive, report: Report, report_data: bytes, bundle: bytes) -> None:
    """Archive the bundle as a message of the archive's own gateway, with the summary as an event.

    Raises SiteUnavailable, KeyUnavailable.
    """
    id = message_id_of(report["id"])
    message = own_message(archive, id, bundle, kind="drill-evidence", content_type="application/zip")
    archive_with_event(archive, message, FINISHED, drill_detail(report, report_data))


def message_id_of(drill: str) -> str:
    """The id under which a drill's bundle is archived."""
    return f"drill-{drill}"


def drill_detail(report: Report, data: bytes) -> dict[str, object]:
    """The detail of the event about a run."""
    return {
        "approver": report["approver"],
        "bytes": report["plan"]["todo"]["bytes"],
        "id": report["id"],
        "ms": report["rto"]["rehearsed_ms"],
        "objects": report["plan"]["todo"]["objects"],
        "passed": report["passed"],
        "report_sha256": hashlib.sha256(data).hexdigest(),
        "rpo_later_messages": report["rpo"].get("later_messages"),
        "rpo_messages": report["rpo"]["messages"],
        "rto_ms": report["rto"]["whole_ms"],
        "scenario": report["scenario"],
        "share": report["plan"]["share"],
        "times": report["rto"]["times"],
        "who": report["operator"],
    }


def scheduled_detail(scenario: str, days: int, who: str) -> dict[str, object]:
    """The detail of the event that plans a scenario (0 days: no longer). Raises InvalidInput."""
    if not 0 <= days <= MAX_DAYS:
        raise InvalidInput(f"a drill is due every 1 to {MAX_DAYS} days", field="every")
    return {"every_days": days, "scenario": scenario, "who": who}


def runs(search: Search) -> Iterator[DrillRun]:
    """Drills on record, newest first; an event that is not readable as one is passed by."""
    for event in own_events(search, FINISHED):
        try:
            detail = event.detail
            yield DrillRun(
                id=str(detail["id"]),
                scenario=str(detail["scenario"]),
                finished_at=event.at,
                passed=detail["passed"] is True,
                rto_ms=int(detail["rto_ms"]),
                rpo_messages=detail["rpo_messages"],
                bytes=int(detail["bytes"]),
                objects=int(detail["objects"]),
                ms=int(detail["ms"]),
                report_sha256=str(detail["report_sha256"]),
                later_messages=int(detail.get("rpo_later_messages") or 0),
                times=_times(detail.get("times")),
            )
        except (KeyError, TypeError, ValueError, Damaged):
            continue


def _times(told: object) -> dict[str, float]:
    """Runs of an earlier version tell none."""
    found = told if isinstance(told, dict) else {}
    values = {name: found.get(f"{name}_ms") for name in MILESTONES}
    return {name: value / 1000 for name, value in values.items() if isinstance(value, int) and value >= 0}


def standings(search: Search) -> list[DrillStanding]:
    """Every scenario: its last run and, where it is scheduled, when it is due.

    Due is counted from the last run that passed, or from when it was scheduled if that is later than none.
    """
    last: dict[str, DrillRun] = {}
    passed: dict[str, DrillRun] = {}
    for run in runs(search):
        last.setdefault(run.scenario, run)
        if run.passed:
            passed.setdefault(run.scenario, run)
    plans: dict[str, tuple[datetime, int]] = {}
    for event in own_events(search, SCHEDULED):
        detail = event.detail
        name, days = str(detail.get("scenario")), detail.get("every_days")
        if isinstance(days, int) and 0 <= days <= MAX_DAYS:
            plans.setdefault(name, (event.at, days))
    found = []
    for name in SCENARIOS:
        planned_at, days = plans.get(name, (None, 0))
        start = passed[name].finished_at if name in passed else planned_at
        due = start + timedelta(days=days) if start and days else None
        found.append(DrillStanding(name, last.get(name), passed.get(name), days or None, due))
    return found


def overdue(search: Search, now: datetime) -> list[str]:
    """Names of the scenarios that should have been passed by now."""
    return [standing.scenario for standing in standings(search) if standing.overdue(now)]


def measured(search: Search) -> list[TimedRecovery]:
    """What past recoveries of a site took, newest first: drills that passed; without any, restores.

    A drill's time holds the verification and the new hot tail, too; a restore's is that of the copying.
    """
    found = [
        TimedRecovery(run.finished_at, run.bytes, run.objects, run.ms / 1000, _parts(run))
        for run in runs(search)
        if run.scenario in _SITE_DRILLS and run.passed and run.ms > 0 and run.bytes > 0
    ]
    if found:
        return found
    for event in own_events(search, RESTORED):
        detail = event.detail
        size, took = detail.get("bytes"), detail.get("ms")
        if isinstance(size, int) and isinstance(took, int) and size > 0 and took > 0:
            at = event.at
            found.append(TimedRecovery(at, size, int(detail.get("objects", 0)), took / 1000))
    return found


def newest_measured(search: Search) -> tuple[str, ...]:
    """Ids of the newest drill and restore on record, "" where there is none: once they are others,
    ``measured`` may give something else."""
    found = (newest_event(search, type) for type in (FINISHED, RESTORED))
    return tuple(event.id if event else "" for event in found)


def _parts(run: DrillRun) -> dict[str, float]:
    whole = run.rto_ms / 1000
    return {name: seconds / whole for name, seconds in run.times.items()} if whole else {}


def last_rate(search: Search) -> float | None:
    """Bytes per second of the newest drill or restore on record; None: there was none."""
    return next((one.bytes_per_s for one in measured(search)), None)
