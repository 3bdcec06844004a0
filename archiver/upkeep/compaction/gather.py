"""Rows of many batches as the tables of one segment. Pure.

``check_digests`` hashes every body of a batch, so that nothing enters a segment that its row does not
describe; ``gather`` takes only batches that passed it. It sorts rows, which are short; bodies stay where they
are, and come in order while they are written (``originals.py``).
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.batches import (
    BatchTable,
    BodyDigests,
    canonical_of,
    columns_in,
    digest_bodies,
    encode_commit,
    entries_of,
)
from vanvault.archiver.core.format.segments.schema import EVENT_TEXTS, EVIDENCE, LOG, MESSAGE_TEXTS
from vanvault.archiver.core.model import BatchHeader, Commit, Event
from vanvault.archiver.upkeep.compaction.originals import Bodies, OrderedBodies


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """One batch that is to be compacted, checked against its name and by ``check_digests``."""

    key: str
    header: BatchHeader
    header_text: bytes  # as it stands in the batch's footer
    proof: bytes  # likewise
    commit: Commit | None
    table: pa.Table  # of the kind's schema (core/format/segments/schema.py), but without the bodies
    held: np.ndarray[tuple[int], np.dtype[np.bool_]]  # by row: does it have a body here?
    bodies: Bodies

    @classmethod
    def of(
        cls, key: str, found: BatchTable, commit: Commit | None, bodies: Bodies | None = None
    ) -> SourceBatch:
        """A batch as it was read.

        Args:
            bodies: decodes them once more, so that they need not stay in memory. None: they stay.
        """
        table = found.table
        column = table.column("body") if "body" in table.column_names else _no_bodies(table.num_rows)
        rest = table.drop_columns("body") if "body" in table.column_names else table
        return cls(
            key=key,
            header=found.header,
            header_text=found.header_text,
            proof=found.proof,
            commit=commit,
            table=rest,
            held=np.asarray(column.is_valid()),
            bodies=bodies or (lambda: column),
        )

    @property
    def raw_bytes(self) -> int:
        """Bytes of its originals and events, as received."""
        return int(np.asarray(self.table.column("size")).sum())


@dataclass(frozen=True, slots=True)
class Gathered:
    """The tables of one segment, rows in order of their positions."""

    log: pa.Table
    originals: OrderedBodies
    digests: BodyDigests  # that the rows name of the originals, in order
    evidence: pa.Table
    raw_bytes: int


def gather(batches: Sequence[SourceBatch], repeats: Mapping[str, str]) -> Gathered:
    """One segment's tables from its batches. Rows are put in order by their times, without their bodies.

    Args:
        repeats: id of an entry -> id of the entry that stands in its place, where a (gateway, id) came twice.
    """
    rows = pa.concat_tables([_log_rows(batch) for batch in batches])
    order = np.lexsort((_writer_order(batches), np.asarray(rows.column("received_at").cast(pa.int64()))))
    if not np.array_equal(order, np.arange(len(order))):  # one writer's rows are in order as they come
        rows = rows.take(pa.array(order))
    held = np.concatenate([batch.held for batch in batches])[order]
    original = pa.array(np.cumsum(held) - 1, mask=~held)
    stands = [repeats.get(entry, "") for entry in _ids(rows)] if repeats else [""] * rows.num_rows
    log = pa.Table.from_arrays(
        [
            original
            if field.name == "original"
            else pa.array(stands, pa.string())
            if field.name == "repeats"
            else rows.column(field.name)
            for field in LOG
        ],
        schema=LOG,
    )
    own = order[held]
    originals = OrderedBodies([(batch.table.num_rows, batch.bodies) for batch in batches], own)
    size = sum(batch.raw_bytes for batch in batches)
    return Gathered(log, originals, _digests(batches, own), _evidence(batches), size)


def check_digests(batch: SourceBatch) -> None:
    """Raises Damaged unless there are rows, each with the size and digests of its body or canonical event."""
    table = batch.table
    if not table.num_rows:
        raise Damaged(f"{batch.key} holds no row", key=batch.key)
    if batch.header.kind == "events":
        entries = entries_of("events", columns_in(table))
        found = _of_events([one for one in entries if isinstance(one, Event)])
    else:
        found = digest_bodies([batch.bodies()])
    # A body that is not here lies in a large object, which is not moved.
    wrong = found.held() & found.differ(_named([table]))
    if wrong.any():
        raise Damaged(
            f"row {int(wrong.argmax())} of {batch.key} does not have the size and digests that it names",
            key=batch.key,
            hint="Run: vanvault verify.",
        )


def _digests(
    batches: Sequence[SourceBatch], order: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> BodyDigests:
    return _named([batch.table for batch in batches]).take(order)


def _named(tables: Sequence[pa.Table]) -> BodyDigests:
    """What rows name."""
    sizes = np.concatenate([np.asarray(table.column("size")) for table in tables])
    sha256, sha512 = (_fixed(tables, name) for name in ("sha256", "sha512"))
    return BodyDigests(array("q", sizes.tobytes()), sha256, sha512)


def _fixed(tables: Sequence[pa.Table], name: str) -> bytes:
    """The bytes of a column of digests, one after the other, from where they lie."""
    pieces = []
    for chunk in chain.from_iterable(table.column(name).chunks for table in tables):
        width, start = chunk.type.byte_width, chunk.offset
        if len(chunk):
            pieces.append(memoryview(chunk.buffers()[1])[start * width : (start + len(chunk)) * width])
    return b"".join(pieces)


def _of_events(events: Sequence[Event]) -> BodyDigests:
    texts = [canonical_of(event) for event in events]
    return digest_bodies([pa.chunked_array([pa.array(texts, pa.binary())])])


def _no_bodies(rows: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(rows, pa.binary())])


def _log_rows(batch: SourceBatch) -> pa.Table:
    """The log's columns of one batch, without ``original`` and ``repeats``."""
    table, header = batch.table, batch.header
    message = header.kind == "messages"
    constant = {
        "entry": "message" if message else "event",
        "writer": header.writer,
        **dict.fromkeys(EVENT_TEXTS if message else MESSAGE_TEXTS, ""),
    }
    columns, fields = [], []
    for field in LOG:
        if field.name in ("original", "repeats"):
            continue
        if field.name in constant:
            column = pa.repeat(pa.scalar(constant[field.name], field.type), table.num_rows)
        elif field.name == "sequence":
            column = pa.repeat(pa.scalar(header.sequence, field.type), table.num_rows)
        elif field.name == "row":
            column = pa.array(np.arange(table.num_rows, dtype=np.int32))
        elif field.name == "occurred_at" and message:
            column = pa.nulls(table.num_rows, field.type)
        else:
            column = table.column(field.name)
        columns.append(column)
        fields.append(field)
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _writer_order(batches: Sequence[SourceBatch]) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    """By row, the second half of a position: the first 4 bytes of the writer's SHA-256."""
    parts = [
        np.full(
            batch.table.num_rows,
            int.from_bytes(hashlib.sha256(batch.header.writer.encode()).digest()[:4]),
            dtype=np.uint32,
        )
        for batch in batches
    ]
    return np.concatenate(parts)


def _ids(rows: pa.Table) -> list[str]:
    columns = [rows.column(name).to_pylist() for name in ("writer", "sequence", "row")]
    return [f"{writer}-{sequence}-{row}" for writer, sequence, row in zip(*columns, strict=True)]


def _evidence(batches: Sequence[SourceBatch]) -> pa.Table:
    ordered = sorted(batches, key=lambda batch: (batch.header.writer, batch.header.sequence))
    times = [batch.table.column("received_at").cast(pa.int64()) for batch in ordered]
    columns = {
        "writer": [batch.header.writer for batch in ordered],
        "sequence": [batch.header.sequence for batch in ordered],
        "key": [batch.key for batch in ordered],
        "header": [batch.header_text for batch in ordered],
        "proof": [batch.proof for batch in ordered],
        "commit": [canonical(encode_commit(batch.commit)) if batch.commit else None for batch in ordered],
        "first_us": [column[0].as_py() for column in times],
        "last_us": [column[-1].as_py() for column in times],
        "sha512": [_fixed([batch.table], "sha512") for batch in ordered],
    }
    return pa.Table.from_arrays(
        [pa.array(columns[field.name], type=field.type) for field in EVIDENCE], schema=EVIDENCE
    )
