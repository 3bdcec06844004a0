"""The batches of a segment, made again: each has its own rows, in whatever order writers wrote."""

from __future__ import annotations

import hashlib
from typing import Any

import pyarrow as pa
import pytest

from vanvault.archiver.core.format.batches import digest_bodies, hashes_of
from vanvault.archiver.core.format.segments.schema import EVIDENCE, LOG
from vanvault.archiver.core.model import BatchHeader
from vanvault.archiver.core.names import archive_id
from vanvault.recovery.verify.segment_rows import Evidence, batches_of

ONE, TWO = "0123456789abcdef", "0123456789abcdeg"
#: (writer, sequence, kind, row): the log, in the order of its times.
ALONE = [(ONE, number, "messages", row) for number in range(3) for row in range(2)]
BY_TURNS = [
    (TWO, 0, "messages", 0),
    (ONE, 0, "messages", 0),
    (ONE, 0, "messages", 1),
    (TWO, 0, "messages", 1),
    (ONE, 1, "events", 0),
    (TWO, 1, "messages", 0),
    (ONE, 2, "messages", 0),
    (TWO, 2, "events", 0),
]


def made(rows: list[tuple[str, int, str, int]]) -> tuple[pa.Table, pa.Table, list[Evidence], list[bytes]]:
    """A log with these rows, the evidence of their batches, and the bodies of messages."""
    bodies = [f"body {time}".encode() for time, (_, _, kind, _) in enumerate(rows) if kind == "messages"]
    numbers = iter(range(len(bodies)))
    values: dict[str, list[Any]] = {field.name: [] for field in LOG}
    for time, (writer, sequence, kind, row) in enumerate(rows):
        own = {
            "received_at": time,
            "entry": "message" if kind == "messages" else "event",
            "writer": writer,
            "sequence": sequence,
            "row": row,
            "message_id": f"m-{time}",
            "size": 0,
            "sha256": bytes([time]) * 32,
            "insurance_numbers": [],
            "occurred_at": 0 if kind == "events" else None,
            "original": next(numbers) if kind == "messages" else None,
        }
        for name, column in values.items():
            column.append(own.get(name, ""))
    log = pa.Table.from_pydict(values, schema=LOG)
    counts: dict[tuple[str, int, str], int] = {}
    for writer, sequence, kind, _ in rows:
        counts[writer, sequence, kind] = counts.get((writer, sequence, kind), 0) + 1
    held = [
        Evidence(
            f"{writer}-{sequence}",
            BatchHeader("archive-1", writer, sequence, kind, 0, "2037-11-23T00:00:00Z", count, ""),  # type: ignore[arg-type]
            b"",
            b"",
            None,
            0,
            0,
        )
        for (writer, sequence, kind), count in sorted(counts.items())
    ]
    digests = [
        b"".join(hashlib.sha512(f"{one.key}-{row}".encode()).digest() for row in range(one.header.rows))
        for one in held
    ]
    evidence = pa.table({"sha512": digests}, pa.schema([EVIDENCE.field("sha512")]))
    return log, evidence, held, bodies


@pytest.mark.parametrize("rows", [ALONE, BY_TURNS], ids=["alone", "by turns"])
def test_each_batch_has_its_own_rows(rows: list[tuple[str, int, str, int]]) -> None:
    log, evidence, held, bodies = made(rows)
    found = list(batches_of(log, digest_bodies([pa.chunked_array([bodies], pa.binary())]), evidence, held))
    assert [one.evidence for one in found] == held
    hashed = {body: hashes_of(body) for body in bodies}
    for one in found:
        header = one.evidence.header
        times = [
            time for time, row in enumerate(rows) if row[:3] == (header.writer, header.sequence, header.kind)
        ]
        count = range(header.rows)
        assert one.columns["id"] == [archive_id(header.writer, header.sequence, row) for row in count]
        assert one.columns["received_at"] == times
        assert one.columns["message_id"] == [f"m-{time}" for time in times]
        assert one.columns["sha256"] == [bytes([time]) * 32 for time in times]
        assert one.columns["sha512"] == [
            hashlib.sha512(f"{one.evidence.key}-{row}".encode()).digest() for row in count
        ]
        own = [hashed[f"body {time}".encode()] for time in times] if header.kind == "messages" else [None]
        assert one.bodies == own
