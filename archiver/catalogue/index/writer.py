"""Writing one index file and its filter, front to back, from sorted input. FORMAT.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import orjson

from vanvault.archiver.catalogue.index import sealing
from vanvault.archiver.catalogue.index.bloom import FilterWriter
from vanvault.archiver.catalogue.index.columns import encode_columns, pack
from vanvault.archiver.catalogue.index.directory import TRAILER, TRAILER_MAGIC, BlockList, encode_directory
from vanvault.archiver.catalogue.index.fields import IndexSection, Tier
from vanvault.archiver.catalogue.index.postings import BLOCK_RECORDS, encode_postings
from vanvault.archiver.catalogue.index.rollups import (
    BLOCK_LINES,
    Combination,
    Rollups,
    add_up,
    encode_rollups,
)
from vanvault.archiver.catalogue.index.segments import Int64s, SegmentInfo, SegmentTable, UInt64s
from vanvault.archiver.catalogue.index.store import FILTER_SUFFIX
from vanvault.archiver.catalogue.index.tokens import IndexKeys
from vanvault.archiver.core.ports import Entropy

#: Distinct dossier numbers in one block.
BLOCK_DOSSIERS = 2048

_Name = Literal["keys", "facets", "dossiers", "rollups", "months", "combinations"]
_NUMBERS: dict[_Name, int] = {
    "keys": sealing.KEYS,
    "facets": sealing.FACETS,
    "dossiers": sealing.DOSSIERS,
    "rollups": sealing.ROLLUPS,
    "months": sealing.MONTHS,
    "combinations": sealing.COMBINATIONS,
}
_ORDER = tuple(_NUMBERS)  # the order in which sections lie in the file


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """What was written."""

    tier: Tier
    key_id: str
    file_id: str  # hexadecimal
    segments: int
    rows: int
    first_day: str  # of the segments; "" without any
    last_day: str
    keys: int  # references to rows
    facets: int  # references to row groups
    dossiers: int  # distinct numbers
    claims: int  # keys in the filter
    size: int  # bytes
    filter_size: int  # bytes

    @property
    def name(self) -> str:
        """A name for the file in a store, never used twice: ``day/2026-10-01-2026-10-01-<16 hex>.index``."""
        days = f"{self.first_day}-{self.last_day}-" if self.segments else ""
        return f"{self.tier}/{days}{self.file_id[:16]}.index"


def filter_path(path: Path) -> Path:
    """Where the filter of the index file at ``path`` lies."""
    return path.with_name(path.name + FILTER_SUFFIX)


class IndexWriter:
    """Writes ``path`` and ``path`` + ".filter". Sections come in order: keys, facets, dossiers, rollups.

    As a context manager it removes both files when the body fails.
    """

    def __init__(self, path: Path, tier: Tier, keys: IndexKeys, entropy: Entropy, *, claims: int) -> None:
        """``claims``: how many references to claims will come, or a few more. Raises OSError."""
        header = sealing.Header(tier, keys.key_id, entropy.token(sealing.FILE_ID_BYTES))
        encoded = header.encode()
        self._header, self._path = header, path
        self._sealer = sealing.Sealer(keys.blocks, encoded)
        self._sections: dict[_Name, BlockList] = {name: BlockList() for name in _NUMBERS}
        self._pending: dict[IndexSection, tuple[UInt64s, UInt64s]] = {}
        self._last_token = -1
        self._combinations: dict[Combination, int] = {}
        self._months = Rollups.empty()
        self._claims = 0
        self._file = path.open("xb")
        self._filter_file = filter_path(path).open("xb")
        self._filter = FilterWriter(self._filter_file, header.file_id, claims)
        self._file.write(encoded)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._filter_file.close()
        if error is not None:
            self._path.unlink(missing_ok=True)
            filter_path(self._path).unlink(missing_ok=True)

    def postings(self, section: IndexSection, tokens: UInt64s, refs: UInt64s) -> None:
        """More pairs, sorted, none before those that came already."""
        if section == "facets":
            self._flush("keys")
        else:
            claimed = tokens[(refs & np.uint64(1)).astype(bool)]
            self._claims += len(claimed)
            self._filter.add(claimed)
        if section in self._pending:
            before = self._pending.pop(section)
            tokens, refs = np.concatenate([before[0], tokens]), np.concatenate([before[1], refs])
        whole = len(tokens) - len(tokens) % BLOCK_RECORDS
        for at in range(0, whole, BLOCK_RECORDS):
            self._block(section, tokens[at : at + BLOCK_RECORDS], refs[at : at + BLOCK_RECORDS])
        if whole < len(tokens):
            self._pending[section] = tokens[whole:], refs[whole:]

    def dossiers(self, numbers: Iterable[str]) -> None:
        """All distinct dossier numbers, ascending; called once."""
        self._flush("keys")
        self._flush("facets")
        block: list[str] = []
        for number in numbers:
            block.append(number)
            if len(block) == BLOCK_DOSSIERS:
                self._dossier_block(block)
                block = []
        if block:
            self._dossier_block(block)

    def rollups(self, part: Rollups) -> None:
        """Lines of days that come after those of the last call, summed up, by day."""
        self._flush("keys")
        self._flush("facets")
        listed = self._sections["rollups"]
        for days, lines in self._blocks(part):
            self._write("rollups", encode_rollups(lines), len(days))
            listed.first_days.append(int(days[0]))
            listed.last_days.append(int(days[-1]))
        self._months = add_up([self._months, part.monthly()])

    def _blocks(self, part: Rollups) -> Iterator[tuple[Int64s, Rollups]]:
        known = self._combinations
        places = np.array([known.setdefault(one, len(known)) for one in part.combinations], np.int64)
        for at in range(0, len(part.days), BLOCK_LINES):
            cut = slice(at, at + BLOCK_LINES)
            days = part.days[cut]
            yield days, Rollups((), days, places[part.chosen[cut]], part.counts[cut], part.bytes[cut])

    def finish(self, segments: Sequence[SegmentInfo]) -> IndexSummary:
        """Write what is left, the directory and the trailer. The store makes the files durable."""
        self._flush("keys")
        self._flush("facets")
        for firsts, lines in self._blocks(self._months):
            self._write("months", encode_rollups(lines), len(firsts))
        if self._combinations:
            listed = [list(one) for one in self._combinations]
            self._write("combinations", pack(orjson.dumps(listed)), len(listed))
        digest = self._filter.finish()
        table = SegmentTable(segments)
        plain = encode_directory(
            table.segments,
            {str(name): blocks for name, blocks in self._sections.items()},
            claims=self._claims,
            filter_sha256=digest,
        )
        sealed = self._sealer.seal(sealing.DIRECTORY, 0, plain)
        offset = self._file.tell()
        self._file.write(sealed + TRAILER.pack(offset, len(sealed), TRAILER_MAGIC))
        days = [one.day for one in table.segments]
        return IndexSummary(
            tier=self._header.tier,
            key_id=self._header.key_id,
            file_id=self._header.file_id.hex(),
            segments=len(table.segments),
            rows=table.rows,
            first_day=min(days, default=""),
            last_day=max(days, default=""),
            keys=sum(self._sections["keys"].records),
            facets=sum(self._sections["facets"].records),
            dossiers=sum(self._sections["dossiers"].records),
            claims=self._claims,
            size=self._file.tell(),
            filter_size=self._filter_file.tell(),
        )

    def _flush(self, section: IndexSection) -> None:
        if section in self._pending:
            self._block(section, *self._pending.pop(section))

    def _block(self, section: IndexSection, tokens: UInt64s, refs: UInt64s) -> None:
        listed = self._sections[section]
        first = int(tokens[0])
        listed.continues.append(int(bool(listed.lengths) and first == self._last_token))
        listed.first_tokens.append(first)
        listed.first_refs.append(int(refs[0]))
        self._last_token = int(tokens[-1])
        self._write(section, encode_postings(tokens, refs), len(tokens))

    def _dossier_block(self, numbers: list[str]) -> None:
        encoded = [number.encode() for number in numbers]
        lengths = np.array([len(one) for one in encoded], np.uint64)
        text = np.frombuffer(b"".join(encoded), np.uint8).astype(np.uint64)
        self._sections["dossiers"].first_texts.append(numbers[0])
        self._write("dossiers", encode_columns([lengths, text]), len(numbers))

    def _write(self, section: _Name, plain: bytes, records: int) -> None:
        listed = self._sections[section]
        if any(self._sections[name].lengths for name in _ORDER[_ORDER.index(section) + 1 :]):
            raise ValueError(f"{section} come before what was written already")
        sealed = self._sealer.seal(_NUMBERS[section], len(listed.lengths), plain)
        listed.lengths.append(len(sealed))
        listed.records.append(records)
        self._file.write(sealed)
