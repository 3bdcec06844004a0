"""A running job as its note tells it, and what follows for its end. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds

_MOST_TEXT = 200
_MOST_COUNT = 2**53
#: By then everything has to be back after an incident.
_LIMIT = timedelta(hours=8)
_LIMITED = frozenset(("restore", "drill"))
_LONGEST = timedelta(days=3660)
_FAR = 9000  # years from which sums of times could leave the calendar


@dataclass(frozen=True, slots=True)
class RunningVerb:
    """What runs, and for whom."""

    verb: str  # verify, restore, drill, ...
    about: str = ""  # scenario, part, site
    who: str = ""
    job: str = ""  # of the schedule
    asked: str = ""  # id of the event by which a person asked for it
    lost_at: str = ""  # of a restore after an incident: RFC 3339, the 8 hours count from there


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A verb that runs now, as of ``updated_at``; counts are of the phase."""

    id: str
    verb: RunningVerb
    host: str
    began_at: datetime
    updated_at: datetime
    phase: str = ""
    phase_at: datetime | None = None
    objects: int = 0
    bytes: int = 0
    of_objects: int | None = None  # None: how much there is, is not known
    of_bytes: int | None = None
    expected_s: float | None = None  # recovery of everything at the last measured rate; None: not known

    @property
    def share(self) -> float | None:
        """Which part of the phase is done, 0 to 1; None: not known."""
        done, whole = (self.bytes, self.of_bytes) if self.of_bytes else (self.objects, self.of_objects)
        return min(1.0, done / whole) if whole else None

    @property
    def ends_at(self) -> datetime | None:
        """When the phase ends if it goes on as it did; None: not known."""
        share = self.share
        if not share or self.phase_at is None:
            return None
        left = (self.updated_at - self.phase_at).total_seconds() * (1 / share - 1)
        return self.updated_at + timedelta(seconds=left) if 0 <= left < _LONGEST.total_seconds() else None

    @property
    def limit_at(self) -> datetime | None:
        """When the 8 hours end: of a restore since the incident or its begin, of a drill since its begin."""
        if self.verb.verb not in _LIMITED:
            return None
        return (parse_rfc3339(self.verb.lost_at) if self.verb.lost_at else self.began_at) + _LIMIT

    @property
    def is_late(self) -> bool:
        """Is it known that the limit will be broken, or was?"""
        limit, end = self.limit_at, self.ends_at
        late = self.expected_s is not None and self.expected_s > _LIMIT.total_seconds()
        return limit is not None and (late or self.updated_at > limit or (end is not None and end > limit))

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        share = self.share
        return {
            "id": self.id,
            "verb": self.verb.verb,
            "about": self.verb.about,
            "who": self.verb.who,
            "job": self.verb.job or None,
            "asked": self.verb.asked or None,
            "host": self.host,
            "began_at": rfc3339_seconds(self.began_at),
            "updated_at": rfc3339_seconds(self.updated_at),
            "phase": self.phase,
            "objects": self.objects,
            "bytes": self.bytes,
            "of_objects": self.of_objects,
            "of_bytes": self.of_bytes,
            "percent": None if share is None else int(100 * share),
            "ends_at": _told(self.ends_at),
            "limit_at": _told(self.limit_at),
            "expected_seconds": self.expected_s,
            "late": self.is_late,
        }


def note_of(job: RunningJob) -> bytes:
    """What a note holds."""
    fields = {
        **{name: getattr(job, name) for name in _KEPT},
        "verb": asdict(job.verb),
        "began_at": rfc3339_seconds(job.began_at),
        "updated_at": rfc3339_seconds(job.updated_at),
        "phase_at": _told(job.phase_at),
    }
    return orjson.dumps(fields)


def parse_note(id: str, data: bytes) -> RunningJob:
    """The job of a note. Raises InvalidInput: it is none."""
    try:
        told = orjson.loads(data)
        counts = {name: _count(told[name]) for name in ("of_objects", "of_bytes")}
        phase_at, expected = told["phase_at"], told["expected_s"]
        job = RunningJob(
            id=_name(id),
            verb=RunningVerb(**{name: _text(value) for name, value in told["verb"].items()}),
            host=_text(told["host"]),
            began_at=_moment(told["began_at"]),
            updated_at=_moment(told["updated_at"]),
            phase=_text(told["phase"]),
            phase_at=None if phase_at is None else _moment(phase_at),
            objects=_count(told["objects"]) or 0,
            bytes=_count(told["bytes"]) or 0,
            expected_s=None if expected is None else _seconds(expected),
            **counts,
        )
        if job.verb.lost_at:
            _moment(job.verb.lost_at)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidInput("this is no note of a running job", field="note") from error
    return job


_KEPT = ("host", "phase", "objects", "bytes", "of_objects", "of_bytes", "expected_s")


def cut(text: str) -> str:
    """As much of a text as a note holds; what is no Unicode (of a command line, say) is a question mark."""
    return text[:_MOST_TEXT].encode(errors="replace").decode()


def kept_verb(verb: RunningVerb) -> RunningVerb:
    """The same with texts as long as a note holds. Raises InvalidInput: ``lost_at`` is no time."""
    try:
        if verb.lost_at:
            _moment(verb.lost_at)
    except ValueError as error:
        raise InvalidInput("the time of the loss is none", field="lost_at") from error
    return replace(verb, **{name: cut(text) for name, text in asdict(verb).items()})


def kept_seconds(seconds: float | None) -> float | None:
    """An expectation as a note holds it: too long is told as the longest; None: it is none."""
    if seconds is None or math.isnan(seconds) or seconds < 0:
        return None
    return min(float(seconds), _LONGEST.total_seconds() - 1)


def _name(id: str) -> str:
    """A name of a file may have bytes that no answer can tell."""
    if not id.isascii() or not id.isprintable():
        raise ValueError("no id")
    return _text(id)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError("no short text")
    return value


def _moment(text: str) -> datetime:
    found = parse_rfc3339(text)
    if found.year >= _FAR:
        raise ValueError("no time of a job")
    return found


def _seconds(value: object) -> float:
    if type(value) not in (int, float) or not 0 <= float(value) < _LONGEST.total_seconds():  # type: ignore[arg-type]
        raise ValueError("no duration")
    return float(value)  # type: ignore[arg-type]


def _count(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_COUNT:
        raise ValueError("no count")
    return value


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339_seconds(moment)
