"""What an export is asked for, and how far it has come. Frozen data, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self, get_args

from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import rfc3339_us
from vanvault.archiver.export.narrowing import Narrowing

ExportFormat = Literal["csv", "ndjson", "parquet", "zip"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

MAX_REASON = 500  # characters

_NO_END = Query().to_us


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to take out of the archive, in which form, and why."""

    format: ExportFormat
    query: Query  # oldest first; limit and cursor mean nothing here
    reason: str
    narrowing: Narrowing | None = None  # of a ZIP: some fields only

    def fields(self) -> dict[str, Any]:
        """As JSON values: the same for the same request, another for any other."""
        told = {"filter": filter_fields(self.query), "format": self.format, "reason": self.reason}
        return {**told, "extraction": dict(self.narrowing.extraction)} if self.narrowing else told


def parse_request(parameters: Iterable[tuple[str, str]], *, format: str, reason: str) -> ExportRequest:
    """A request from options: search fields, ``from`` and ``to`` (as in ``Query.parse``).

    Raises InvalidInput: no reason, an unknown format, or what ``Query.parse`` refuses.
    """
    known = next((name for name in FORMATS if name == format), None)
    if known is None:
        raise InvalidInput(f"format is one of {', '.join(FORMATS)}", field="format")
    stated = reason.strip()
    if not stated or len(stated) > MAX_REASON or not stated.isprintable():
        raise InvalidInput(
            f"an export needs a reason of 1 to {MAX_REASON} printable characters",
            field="reason",
            hint="Say why: --reason TEXT. It goes on record in the archive.",
        )
    query = Query.parse(_without_paging(parameters), b"")
    return ExportRequest(known, replace(query, order="oldest"), stated)


def filter_fields(query: Query) -> dict[str, Any]:
    """Which entries a query asks for, as JSON values; ``from`` and ``to`` only where there is a bound."""
    bounds = {"from": rfc3339_us(query.from_us)} if query.from_us else {}
    if query.to_us < _NO_END:
        bounds["to"] = rfc3339_us(query.to_us)
    return {**query.filters, **bounds}


@dataclass(frozen=True, slots=True)
class Counts:
    """What an export holds so far."""

    messages: int = 0
    events: int = 0
    originals: int = 0  # in a ZIP: messages but those that no site could give
    members: int = 0  # in a ZIP: files so far

    @property
    def items(self) -> int:
        return self.messages + self.events


#: ``collecting`` pages; ``collected`` all; ``sealed``: file and manifest are complete and durable;
#: ``recorded``: the archive holds the event of the end.
ExportPhase = Literal["collecting", "collected", "sealed", "recorded"]


@dataclass(frozen=True, slots=True)
class ExportState:
    """A checkpoint: written durably at page boundaries, and all that a resumed export needs."""

    request: dict[str, Any]  # ExportRequest.fields()
    export: str  # id, 16 hex digits
    who: str  # who began it
    started_at: str
    until_us: int  # entries received before this: what the archive held at the start
    damaged_batches: tuple[str, ...] = ()  # batch objects that no site could give at the start
    phase: ExportPhase = "collecting"
    cursor: str = ""
    counts: Counts = field(default_factory=Counts)
    disposed: dict[str, int] = field(default_factory=dict)  # entries left out: certificate -> how many
    lengths: dict[str, int] = field(default_factory=dict)  # bytes of each working file that count

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The state that ``as_dict`` described. Raises KeyError, TypeError for anything else."""
        # One that was begun by an older version says nothing of disposals.
        told = {"disposed": {}, **values}
        given = {one.name: told[one.name] for one in fields(cls)}
        given["counts"] = Counts(**given["counts"])
        given["damaged_batches"] = tuple(given["damaged_batches"])
        return cls(**given)


def _without_paging(parameters: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    given = list(parameters)
    for name, _ in given:
        if name in ("order", "limit", "cursor"):
            raise InvalidInput(f"an export has no {name}: it holds all, oldest first", field=name)
    return given
