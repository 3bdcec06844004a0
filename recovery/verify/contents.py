"""What one object says, checked against its name and within itself. Pure; nothing here keeps a body."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.format.batches import Hashes, canonical_of, entries_of, hashes_of
from vanvault.archiver.core.model import BatchHeader, Entry, Event
from vanvault.archiver.core.names import ObjectName, archive_ids, parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.verified import Problem

#: Rows that one finding lists by number.
_ROWS_NAMED = 5
#: Columns that say which original a row is of.
_NAMED = ("id", "size", "sha256", "sha512")

Flaw = tuple[Problem, str]
#: Python values by column, times as whole microseconds.
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a row says about the large object that holds its message."""

    key: str
    row: str  # the archive's id of the message
    size: int  # bytes of the original, as the next two
    sha256: bytes
    sha512: bytes
    retain_until: datetime | None  # None: the batch names no copy of the object


@dataclass(frozen=True, slots=True)
class BatchContent:
    """A batch object that decodes."""

    master_key: str
    header: BatchHeader
    retain_until: datetime | None  # None: the header's date is not one
    first_us: int  # time of the first and of the last row; 0 without rows
    last_us: int
    references: tuple[Reference, ...]
    flaws: tuple[Flaw, ...]

    @property
    def belongs(self) -> bool:
        """Is it this archive's object of this name, whatever else is wrong with it?"""
        return not any(problem in ("foreign", "header") for problem, _ in self.flaws)


@dataclass(frozen=True, slots=True)
class LargeContent:
    """A large object that opens: the size and digests of the original within."""

    master_key: str
    size: int
    sha256: bytes
    sha512: bytes


@dataclass(frozen=True, slots=True)
class SegmentContent:
    """A manifest that is signed, or a part that decodes."""

    master_key: str  # "" for a manifest, which is not encrypted
    retain_until: datetime | None  # None: not known
    flaws: tuple[Flaw, ...] = ()

    @property
    def belongs(self) -> bool:
        """Is it this archive's object of this name, whatever else is wrong with it?"""
        return not any(problem in ("forged", "foreign", "header", "signature") for problem, _ in self.flaws)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An object with the right bytes, the master key of which is missing or does not open it."""

    master_key: str
    held: bool  # the key provider has a sound key of this id, but it is another
    detail: str


@dataclass(frozen=True, slots=True)
class Undecipherable:
    """An object with the right bytes, in which those bytes are no object of the format."""

    detail: str


@dataclass(frozen=True, slots=True)
class ForgedContent:
    """An object with the right bytes that no writer of this archive made: nothing in it is believed."""

    detail: str


Content = BatchContent | LargeContent | SegmentContent | Sealed | Undecipherable | ForgedContent


def batch_content(
    name: ObjectName,
    header: BatchHeader,
    columns: Columns,
    bodies: Sequence[Hashes | None],
    master_key: str,
    *,
    archive: str,
    gone: Collection[int] = (),
) -> BatchContent:
    """A decoded batch, with what is wrong in it: its header against its name, its rows against themselves.

    Args:
        columns: of its rows, without bodies.
        bodies: by row, what the bytes beside it hash to; None: there are none, as for an event.
        gone: rows of which the entry or its original was disposed of.
    """
    times = columns["received_at"]
    until = date_in(header.retain_until)
    flaws = list(_header_flaws(name, header, until, archive))
    if not flaws:
        flaws.extend(_row_flaws(name, header, columns, bodies, gone))
    return BatchContent(
        master_key=master_key,
        header=header,
        retain_until=until,
        first_us=times[0] if times else 0,
        last_us=times[-1] if times else 0,
        references=tuple(_references(header, columns, gone)),
        flaws=tuple(flaws),
    )


def large_content(message: bytes, master_key: str) -> LargeContent:
    """The size and digests of an opened large object."""
    return LargeContent(master_key, *hashes_of(message))


def reference_flaw(reference: Reference, found: LargeContent) -> Flaw | None:
    """Is the opened object the message that its row describes?"""
    if (found.size, found.sha256, found.sha512) == (reference.size, reference.sha256, reference.sha512):
        return None
    return "digest", f"the message within is not the one that row {reference.row} describes"


def _header_flaws(
    name: ObjectName, header: BatchHeader, until: datetime | None, archive: str
) -> Iterator[Flaw]:
    if header.archive != archive:
        yield "foreign", f"it belongs to the archive {header.archive}"
    elif (header.writer, header.sequence, header.kind) != (name.writer, name.sequence, name.kind):
        yield "header", f"within it is object {header.sequence} ({header.kind}) of writer {header.writer}"
    elif until is None:
        yield "header", "its retain-until is no date"
    elif not all(isinstance(text, str) for text in _texts(header)):
        yield "header", "a name in it is no text"


def _texts(header: BatchHeader) -> Iterator[object]:
    yield header.previous
    yield from header.heads
    yield from (commit.key for commit in header.commits)


def _row_flaws(
    name: ObjectName,
    header: BatchHeader,
    columns: Columns,
    bodies: Sequence[Hashes | None],
    gone: Collection[int],
) -> Iterator[Flaw]:
    ids, times = columns["id"], columns["received_at"]
    own = archive_ids(name.writer, name.sequence, len(ids))
    wrong_id = [row for row, (one, right) in enumerate(zip(ids, own, strict=True)) if one != right]
    if wrong_id:
        yield "digest", f"{_rows(wrong_id)} with an id of another place"
    late = [row for row, (before, time) in enumerate(pairwise(times), 1) if time <= before]
    if late:
        yield "chain", f"{_rows(late)} not later than the row before"
    if times and header.created_us != times[-1]:
        yield "chain", "its header's time is not that of its last row"
    wrong = [row for row in _unlike(name, header, columns, bodies) if row not in gone]
    if wrong:
        yield "digest", f"{_rows(wrong)} without the size, SHA-256 and SHA-512 that the row names"


def _unlike(
    name: ObjectName, header: BatchHeader, columns: Columns, bodies: Sequence[Hashes | None]
) -> Iterator[int]:
    """The rows that do not hold (or refer to) what their size and digests say."""
    if header.kind == "events":
        bodies = [_canonical_hashes(entry) for entry in entries_of("events", columns)]
    apart = columns.get("large_object") or [""] * len(bodies)
    named = zip(*(columns[each] for each in _NAMED[1:]), strict=True)
    for row, (one, body, large) in enumerate(zip(named, bodies, apart, strict=True)):
        if not (body == one if not large else _is_apart(large, body, name.writer)):
            yield row


def _is_apart(key: str, body: Hashes | None, writer: str) -> bool:
    """May the row's message lie in this object? It is compared when it is read, and is its writer's own."""
    large = parse_key(key)
    return body is None and large is not None and (large.family, large.writer) == ("large", writer)


def _canonical_hashes(event: Entry) -> Hashes | None:
    data = _canonical(event) if isinstance(event, Event) else None
    return hashes_of(data) if data is not None else None


def _canonical(event: Event) -> bytes | None:
    try:
        return canonical_of(event)
    except (InvalidInput, OverflowError, ValueError, OSError):  # values that no canonical event has
        return None


def _references(header: BatchHeader, columns: Columns, gone: Collection[int]) -> Iterator[Reference]:
    dates: dict[str, datetime | None] = {}
    for placement in header.large:
        until = date_in(placement.retain_until)
        known = dates.get(placement.key)
        dates[placement.key] = max(known, until) if known and until else known or until
    for row, key in enumerate(columns.get("large_object", ())):
        if key and row not in gone:
            entry, size, sha256, sha512 = (columns[name][row] for name in _NAMED)
            yield Reference(key, entry, size, sha256, sha512, dates.get(key))


def date_in(text: object) -> datetime | None:
    """The date that a text names; None when it is none."""
    try:
        return parse_rfc3339(text) if isinstance(text, str) else None
    except InvalidInput:
        return None


def _rows(rows: Iterable[int]) -> str:
    numbers = list(rows)
    named = ", ".join(map(str, numbers[:_ROWS_NAMED]))
    more = f" and {len(numbers) - _ROWS_NAMED} more" if len(numbers) > _ROWS_NAMED else ""
    return f"row {named}{more}" if len(numbers) == 1 else f"rows {named}{more}"
