"""Rows, segments and index files for the tests, and the same questions answered by brute force."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.support.entropy import SeededEntropy

from vanvault.archiver.catalogue.index.build import index_rows, write_index
from vanvault.archiver.catalogue.index.fields import FACET_FIELDS, KEY_FIELDS
from vanvault.archiver.catalogue.index.file import BlockCache, IndexFile, open_index
from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.catalogue.index.merge import merge_index
from vanvault.archiver.catalogue.index.segments import SegmentInfo
from vanvault.archiver.catalogue.index.store import IndexStore, RangeFile
from vanvault.archiver.catalogue.index.tokens import IndexKeys
from vanvault.archiver.catalogue.index.writer import filter_path
from vanvault.archiver.core.search_form import search_form

KEYS = IndexKeys("index/1", b"t" * 32, b"b" * 32)
OTHER_KEYS = IndexKeys("index/2", b"T" * 32, b"B" * 32)
DAY_US = 86_400_000_000

Row = dict[str, Any]

TEXTS = (
    "entry",
    *(name for name in (*KEY_FIELDS, *FACET_FIELDS) if name not in ("sha256", "insurance_number")),
)


def keys_of(key_id: str) -> IndexKeys:
    return {"index/1": KEYS, "index/2": OTHER_KEYS}[key_id]


def row(number: int, us: int, **values: Any) -> Row:
    """A message with an id and a digest of its own, and nothing else unless it is given."""
    found: Row = dict.fromkeys(TEXTS, "")
    found |= {"entry": "message", "message_id": f"m-{number}", "gateway": "g", "insurance_numbers": []}
    found |= {"sha256": hashlib.sha256(str(number).encode()).digest(), "received_at": us, "size": 10 + number}
    return found | values


def table(rows: Sequence[Row]) -> pa.Table:
    columns: dict[str, Any] = {name: pa.array([one[name] for one in rows], pa.string()) for name in TEXTS}
    columns["insurance_numbers"] = pa.array([one["insurance_numbers"] for one in rows], pa.list_(pa.string()))
    columns["sha256"] = pa.array([one["sha256"] for one in rows], pa.binary(32))
    columns["received_at"] = pa.array([one["received_at"] for one in rows], pa.timestamp("us", tz="UTC"))
    columns["size"] = pa.array([one["size"] for one in rows], pa.int64())
    return pa.table(columns)


def segment(key: str, rows: Sequence[Row], *, group: int = 4) -> SegmentInfo:
    times = [one["received_at"] for one in rows] or [0]
    day = f"1970-01-{1 + times[0] // DAY_US:02d}"
    return SegmentInfo(key, day, len(rows), times[0], times[-1], group)


class CountedStore(FolderStore):
    """A folder store that notes the (offset, length) of every read from a file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[tuple[int, int]] = []

    def open(self, name: str) -> RangeFile:
        return CountedFile(super().open(name), self.reads)


@dataclass(frozen=True)
class CountedFile:
    file: RangeFile
    reads: list[tuple[int, int]]

    @property
    def size(self) -> int:
        return self.file.size

    def read(self, offset: int, length: int, *, keep: bool = False) -> bytes:
        self.reads.append((offset, length))
        return self.file.read(offset, length, keep=keep)

    def close(self) -> None:
        self.file.close()


class Folder:
    """A folder store with index files in it; ``store`` may be another."""

    def __init__(self, path: Path, store: IndexStore | None = None, cache: BlockCache | None = None) -> None:
        self.path = path
        self.store = store or FolderStore(path / "store")
        self.cache = cache or BlockCache(64 * 2**20)
        self._entropy = SeededEntropy(7)
        self._number = 0

    def build(
        self, segments: Mapping[str, Sequence[Row]], *, keys: IndexKeys = KEYS, group: int = 4, cut: int = 0
    ) -> IndexFile:
        """An index file over segments by key; ``cut`` indexes each in two stretches, from that row on."""
        draft = self._draft()
        parts = []
        for key, rows in segments.items():
            stretches = [(0, rows[:cut]), (cut, rows[cut:])] if cut else [(0, rows)]
            found = [
                index_rows(table(part), keys, first_row=first, row_group_rows=group)
                for first, part in stretches
            ]
            parts.append((segment(key, rows, group=group), found))
        write_index(draft, parts, keys, self._entropy)
        return self.put(draft)

    def merge(self, inputs: Sequence[IndexFile], tier: Any = "month") -> IndexFile:
        draft = self._draft()
        merge_index(inputs, draft, tier, self._entropy)
        return self.put(draft)

    def put(self, draft: Path) -> IndexFile:
        self.store.put(draft.name + ".filter", filter_path(draft))
        self.store.put(draft.name, draft)
        return self.open(draft.name)

    def open(self, name: str) -> IndexFile:
        return open_index(self.store, name, keys_of, self.cache)

    def _draft(self) -> Path:
        self._number += 1
        return self.path / f"draft-{self._number}"


def values_of(one: Row, field: str) -> list[str]:
    """What the index holds of a row's field."""
    if field == "insurance_number":
        return [value for value in one["insurance_numbers"] if value]
    if field == "sha256":
        return [one["sha256"].hex()]
    return [one[field]] if one[field] else []


def brute_rows(segments: Mapping[str, Sequence[Row]], field: str, value: str) -> dict[str, list[int]]:
    """Row numbers by segment."""
    found = {
        key: [number for number, one in enumerate(rows) if _is_among(value, values_of(one, field), field)]
        for key, rows in segments.items()
    }
    return {key: numbers for key, numbers in found.items() if numbers}


def _is_among(value: str, values: Sequence[str], field: str) -> bool:
    return search_form(field, value) in (search_form(field, one) for one in values)


def answer(found: Any) -> dict[str, list[int]]:
    """An answer of the reader as plain values."""
    return {info.key: numbers.tolist() for info, numbers in found}
