"""Pages of jobs, and one job whole, from the archive's own events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

from vanvault.archiver.catalogue import Search, Unread, check_there
from vanvault.archiver.core.errors import AccessDenied, Damaged, NotFound
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.journal import EventType, OwnEvent, own_event, own_events
from vanvault.archiver.people.accounts import Permission
from vanvault.recovery.job_record.model import CLEARING, JOB_KINDS, KIND_OF, RecordedJob, recorded_job

#: Jobs on one page.
PAGE_JOBS = 50
#: Parts of one job that are named.
_MOST_PARTS = 500


@dataclass(frozen=True, slots=True)
class JobsPage:
    """Jobs, the newest first."""

    jobs: tuple[RecordedJob, ...]
    next: int | None  # the moment (microseconds since 1970) before which the next page begins
    complete: bool  # nothing that is known is missing

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "jobs": [job.as_json() for job in self.jobs],
            "next": None if self.next is None else str(self.next),
            "partial": not self.complete,
        }


@dataclass(frozen=True, slots=True)
class OneJob:
    """One job whole: its line, all that its event tells, and what belongs to it."""

    job: RecordedJob
    told: Mapping[str, Any]  # {}: the event is not readable
    parts: tuple[OwnEvent, ...] = ()  # oldest first
    more_parts: bool = False
    drill: str = ""  # id of the drill whose signed report it left

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            **self.job.as_json(),
            "told": dict(self.told),
            "parts": [
                {"id": one.id, "type": one.type, "at": rfc3339_seconds(one.at), "told": one.detail}
                for one in self.parts
            ],
            "more_parts": self.more_parts,
            "drill": self.drill or None,
        }


def jobs_page(search: Search, may: Callable[[Permission], bool], before_us: int) -> JobsPage:
    """The newest jobs before a moment of which somebody with these permissions may know.

    All that ended at one moment stand on one page, so a page may have more than ``PAGE_JOBS``.
    Raises Damaged, SiteUnavailable: the index cannot be read.
    """
    lacking: list[Unread] = []
    events = [
        event
        for kind in JOB_KINDS
        if may(kind.needs)
        for event in islice(
            own_events(search, kind.type, to_us=before_us, unread=lacking.append), PAGE_JOBS + 1
        )
    ]
    jobs, further = _page([recorded_job(event) for event in events])
    return JobsPage(jobs, further, not lacking)


def one_job(search: Search, job_id: str, may: Callable[[Permission], bool]) -> OneJob:
    """The job of this event.

    Raises NotFound: no job has this id; AccessDenied: it is not for who has these permissions; Damaged,
    SiteUnavailable.
    """
    item = search.entry(job_id)
    check_there(item)
    event = own_event(item) if item["gateway"] == SYSTEM_GATEWAY and item["entry"] == "event" else None
    kind = KIND_OF.get(event.type) if event else None
    if event is None or kind is None:
        raise NotFound(f"no job has the id {job_id[:80]}", hint="Which there were: vanvault job list.")
    if not may(kind.needs):
        raise AccessDenied(
            f"jobs of this kind are shown only to who has the permission {kind.needs}",
            authenticated=True,
            hint="Which role permits what: vanvault account roles.",
        )
    try:
        told = event.detail
    except Damaged:
        told = {}
    parts = _removals(search, event) if event.type == CLEARING else []
    return OneJob(
        job=recorded_job(event),
        told=told,
        parts=tuple(parts[:_MOST_PARTS]),
        more_parts=len(parts) > _MOST_PARTS,
        drill=str(told.get("id", "")) if event.type == "drill.finished" else "",
    )


def _page(jobs: Sequence[RecordedJob]) -> tuple[tuple[RecordedJob, ...], int | None]:
    found = sorted(jobs, key=lambda one: one.at, reverse=True)
    if len(found) <= PAGE_JOBS:
        return tuple(found), None
    last = found[PAGE_JOBS - 1].at
    shown = tuple(one for one in found if one.at >= last)
    return shown, to_us(last) if len(shown) < len(found) else None


def _removals(search: Search, began: OwnEvent) -> list[OwnEvent]:
    """What a clearing removed: until the next one began."""
    since = to_us(began.at)
    later = own_events(search, CLEARING, from_us=since + 1, order="oldest")
    end = next((to_us(one.at) for one in later), None)
    removed = own_events(search, EventType.BATCHES_CLEARED, from_us=since, order="oldest")
    own = takewhile(lambda one: end is None or to_us(one.at) < end, removed)
    return [one for one in islice(own, _MOST_PARTS + 1) if _is_readable(one)]


def _is_readable(event: OwnEvent) -> bool:
    try:
        return bool(event.detail)
    except Damaged:
        return False
