"""The sealed directory at the end of an index file. Pure. FORMAT.md, section 8."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson

from vanvault.archiver.catalogue.index.columns import decode_columns, encode_columns, pack, unpack
from vanvault.archiver.catalogue.index.sealing import INDEX_HEADER_BYTES
from vanvault.archiver.catalogue.index.segments import Int64s, SegmentInfo, SegmentTable, UInt64s
from vanvault.archiver.core.errors import Damaged, InvalidInput

#: At the very end of a file: offset and length of the sealed directory, magic.
TRAILER = struct.Struct("<QI4s")
TRAILER_MAGIC = b"VVIX"

_PER_POSTINGS = 5
_SECTIONS = ("keys", "facets", "dossiers", "rollups", "months", "combinations")


@dataclass(slots=True)
class BlockList:
    """The blocks of one section while they are written."""

    lengths: list[int] = field(default_factory=list)  # bytes, sealed
    records: list[int] = field(default_factory=list)
    first_tokens: list[int] = field(default_factory=list)  # postings only, as are the next two
    first_refs: list[int] = field(default_factory=list)
    continues: list[int] = field(default_factory=list)  # 1: with the last token of the block before
    first_texts: list[str] = field(default_factory=list)  # dossiers only
    first_days: list[int] = field(default_factory=list)  # rollups only, as is the next
    last_days: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of one section, as they are read: where each lies."""

    offsets: Int64s
    lengths: Int64s
    records: Int64s

    def __len__(self) -> int:
        return len(self.offsets)


@dataclass(frozen=True, slots=True)
class PostingBlocks(Blocks):
    """The same with what a look-up needs to choose blocks."""

    first_tokens: UInt64s
    first_refs: UInt64s
    continues: UInt64s

    def span(self, token: int) -> tuple[int, int]:
        """Numbers [first, end) of the blocks that may hold a token."""
        wanted = np.uint64(token)
        first = int(np.searchsorted(self.first_tokens, wanted, "left"))
        end = int(np.searchsorted(self.first_tokens, wanted, "right"))
        begins_here = first < end and not self.continues[first]
        return (first if begins_here else max(0, first - 1)), end


@dataclass(frozen=True, slots=True)
class Directory:
    """What a file holds and where."""

    table: SegmentTable
    claims: int  # keys in the filter
    filter_sha256: bytes
    keys: PostingBlocks
    facets: PostingBlocks
    dossiers: Blocks
    rollups: Blocks
    months: Blocks
    combinations: Blocks
    first_dossiers: Sequence[str]
    first_days: Sequence[int]
    last_days: Sequence[int]


def encode_directory(
    segments: Sequence[SegmentInfo], sections: dict[str, BlockList], *, claims: int, filter_sha256: bytes
) -> bytes:
    """``sections`` by name, every one of them; ``segments`` in their order."""
    dossiers, rollups = sections["dossiers"], sections["rollups"]
    head = {
        "claims": claims,
        "dossiers": dossiers.first_texts,
        "filter": filter_sha256.hex(),
        "first_days": rollups.first_days,
        "last_days": rollups.last_days,
        "segments": [
            [one.key, one.day, one.rows, one.first_us, one.last_us, one.row_group_rows] for one in segments
        ],
    }
    packed = pack(orjson.dumps(head))
    columns: list[list[int]] = []
    for name in _SECTIONS:
        blocks = sections[name]
        columns += [blocks.lengths, blocks.records]
        if name in ("keys", "facets"):
            columns += [blocks.first_tokens, blocks.first_refs, blocks.continues]
    arrays = [np.array(column, np.uint64) for column in columns]
    return struct.pack("<I", len(packed)) + packed + encode_columns(arrays)


def decode_directory(data: bytes, end: int, name: str) -> Directory:
    """The directory, which lies at offset ``end``: all bytes from the header to there belong to blocks.

    Raises Damaged.
    """
    try:
        (length,) = struct.unpack_from("<I", data)
        head = orjson.loads(unpack(data[4 : 4 + length], name))
        columns = iter(decode_columns(data[4 + length :], 2 * _PER_POSTINGS + 2 * 4, name))
        segments = [SegmentInfo(*fields) for fields in head["segments"]]
        table = SegmentTable(segments)
        found: dict[str, Blocks] = {}
        offset = INDEX_HEADER_BYTES
        for section in _SECTIONS:
            lengths, records = next(columns).view(np.int64), next(columns).view(np.int64)
            ends = offset + np.cumsum(lengths)
            place = (ends - lengths, lengths, records)
            offset = int(ends[-1]) if len(ends) else offset
            if section in ("keys", "facets"):
                found[section] = PostingBlocks(*place, next(columns), next(columns), next(columns))
            else:
                found[section] = Blocks(*place)
        if offset != end or list(table.segments) != segments:
            raise Damaged(f"{name}: its directory contradicts itself", key=name)
        return Directory(
            table=table,
            claims=head["claims"],
            filter_sha256=bytes.fromhex(head["filter"]),
            first_dossiers=head["dossiers"],
            first_days=head["first_days"],
            last_days=head["last_days"],
            **found,  # type: ignore[arg-type]
        )
    except (struct.error, KeyError, TypeError, ValueError, InvalidInput) as error:
        raise Damaged(f"{name}: its directory cannot be read", key=name) from error
