"""The page of jobs: what was run, when, with what outcome, from the archive's own events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import OwnEvent
from vanvault.archiver.people.accounts import Permission

#: Jobs on one page.
PAGE_JOBS = 50
_MOST_DIGITS = 16  # of microseconds since 1970

#: unclear: the event says nothing of it that this version can read; it is never told to be a success.
JobOutcome = Literal["succeeded", "failed", "unclear"]


@dataclass(frozen=True, slots=True)
class JobKind:
    """One row: a type of event, who may see such jobs, and how it tells that all went well."""

    type: str  # without ``vanvault.``
    needs: Permission  # to see its events, as at the API's route that tells of them
    good: Callable[[Mapping[str, Any]], bool]  # raises KeyError, TypeError: it does not say

    @property
    def is_result(self) -> bool:
        """Has it a route of its own? Every other event is found by a search alone."""
        return self.needs == "verify-results"

    def is_for(self, may: Callable[[Permission], bool]) -> bool:
        """May somebody with these permissions see such jobs?"""
        return may(self.needs) and (self.is_result or may("search"))


#: Results of checks have routes of their own; every other event is found by a search.
KINDS = (
    JobKind("verify.finished", "verify-results", lambda told: told["whole"] is True),
    JobKind("drill.finished", "verify-results", lambda told: told["passed"] is True),
    JobKind("backup.ran", "search", lambda told: told["whole"] is True and not told.get("escrow_problems")),
    JobKind("backup.checked", "search", lambda told: told["whole"] is True),
    JobKind("site.restored", "search", lambda told: not told["failures"]),
    JobKind("site.repaired", "search", lambda told: not told["failures"] and not told["beyond"]),
    JobKind("compaction.finished", "search", lambda told: not told["damaged"]),
    JobKind("export.finished", "see-access", lambda told: not told["unreadable"]),
    JobKind("extraction.ran", "see-access", lambda told: isinstance(told["extraction"], str)),
    JobKind("disposal.certified", "search", lambda told: True),
    JobKind("disposal.halted", "search", lambda told: False),
    JobKind("schedule.failed", "search", lambda told: False),
)
_BY_TYPE = {kind.type: kind for kind in KINDS}
#: What tells one run from others of its kind.
_ABOUT = ("scenario", "share", "job", "export", "extraction", "plan")


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job that ended."""

    id: str  # of its event
    type: str
    at: datetime
    outcome: JobOutcome
    about: str
    bytes: int | None
    ms: int | None
    who: str


@dataclass(frozen=True, slots=True)
class JobsView:
    """The page."""

    jobs: tuple[JobLine, ...]
    next: str  # address of the next page
    complete: bool  # nothing that is known is missing
    opens: bool  # may this person open entries, and see jobs that a search finds?
    opens_roles: tuple[str, ...]
    sees_exports: bool  # may this person see jobs of which the access log tells?
    sees_exports_roles: tuple[str, ...]  # one of which it takes, beside one that may search


def job_line(event: OwnEvent) -> JobLine:
    """A job as the table shows it."""
    try:
        told: Mapping[str, Any] = event.detail
        good = _BY_TYPE[event.type].good(told)
    except (Damaged, KeyError, TypeError):
        return JobLine(event.id, event.type, event.at, "unclear", "", None, None, "")
    return JobLine(
        id=event.id,
        type=event.type,
        at=event.at,
        outcome="succeeded" if good else "failed",
        about=next((str(told[name]) for name in _ABOUT if isinstance(told.get(name), str)), ""),
        bytes=_bytes(told),
        ms=_count(told.get("ms")),
        who=told["who"] if isinstance(told.get("who"), str) else "",
    )


def page_of_jobs(events: Iterable[OwnEvent]) -> tuple[Sequence[OwnEvent], int | None]:
    """The newest of these, and the moment (microseconds since 1970) before which the next page begins.

    All events of one moment stand on one page, so a page may have more than ``PAGE_JOBS``.
    """
    found = sorted(events, key=lambda one: one.at, reverse=True)
    if len(found) <= PAGE_JOBS:
        return found, None
    last = found[PAGE_JOBS - 1].at
    shown = [one for one in found if one.at >= last]
    return shown, to_us(last) if len(shown) < len(found) else None


def before_of(text: str) -> int:
    """The moment of an address. Raises InvalidInput."""
    if not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise InvalidInput("before is microseconds since 1970", field="before", hint="Open the first page.")
    return int(text)


def _bytes(told: Mapping[str, Any]) -> int | None:
    sites = told.get("sites")
    if isinstance(sites, dict):  # a verification tells them by site
        sizes = [_count(one.get("bytes")) for one in sites.values() if isinstance(one, dict)]
        return sum(size or 0 for size in sizes) if sizes else None
    return _count(told.get("bytes"))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
