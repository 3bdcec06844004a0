"""Kinds of jobs, and one job as its event tells it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType, OwnEvent
from vanvault.archiver.people.accounts import Permission

_MOST_DIGITS = 16  # of microseconds since 1970
_LONGEST_MS = 366 * 24 * 3600 * 1000  # a job that says it took longer does not know when it began

#: unclear: the event says nothing of it that this version can read; it is never told to be a success.
JobOutcome = Literal["succeeded", "failed", "unclear"]

DRILL = "drill.finished"
CLEARING = EventType.CLEARING_STARTED


@dataclass(frozen=True, slots=True)
class JobKind:
    """One row: a type of event, who may see such jobs, and how it tells that all went well."""

    type: str  # without ``vanvault.``
    good: Callable[[Mapping[str, Any]], bool]  # raises KeyError, TypeError: it does not say
    needs: Permission = "verify-results"  # to see such jobs


#: What names who asked for what of whom takes the permission to see looks, as everywhere.
JOB_KINDS = (
    JobKind(EventType.VERIFY_FINISHED, lambda told: told["whole"] is True),
    JobKind(DRILL, lambda told: told["passed"] is True),
    JobKind("backup.ran", lambda told: told["whole"] is True and not told.get("escrow_problems")),
    JobKind("backup.checked", lambda told: told["whole"] is True),
    JobKind("site.restored", lambda told: not told["failures"]),
    JobKind(EventType.SITE_REPAIRED, lambda told: not told["failures"] and not told["beyond"]),
    JobKind(EventType.COMPACTION_FINISHED, lambda told: not told["damaged"]),
    JobKind(EventType.EXPORT_FINISHED, lambda told: not told["unreadable"], "see-access"),
    JobKind(EventType.EXTRACTION_RAN, lambda told: isinstance(told["extraction"], str), "see-access"),
    JobKind(CLEARING, lambda told: told["ended"] is True),  # no event tells its end
    JobKind(EventType.DISPOSAL_CERTIFIED, lambda told: True),
    JobKind(EventType.DISPOSAL_HALTED, lambda told: False),
    JobKind("schedule.failed", lambda told: False),
)
KIND_OF = {kind.type: kind for kind in JOB_KINDS}
#: What tells one run from others of its kind.
_ABOUT = ("scenario", "share", "job", "export", "extraction", "disposal", "plan")


@dataclass(frozen=True, slots=True)
class RecordedJob:
    """One job on record: a line of the list."""

    id: str  # of its event
    type: str
    at: datetime  # when it was put on record: at its end
    outcome: JobOutcome
    about: str = ""
    bytes: int | None = None
    ms: int | None = None
    who: str = ""

    @property
    def began_at(self) -> datetime | None:
        """When it began, by its end and its duration; None: it does not say how long it took."""
        if self.ms is None or self.ms > _LONGEST_MS or self.type == DRILL:
            return None  # a drill's duration is that of the recovery which it rehearsed
        return self.at - timedelta(milliseconds=self.ms)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        began = self.began_at
        return {
            "id": self.id,
            "type": self.type,
            "at": rfc3339_seconds(self.at),
            "began_at": None if began is None else rfc3339_seconds(began),
            "outcome": self.outcome,
            "about": self.about,
            "bytes": self.bytes,
            "seconds": None if self.ms is None else self.ms / 1000,
            "who": self.who,
        }


def recorded_job(event: OwnEvent) -> RecordedJob:
    """The job of an event of one of these kinds."""
    try:
        told: Mapping[str, Any] = event.detail
        who = told["who"] if isinstance(told.get("who"), str) else ""
        about = next((told[name] for name in _ABOUT if isinstance(told.get(name), str)), "")
    except Damaged:
        return RecordedJob(event.id, event.type, event.at, "unclear")
    outcome: JobOutcome = "unclear"
    with suppress(KeyError, TypeError):
        outcome = "succeeded" if KIND_OF[event.type].good(told) else "failed"
    return RecordedJob(
        event.id, event.type, event.at, outcome, about, _bytes(told), count_of(told.get("ms")), who
    )


def before_of(text: str) -> int:
    """The moment before which a page of jobs ends: microseconds since 1970. Raises InvalidInput."""
    if not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise InvalidInput(
            "before is microseconds since 1970", field="before", hint="Ask for the first page."
        )
    return int(text)


def count_of(value: object) -> int | None:
    """A count that an event tells; None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _bytes(told: Mapping[str, Any]) -> int | None:
    sites = told.get("sites")
    if isinstance(sites, dict):  # a verification tells them by site
        sizes = [count_of(one.get("bytes")) for one in sites.values() if isinstance(one, dict)]
        return sum(size or 0 for size in sizes) if sizes else None
    return count_of(told.get("bytes"))
