"""Rows of many batches as the tables of one segment. Pure.

``check_digests`` hashes every body of a batch, so that nothing enters a segment that its row does not
describe; ``gather`` takes only batches that passed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.format.batches import BatchTable, canonical_of, encode_commit, entries_of
from vanvault.archiver.core.format.segments.schema import EVENT_TEXTS, EVIDENCE, LOG, MESSAGE_TEXTS, ORIGINALS
from vanvault.archiver.core.model import BatchHeader, Commit, Event


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """One batch that is to be compacted, read whole, checked against its name and by ``check_digests``."""

    key: str
    header: BatchHeader
    header_text: bytes  # as it stands in the batch's footer
    proof: bytes  # likewise
    commit: Commit | None
    table: pa.Table  # of the kind's schema (core/format/segments/schema.py)

    @classmethod
    def of(cls, key: str, found: BatchTable, commit: Commit | None) -> SourceBatch:
        """A batch as it was read."""
        return cls(key, found.header, found.header_text, found.proof, commit, found.table)

    @property
    def raw_bytes(self) -> int:
        """Bytes of its originals and events, as received."""
        return int(np.asarray(self.table.column("size")).sum())


@dataclass(frozen=True, slots=True)
class Gathered:
    """The tables of one segment, rows in order of their positions."""

    log: pa.Table
    originals: pa.Table
    evidence: pa.Table
    raw_bytes: int


def gather(batches: Sequence[SourceBatch], repeats: Mapping[str, str]) -> Gathered:
    """One segment's tables from its batches.

    Args:
        repeats: id of an entry -> id of the entry that stands in its place, where a (gateway, id) came twice.
    """
    rows = pa.concat_tables([_log_rows(batch) for batch in batches])
    bodies = pa.concat_tables([_bodies(batch) for batch in batches])
    order = np.lexsort((_writer_order(batches), np.asarray(rows.column("received_at").cast(pa.int64()))))
    rows = rows.take(pa.array(order))
    held = np.asarray(bodies.column("body").is_valid())[order]
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
    # Bodies are most of a segment: each is copied once.
    originals = bodies.take(pa.array(order[held])).cast(ORIGINALS)
    return Gathered(log, originals, _evidence(batches), sum(batch.raw_bytes for batch in batches))


def check_digests(batch: SourceBatch) -> None:
    """Raises Damaged unless there are rows, each with the size and digests of its body or canonical event."""
    table = batch.table
    if not table.num_rows:
        raise Damaged(f"{batch.key} holds no row", key=batch.key)
    if batch.header.kind == "events":
        data = [canonical_of(entry) for entry in entries_of(batch.header, table) if isinstance(entry, Event)]
    else:
        data = table.column("body").to_pylist()
    columns = [table.column(name).to_pylist() for name in ("size", "sha256", "sha512")]
    for row, (body, size, sha256, sha512) in enumerate(zip(data, *columns, strict=True)):
        if body is None:
            continue  # in a large object, which is not moved
        whole = len(body) == size and hashlib.sha256(body).digest() == sha256
        if not whole or hashlib.sha512(body).digest() != sha512:
            raise Damaged(
                f"row {row} of {batch.key} does not have the size and digests that it names",
                key=batch.key,
                hint="Run: vanvault verify.",
            )


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


def _bodies(batch: SourceBatch) -> pa.Table:
    if batch.header.kind == "messages":
        column = batch.table.column("body")
    else:
        column = pa.nulls(batch.table.num_rows, pa.binary())
    return pa.Table.from_arrays([column], schema=pa.schema([pa.field("body", pa.binary())]))


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
        "sha512": [b"".join(batch.table.column("sha512").to_pylist()) for batch in ordered],
    }
    return pa.Table.from_arrays(
        [pa.array(columns[field.name], type=field.type) for field in EVIDENCE], schema=EVIDENCE
    )
