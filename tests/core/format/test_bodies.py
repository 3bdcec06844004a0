"""Bodies are hashed where they lie: the same digests as of Python bytes, and one row group in memory."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.key_ring import KeyRing

from vanvault.archiver.core.format.batches import BodyDigests, Hashes, digest_bodies
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.segments import encode_part, originals_header
from vanvault.archiver.core.format.segments.part import ORIGINALS_GROUP_ROWS
from vanvault.archiver.core.format.segments.schema import ORIGINALS
from vanvault.archiver.core.model import SegmentPart
from vanvault.recovery.verify import segment_reading

SEGMENT = "0123456789abcdef"


def digests(body: bytes | None) -> Hashes | None:
    return None if body is None else (len(body), hashlib.sha256(body).digest(), hashlib.sha512(body).digest())


@given(
    chunks=st.lists(st.lists(st.none() | st.binary(max_size=40), max_size=6), max_size=4),
    cut=st.integers(0, 9),
)
def test_the_digests_are_those_of_the_bytes(chunks: list[list[bytes | None]], cut: int) -> None:
    column = pa.chunked_array([pa.array(chunk, pa.binary()) for chunk in chunks], pa.binary())
    values = [value for chunk in chunks for value in chunk]
    pieces = [column.slice(0, cut), column.slice(cut)] if cut < len(values) else [column]
    found = digest_bodies(pieces)
    assert found.all() == [digests(value) for value in values]
    assert len(found) == len(values)


def test_each_row_that_differs_in_size_or_in_a_digest_is_told() -> None:
    bodies = [b"a", None, b"ccc", b""]
    found = digest_bodies([pa.chunked_array([pa.array(bodies, pa.binary())])])
    assert found.held().tolist() == [True, False, True, True]
    assert not found.differ(found).any()
    for column, width in (("sha256", 32), ("sha512", 64)):
        for row in range(len(bodies)):
            data = bytearray(getattr(found, column))
            data[width * row + width - 1] ^= 1
            other = replace(found, **{column: bytes(data)})
            assert found.differ(other).nonzero()[0].tolist() == [row]
    for row in range(len(bodies)):
        sizes = found.sizes[:]
        sizes[row] += 1
        assert found.differ(replace(found, sizes=sizes)).nonzero()[0].tolist() == [row]
    with pytest.raises(ValueError, match="4 bodies"):
        found.differ(digest_bodies([pa.chunked_array([pa.array(bodies[:3], pa.binary())])]))


def test_rows_are_taken_in_the_order_that_is_asked() -> None:
    bodies = [b"a", None, b"ccc", b""]
    found = digest_bodies([pa.chunked_array([pa.array(bodies, pa.binary())])])
    assert found.take(np.array([2, 0, 0])).all() == [digests(bodies[row]) for row in (2, 0, 0)]
    assert len(found.take(np.array([], np.int64))) == 0


@pytest.mark.parametrize("kind", [pa.string(), pa.large_binary(), pa.binary(4), pa.int64()])
def test_bodies_of_another_type_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(TypeError, match="bodies are of type"):
        digest_bodies([pa.chunked_array([pa.array([], kind)])])


def test_a_row_group_of_originals_is_let_go_before_the_next_is_decoded(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KeyRing.create(tmp_path_factory.mktemp("keys"))
    groups, size, chance = 8, 2_000, random.Random(1)
    bodies = [chance.randbytes(size) for _ in range(groups * ORIGINALS_GROUP_ROWS)]
    header = originals_header("archive-1", SEGMENT, len(bodies))
    data = encode_part(
        header, pa.table([pa.array(bodies)], schema=ORIGINALS), keys.encryption("originals", SEGMENT)
    )
    key = keys.key_of(data, "originals", SEGMENT)
    before, held = pa.total_allocated_bytes(), list[int]()

    def watched(columns: Iterable[Any]) -> BodyDigests:
        def counted() -> Iterator[Any]:
            for column in columns:
                held.append(pa.total_allocated_bytes() - before)
                yield column

        return digest_bodies(counted())

    monkeypatch.setattr(segment_reading, "digest_bodies", watched)
    part = SegmentPart("originals", key, len(data), len(bodies), "2037-11-23T00:00:00Z", b"")
    with opened(data, keys.parquet, key) as file:
        found = segment_reading.decoded_part(part, header, file)
    assert found.bodies.all() == [digests(body) for body in bodies]
    assert len(held) == groups
    assert max(held) < 3 * ORIGINALS_GROUP_ROWS * size < len(data) / 2
