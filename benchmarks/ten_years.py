"""Ten years of a transaction log, made column by column, written as segments by the product's own code.

Bodies are left out: a search reads log and index only. One transaction is a dossier, its receipt and its
result (messages), and two lines of the log (events), spread over some days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.format.row_blocks import RowKey
from vanvault.archiver.core.format.segments import (
    PartHeader,
    chunk_digests,
    encode_manifest,
    encode_part,
    evidence_header,
    has_chunks,
    log_header,
    manifest_statement,
)
from vanvault.archiver.core.format.segments.schema import EVIDENCE, LOG
from vanvault.archiver.core.model import Covered, SegmentManifest, SegmentPart
from vanvault.archiver.core.names import new_writer_id
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.stores import Site

FIRST_DAY = date(2016, 1, 1)
DAYS = 3652
_ROWS_OF_A_DAY = 4_000  # at least; with fewer rows there are fewer days, spread over the same ten years
_ENTRIES = 5  # of one transaction
_BATCH = 50  # rows of one batch
_EMPLOYERS = 200_000
_PEOPLE = 15_000_000
_PROCEDURES = [f"{600 + number}{suffix}" for number in range(12) for suffix in ("", "a", "b")]
_STATES = ["received", "accepted", "rejected", "paid", "returned", "closed"]
_AGENCIES = [f"BHXH tỉnh {number:02d}" for number in range(63)]
_KINDS = ["dossier", "receipt", "result", "event", "event"]
_TYPES = ["", "", "", "dossier.received", "dossier.closed"]


@dataclass(frozen=True, slots=True)
class Day:
    """One day's rows."""

    day: date
    log: pa.Table  # of the log's schema


def days(rows: int, seed: int) -> Iterator[Day]:
    """About ``rows`` rows over ten years, day by day; the same for the same arguments."""
    count = max(1, min(DAYS, rows // _ROWS_OF_A_DAY))
    made = 0
    for place in range(count):
        want = rows * (place + 1) // count - made
        yield _day(place * DAYS // count, want, made, seed)
        made += want


def day_of(number: int, count: int, rows: int, seed: int) -> Day:
    """Of ``count`` days of ten years, the one with this number, counted from 0; each has so many rows."""
    return _day(number * DAYS // count, rows, number * rows, seed)


def _day(number: int, rows: int, before: int, seed: int) -> Day:
    random = np.random.default_rng((seed, number))
    day = FIRST_DAY + timedelta(days=number)
    start = to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))
    # Strictly rising within the one writer of a day, office hours being the busy ones.
    times = np.unique(np.clip(random.normal(0.5, 0.15, rows * 2), 0, 0.999_999) * 86_400_000_000)
    times = np.sort(random.choice(times, rows, replace=False)).astype(np.int64) + start
    entry = np.arange(before, before + rows)
    transaction, step = entry // _ENTRIES, entry % _ENTRIES
    shape = np.random.default_rng(seed).permutation(_EMPLOYERS)
    employer = shape[(_hash(transaction, 1) ** 2 * _EMPLOYERS).astype(np.int64)]
    person = (_hash(transaction, 2) * _PEOPLE).astype(np.int64)
    procedure = (_hash(transaction, 3) ** 2 * len(_PROCEDURES)).astype(np.int64)
    state = np.where(step == 0, 0, (_hash(entry, 4) * len(_STATES)).astype(np.int64))
    message = step < 3
    stamp = f"{day:%Y%m%d}"
    writer = new_writer_id(datetime(day.year, day.month, day.day, tzinfo=UTC), seed.to_bytes(5))
    digest = hashlib.shake_128(f"{seed}-{number}".encode()).digest(32 * rows)
    columns = {
        "received_at": pa.array(times).cast(LOG.field("received_at").type),
        "entry": _chosen(["message", "event"], ~message),
        "writer": pa.repeat(pa.scalar(writer), rows),
        "sequence": pa.array(np.arange(rows) // _BATCH),
        "row": pa.array((np.arange(rows) % _BATCH).astype(np.int32)),
        "message_id": _texts(f"VAN-{stamp}-", entry - before, 7, message),
        "gateway": _chosen(["gateway-1", "gateway-2", "gateway-3"], transaction % 3),
        "size": pa.array((_hash(entry, 5) * 30_000).astype(np.int64) + 900),
        "sha256": pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), rows, [None, pa.py_buffer(digest)]),
        "kind": _chosen(_KINDS, step),
        "transaction_id": _texts("GD", transaction, 12),
        "ivan": pa.repeat(pa.scalar("00088"), rows),
        "employer_code": _texts("TA", employer, 6),
        "tax_code": _texts("03", employer, 8),
        "insurance_numbers": _lists(person),
        "dossier_number": _dossiers(transaction, day),
        "procedure": _chosen(_PROCEDURES, procedure),
        "period": pa.repeat(pa.scalar(f"{day:%m/%Y}"), rows),
        "state": _chosen(_STATES, state),
        "agency": _chosen(_AGENCIES, employer % len(_AGENCIES)),
        "content_type": _chosen(["application/xml", ""], ~message),
        "metadata_note": pa.repeat(pa.scalar(""), rows),
        "large_object": pa.repeat(pa.scalar(""), rows),
        "event_id": _texts(f"EV-{stamp}-", entry - before, 7, ~message),
        "type": _chosen(_TYPES, step),
        "actor": _chosen(["", "ivan"], ~message),
        "detail": _chosen(["", "{}"], ~message),
        "occurred_at": pa.array(np.where(message, 0, times), mask=message).cast(
            LOG.field("occurred_at").type
        ),
        "original": pa.array(np.cumsum(message) - 1, mask=~message),
        "repeats": pa.repeat(pa.scalar(""), rows),
    }
    return Day(day, pa.Table.from_arrays([columns[f.name].cast(f.type) for f in LOG], schema=LOG))


def write_segment(
    archive: Archive, day: Day, *, level: int, sites: Sequence[str] = ("primary",), whole: bool = False
) -> int:
    """One day's rows as a segment at these sites, known to the catalogue; the bytes of its log.

    ``whole``: with a part of evidence, without which no other node takes its manifest for one.
    """
    started = datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC) + timedelta(days=1)
    segment = new_writer_id(started, archive.entropy.token(5))
    name, table = archive.settings.archive, day.log
    until = archive.retain_until("events", archive.clock.now())
    order = _Order(archive, segment, until, [archive.sites[site] for site in sites], level)
    log = order.part(log_header(name, segment, table), table, 0)
    parts = [log]
    if whole:
        evidence = _evidence(table)
        parts.append(order.part(evidence_header(name, segment, evidence.num_rows), evidence, 2))
    times = table.column("received_at").cast(pa.int64())
    messages = int(np.asarray(table.column("original").is_valid()).sum())
    signer = archive.signing.active()
    unsigned = SegmentManifest(
        archive=name,
        segment=segment,
        day=f"{day.day}",
        created_us=to_us(started),
        first_us=times[0].as_py(),
        last_us=times[-1].as_py(),
        messages=messages,
        events=table.num_rows - messages,
        raw_bytes=int(np.asarray(table.column("size")).sum()),
        covers=(Covered(table.column("writer")[0].as_py(), 0, (table.num_rows - 1) // _BATCH),),
        parts=tuple(parts),
        signing_key=signer.key_id,
    )
    signature = signer.sign(manifest_statement(unsigned))
    fields = {name: getattr(unsigned, name) for name in unsigned.__slots__}
    manifest = SegmentManifest(**{**fields, "signature": signature})
    key = order.put("manifest", 3, encode_manifest(manifest))
    archive.catalogue.add(key, manifest)
    return log.size


@dataclass(frozen=True, slots=True)
class _Order:
    """Where the objects of one segment go."""

    archive: Archive
    segment: str
    until: datetime
    sites: list[Site]
    level: int

    def part(self, header: PartHeader, table: pa.Table, number: int) -> SegmentPart:
        """One part, encoded and stored."""
        subject = self.archive.object_signer.subject("segment", self.segment, number, header.kind)
        properties, data_key, wrapped = self.archive.parquet.encryption_of_part(subject)
        rows = RowKey(data_key, wrapped) if header.kind == "log" else None
        data = encode_part(header, table, properties, compression_level=self.level, rows=rows)
        key = self.put(header.kind, number, data)
        chunks = chunk_digests(data) if has_chunks(header.kind) else b""
        return SegmentPart(header.kind, key, len(data), table.num_rows, rfc3339_seconds(self.until), chunks)

    def put(self, kind: str, number: int, data: bytes) -> str:
        """The key under which it is stored."""
        names, sha256 = self.archive.object_signer, hashlib.sha256(data).digest()
        key = names.sign_name(names.subject("segment", self.segment, number, kind), sha256)
        for site in self.sites:
            site.put(key, data, sha256=sha256, retain_until=self.until)
        return key


def _evidence(log: pa.Table) -> pa.Table:
    """A row for each batch that the rows say they are of; its texts are empty: no search reads them."""
    count = (log.num_rows - 1) // _BATCH + 1
    filled = {"writer": [log.column("writer")[0].as_py()] * count, "sequence": range(count)}
    empty = {pa.string(): "", pa.binary(): b"", pa.int64(): 0}
    columns = [
        pa.array(filled.get(one.name, [None if one.nullable else empty[one.type]] * count), type=one.type)
        for one in EVIDENCE
    ]
    return pa.Table.from_arrays(columns, schema=EVIDENCE)


def plain(log: pa.Table) -> pa.Table:
    """The same rows as a user of a database would keep them: no columns of the archive's own."""
    left_out = {"sequence", "row", "original", "repeats", "writer"}
    names = [field.name for field in LOG if field.name not in left_out]
    first = pc.list_element(log.column("insurance_numbers"), 0)
    return log.select(names).drop(["insurance_numbers"]).append_column("insurance_number", first)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _hash(values: np.ndarray, salt: int) -> np.ndarray:
    """Numbers in [0, 1) that look random and are the same for the same value."""
    mixed = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        salt * 0x632BE59BD9B4E019 % 2**64
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2**53


def _chosen(values: list[str], codes: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(values)).dictionary_decode()


def _texts(prefix: str, numbers: np.ndarray, width: int, where: np.ndarray | None = None) -> pa.Array:
    digits = np.char.zfill(numbers.astype(f"U{width}"), width)
    texts = np.char.add(prefix, digits)
    return pa.array(texts if where is None else np.where(where, texts, ""))


def _dossiers(transaction: np.ndarray, day: date) -> pa.Array:
    digits = np.char.zfill((transaction % 100_000).astype("U5"), 5)
    offices = np.char.zfill((transaction // 100_000 % 1000).astype("U3"), 3)
    return pa.array(np.char.add(np.char.add(digits, f"/{day.year}/079"), offices))


def _lists(person: np.ndarray) -> pa.Array:
    numbers = _texts("79", person, 8)
    offsets = pa.array(np.arange(len(person) + 1, dtype=np.int32))
    field = pa.field("element", pa.string(), nullable=False)
    return pa.ListArray.from_arrays(offsets, numbers, type=pa.list_(field))
