"""What other processes do in a compaction: read batches to measure them, and write whole segments.

Each function opens the home by its path and may be run twice, because a worker that dies is replaced. One
that died between the trust point of its segment and its answer leaves a segment that counts: who does its
work again finds it at the sites.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vanvault.archiver.appliance import Archive, open_home
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import Commit, SegmentManifest
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.upkeep.compaction.segment_writer import SegmentWriter
from vanvault.archiver.upkeep.compaction.source import measure_source, read_source

#: Threads of a compaction: they read, hash and put, all outside the interpreter's lock.
THREADS = 4


@dataclass(frozen=True, slots=True)
class ToMeasure:
    """Batches to be read by one worker."""

    archive: str  # the id that its home must have
    batches: tuple[tuple[str, Commit | None], ...]  # keys


@dataclass(frozen=True, slots=True)
class SegmentOrder:
    """One segment to be written."""

    archive: str  # the id that the worker's home must have
    batches: tuple[tuple[str, Commit | None], ...]  # keys, in order
    repeats: Mapping[str, str]  # id of an entry -> id of the entry that stands in its place


@dataclass(frozen=True, slots=True)
class WrittenOrder:
    """What came of an order."""

    segments: tuple[tuple[str, SegmentManifest], ...]  # past their trust points, with their manifests' keys
    spoiled: tuple[str, ...] = ()  # batches that contradict themselves, or are gone: then nothing was written


def measure(home: Path, asked: ToMeasure) -> tuple[int | None, ...]:
    """In a worker: raw bytes of each batch, whole by its name; None: no site gives it so.

    Raises SiteUnavailable, KeyUnavailable, SettingsError.
    """
    with open_home(home, asked.archive) as archive, ThreadPoolExecutor(THREADS) as pool:

        def raw_bytes(batch: tuple[str, Commit | None]) -> int | None:
            try:
                return measure_source(archive.sites, archive.parquet, *batch)
            except (Damaged, NotFound):
                return None

        return tuple(pool.map(raw_bytes, asked.batches))


def write_segment(home: Path, order: SegmentOrder) -> WrittenOrder:
    """In a worker: the segment of an order, or those that hold all of it already.

    Raises SiteUnavailable, KeyUnavailable, Damaged, SettingsError: the batches are what counts.
    """
    with open_home(home, order.archive) as archive:
        return segment_of(archive, order)


def segment_of(archive: Archive, order: SegmentOrder, fault: Fault = no_fault) -> WrittenOrder:
    """As ``write_segment``, in an open archive."""
    archive.catch_up_segments()
    if made := _made(archive, order):
        return WrittenOrder(made)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="segment") as pool:
        reading = [
            pool.submit(read_source, archive.sites, archive.parquet, *batch) for batch in order.batches
        ]
        sources, spoiled = [], []
        for (key, _), one in zip(order.batches, reading, strict=True):
            try:
                sources.append(one.result())
            except (Damaged, NotFound):
                spoiled.append(key)
        if spoiled:
            return WrittenOrder((), tuple(spoiled))
        reading.clear()  # they hold the batches, too
        return WrittenOrder((SegmentWriter(archive, pool, fault).write(sources, order.repeats),))


def _made(archive: Archive, order: SegmentOrder) -> tuple[tuple[str, SegmentManifest], ...]:
    """The segments that hold every batch of the order already; none where one is missing."""
    found = {}
    for key, _ in order.batches:
        name = parse_key(key)
        segment = archive.catalogue.covering(name.writer, name.sequence) if name is not None else None
        if segment is None:
            return ()
        found[segment.key] = segment.manifest
    return tuple(found.items())
