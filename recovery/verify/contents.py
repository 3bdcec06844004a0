"""What one object says, checked against its name and within itself. Pure; nothing here keeps a body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.format.batches import Hashes, canonical_of, hashes_of
from vanvault.archiver.core.model import Batch, BatchHeader, Entry, Event, Message
from vanvault.archiver.core.names import ObjectName, archive_ids, parse_key
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.verified import Problem

#: Rows that one finding lists by number.
_ROWS_NAMED = 5

Flaw = tuple[Problem, str]


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
    name: ObjectName, batch: Batch, bodies: Sequence[Hashes | None], master_key: str, *, archive: str
) -> BatchContent:
    """A decoded batch, with what is wrong in it: its header against its name, its rows against themselves.

    ``bodies``: by row, what the bytes beside it hash to; None: there are none, as for an event.
    """
    header, entries = batch.header, batch.entries
    until = date_in(header.retain_until)
    flaws = list(_header_flaws(name, header, until, archive))
    if not flaws:
        flaws.extend(_row_flaws(name, entries, header, bodies))
    return BatchContent(
        master_key=master_key,
        header=header,
        retain_until=until,
        first_us=entries[0].received_us if entries else 0,
        last_us=entries[-1].received_us if entries else 0,
        references=tuple(_references(batch)),
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
    name: ObjectName, entries: tuple[Entry, ...], header: BatchHeader, bodies: Sequence[Hashes | None]
) -> Iterator[Flaw]:
    ids = archive_ids(name.writer, name.sequence, len(entries))
    wrong_id = [row for row, (entry, own) in enumerate(zip(entries, ids, strict=True)) if entry.id != own]
    if wrong_id:
        yield "digest", f"{_rows(wrong_id)} with an id of another place"
    late = [row for row in range(1, len(entries)) if entries[row].received_us <= entries[row - 1].received_us]
    if late:
        yield "chain", f"{_rows(late)} not later than the row before"
    if entries and header.created_us != entries[-1].received_us:
        yield "chain", "its header's time is not that of its last row"
    both = zip(entries, bodies, strict=True)
    wrong = [row for row, (entry, body) in enumerate(both) if not _matches(entry, body, name.writer)]
    if wrong:
        yield "digest", f"{_rows(wrong)} without the size, SHA-256 and SHA-512 that the row names"


def _matches(entry: Entry, body: Hashes | None, writer: str) -> bool:
    """Does the row hold (or refer to) what its size and digests say?"""
    if isinstance(entry, Message) and entry.large_object:
        # The object itself is compared when it is read; it lies under its row's writer.
        large = parse_key(entry.large_object)
        return body is None and large is not None and (large.family, large.writer) == ("large", writer)
    if isinstance(entry, Event):
        data = _canonical(entry)
        body = hashes_of(data) if data is not None else None
    return body == (entry.size, entry.sha256, entry.sha512)


def _canonical(event: Event) -> bytes | None:
    try:
        return canonical_of(event)
    except (InvalidInput, OverflowError, ValueError, OSError):  # values that no canonical event has
        return None


def _references(batch: Batch) -> Iterator[Reference]:
    dates: dict[str, datetime | None] = {}
    for placement in batch.header.large:
        until = date_in(placement.retain_until)
        known = dates.get(placement.key)
        dates[placement.key] = max(known, until) if known and until else known or until
    for entry in batch.entries:
        if isinstance(entry, Message) and entry.large_object:
            key = entry.large_object
            yield Reference(key, entry.id, entry.size, entry.sha256, entry.sha512, dates.get(key))


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
