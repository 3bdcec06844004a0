"""The filter never denies what it holds, and seldom claims what it does not."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.catalogue.index.bloom import (
    BLOCK_BYTES,
    FILTER_HEADER_BYTES,
    Filter,
    FilterWriter,
    mask_of,
)
from vanvault.archiver.core.errors import Damaged

ID = b"i" * 16


def written(stretches: list[np.ndarray], keys: int | None = None) -> tuple[bytes, bytes]:
    file = io.BytesIO()
    writer = FilterWriter(file, ID, sum(map(len, stretches)) if keys is None else keys)
    for tokens in stretches:
        writer.add(tokens)
    digest = writer.finish()
    return file.getvalue(), digest


def opened(data: bytes, digest: bytes) -> Filter:
    return Filter(memoryview(data), file_id=ID, sha256=digest, name="f")


@given(st.sets(st.integers(0, 2**48 - 1)), st.integers(1, 40), st.integers(0, 5000))
def test_what_was_added_is_there_whatever_the_stretches(held: set[int], step: int, more: int) -> None:
    tokens = np.array(sorted(held), np.uint64)
    keys = len(tokens) + more
    data, digest = written([tokens[at : at + step] for at in range(0, len(tokens), step)], keys)
    assert (data, digest) == written([tokens], keys)
    found = opened(data, digest)
    assert all(found.probe(token, mask_of(token)) for token in held)
    assert found.probe_many(tokens).all()


def test_one_in_a_hundred_at_most_is_claimed_wrongly_at_twelve_bits_a_key() -> None:
    random = np.random.default_rng(3)
    data, digest = written([np.sort(random.integers(0, 2**48, 200_000, dtype=np.uint64))])
    found = opened(data, digest)
    assert (len(data) - FILTER_HEADER_BYTES) * 8 / 200_000 == pytest.approx(12, abs=0.1)
    others = random.integers(0, 2**48, 200_000, dtype=np.uint64)
    claimed = found.probe_many(others)
    assert 0.001 < claimed.mean() < 0.01
    assert claimed[:2000].tolist() == [found.probe(token, mask_of(token)) for token in others[:2000].tolist()]


def test_an_empty_filter_holds_nothing() -> None:
    data, digest = written([])
    assert len(data) == FILTER_HEADER_BYTES + BLOCK_BYTES
    assert not opened(data, digest).probe(5, mask_of(5))
    assert not opened(data, digest).probe_many(np.arange(100, dtype=np.uint64)).any()


def test_only_the_filter_that_belongs_to_a_file_is_taken() -> None:
    data, digest = written([np.arange(99, dtype=np.uint64)])
    for wrong in (b"", data[:-1], data + b"\0", data[:70] + b"\xff" + data[71:]):
        with pytest.raises(Damaged):
            opened(wrong, digest)
    with pytest.raises(Damaged, match="another"):
        Filter(memoryview(data), file_id=b"j" * 16, sha256=digest, name="f")
    short = data[:-BLOCK_BYTES]
    with pytest.raises(Damaged, match="cut off"):
        opened(short, hashlib.sha256(short).digest())
