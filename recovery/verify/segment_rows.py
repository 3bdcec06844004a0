"""The batches that a segment holds, made again from its parts: row by row what was acknowledged. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.batches import (
    EVENTS,
    MESSAGES,
    BodyDigests,
    Hashes,
    columns_in,
    decode_commit,
    decode_header,
)
from vanvault.archiver.core.model import BatchHeader, Commit
from vanvault.archiver.core.names import archive_ids

#: Rows that are Python objects at once, about.
_WINDOW_ROWS = 4096
_SHA512_BYTES = 64
#: Kind of a batch -> what the log calls its rows.
_ENTRY = {"messages": "message", "events": "event"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a segment keeps of one batch beside its rows."""

    key: str
    header: BatchHeader
    header_text: bytes
    proof: bytes
    commit: Commit | None
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class RemadeBatch:
    """One covered batch, made again."""

    evidence: Evidence
    columns: Mapping[str, Sequence[Any]]  # of its rows, as its writer signed them
    bodies: list[Hashes | None]  # of each row; None: the segment does not hold its body


class Incomplete(Exception):
    """Log and evidence do not hold the same batches."""


def read_evidence(table: pa.Table) -> list[Evidence]:
    """The rows of an evidence part, decoded. Raises Incomplete: one does not decode."""
    found = []
    columns = [
        table.column(name).to_pylist()
        for name in ("key", "header", "proof", "commit", "first_us", "last_us", "sha512")
    ]
    for key, text, proof, commit, first_us, last_us, sha512 in zip(*columns, strict=True):
        try:
            header = decode_header(text, key=key)
            record = decode_commit(orjson.loads(commit)) if commit is not None else None
        except (Damaged, KeyError, TypeError, ValueError) as error:
            raise Incomplete(f"its header or commit record of {key} does not decode") from error
        if type(header.rows) is not int or len(sha512) != _SHA512_BYTES * header.rows or header.rows < 1:
            raise Incomplete(f"it does not hold a SHA-512 for each row of {key}")
        found.append(Evidence(key, header, text, proof, record, first_us, last_us))
    places = list(zip(table.column("writer").to_pylist(), table.column("sequence").to_pylist(), strict=True))
    if places != [(one.header.writer, one.header.sequence) for one in found]:
        raise Incomplete("its headers are not those of the batches that it names")
    if places != sorted(set(places)):
        raise Incomplete("its batches are not in order")
    return found


def batches_of(
    log: pa.Table, originals: BodyDigests, evidence: pa.Table, held: Sequence[Evidence]
) -> Iterator[RemadeBatch]:
    """Every covered batch with all its rows, in the order of the evidence.

    Raises Incomplete unless the log holds exactly the rows of these batches.
    """
    order = _by_place(log)
    rows = np.array([one.header.rows for one in held], dtype=np.int64)
    _check_complete(log, order, held, rows)
    sha512 = pa.py_buffer(b"".join(evidence.column("sha512").to_pylist()))
    digests = pa.FixedSizeBinaryArray.from_buffers(pa.binary(_SHA512_BYTES), len(order), [None, sha512])
    ends = np.cumsum(rows)
    first = start = 0
    while first < len(held):
        last = max(int(np.searchsorted(ends, start + _WINDOW_ROWS, side="right")), first + 1)
        stop = int(ends[last - 1])
        chosen = _chosen(log, order[start:stop]).append_column("sha512", digests[start:stop])
        yield from _made(chosen, held[first:last], _bodies(chosen, originals))
        first, start = last, stop


def _by_place(log: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The log's row numbers in the order of writer, sequence and row."""
    import pyarrow.compute as pc  # takes 50 ms to load, and most commands load this room

    sequence, row = (np.asarray(log.column(name)) for name in ("sequence", "row"))
    writers = pc.rank(log.column("writer"), tiebreaker="dense")
    return np.lexsort((row, sequence, np.asarray(writers)))


def _chosen(log: pa.Table, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    """Rows of the log by their numbers, in this order; nothing is copied where they follow each other."""
    if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
        return log.slice(rows[0], len(rows))
    return log.take(pa.array(rows))


def _check_complete(
    log: pa.Table,
    order: np.ndarray[tuple[int], np.dtype[np.int64]],
    held: Sequence[Evidence],
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    import pyarrow.compute as pc

    if len(order) != rows.sum():
        raise Incomplete(f"the log holds {len(order)} rows, the batches of the evidence have {rows.sum()}")
    at = pa.array(order)
    starts = np.repeat(np.cumsum(rows) - rows, rows)
    right = np.asarray(log.column("row").take(at)) == np.arange(len(order)) - starts
    right &= np.asarray(log.column("sequence").take(at)) == np.repeat(
        [one.header.sequence for one in held], rows
    )
    for name, values in (
        ("writer", [one.header.writer for one in held]),
        ("entry", [_ENTRY.get(one.header.kind, "") for one in held]),
    ):
        expected = pa.array(values, pa.string()).take(pa.array(np.repeat(np.arange(len(held)), rows)))
        right &= np.asarray(pc.equal(log.column(name).take(at).combine_chunks(), expected))
    if not right.all():
        wrong = held[int(np.searchsorted(np.cumsum(rows), int(np.argmin(right)), side="right"))]
        raise Incomplete(f"the log does not hold the rows of {wrong.key}")


def _bodies(rows: pa.Table, originals: BodyDigests) -> list[Hashes | None]:
    """What the body of each row hashes to; raises Incomplete where a row names one that is not there."""
    found: list[Hashes | None] = []
    entries, numbers = (rows.column(name).to_pylist() for name in ("entry", "original"))
    for entry, number in zip(entries, numbers, strict=True):
        if entry != _ENTRY["messages"] or number is None:
            found.append(None)
        elif 0 <= number < len(originals):
            found.append(originals.of(number))
        else:
            raise Incomplete("a row names an original that the segment does not hold")
    return found


def _made(rows: pa.Table, held: Sequence[Evidence], bodies: list[Hashes | None]) -> Iterator[RemadeBatch]:
    """Some whole batches, whose rows these are, in order; raises Incomplete for values that no row has."""
    columns = {kind: _columns(rows, kind) for kind in {one.header.kind for one in held}}
    done, start = dict.fromkeys(columns, 0), 0  # rows, of each kind and of all
    for one in held:
        kind, end = one.header.kind, start + one.header.rows
        first, last = done[kind], done[kind] + one.header.rows
        own: dict[str, Sequence[Any]] = {name: values[first:last] for name, values in columns[kind].items()}
        own["id"] = archive_ids(one.header.writer, one.header.sequence, one.header.rows)
        yield RemadeBatch(one, own, bodies[start:end])
        done[kind], start = last, end


def _columns(rows: pa.Table, kind: str) -> dict[str, list[Any]]:
    """The columns of all rows of a kind, but their ids and bodies."""
    import pyarrow.compute as pc

    own = pc.equal(rows.column("entry"), _ENTRY[kind])
    part = rows if pc.all(own).as_py() else rows.filter(own)
    if kind == "events" and part.column("occurred_at").null_count:
        raise Incomplete("an event has no time")
    names = (MESSAGES if kind == "messages" else EVENTS).names
    return columns_in(part.select([name for name in names if name not in ("id", "body")]))
