"""Columns, posting blocks and tokens, each turned into bytes and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.catalogue.index.making import KEYS

from vanvault.archiver.catalogue.index.columns import decode_columns, encode_columns, pack, unpack
from vanvault.archiver.catalogue.index.postings import decode_postings, encode_postings, sort_postings
from vanvault.archiver.catalogue.index.segments import SegmentInfo, SegmentTable
from vanvault.archiver.catalogue.index.tokens import token, tokens_of
from vanvault.archiver.core.errors import Damaged, InvalidInput

NUMBERS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 300), max_size=200)
PAIRS = st.lists(st.tuples(st.integers(0, 2**48 - 1) | st.integers(0, 5), st.integers(0, 2**40)), min_size=1)


def array(numbers: list[int]) -> np.ndarray:
    return np.array(numbers, np.uint64)


@given(st.lists(NUMBERS, max_size=4))
def test_columns_come_back(columns: list[list[int]]) -> None:
    data = encode_columns([array(column) for column in columns])
    assert [column.tolist() for column in decode_columns(data, len(columns), "x")] == columns


@given(NUMBERS, st.data())
def test_columns_that_are_cut_off_are_damaged(numbers: list[int], data: st.DataObject) -> None:
    encoded = encode_columns([array([*numbers, 7])])
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(Damaged):
        decode_columns(encoded[:cut], 1, "x")


@given(st.binary())
def test_packed_bytes_come_back(plain: bytes) -> None:
    assert unpack(pack(plain), "x") == plain


def test_what_was_not_packed_is_damaged() -> None:
    for wrong in (b"", b"\0\0", b"\5\0\0\0nonsense"):
        with pytest.raises(Damaged):
            unpack(wrong, "x")


@given(PAIRS)
def test_sorted_postings_come_back_and_are_found(pairs: list[tuple[int, int]]) -> None:
    tokens, refs = sort_postings(array([one for one, _ in pairs]), array([one for _, one in pairs]))
    expected = sorted({*pairs})
    assert (
        sorted(zip(tokens.tolist(), refs.tolist(), strict=True)) == sorted(pairs)
        or list(zip(tokens.tolist(), refs.tolist(), strict=True)) == expected
    )
    found = decode_postings(encode_postings(tokens, refs), "x")
    assert found.flat().tolist() == tokens.tolist()
    assert found.refs.tolist() == refs.tolist()
    for wanted in {one for one, _ in pairs}:
        assert found.of(wanted).tolist() == [ref for one, ref in expected if one == wanted]
        assert not len(found.of(wanted + 1)) or wanted + 1 in {one for one, _ in pairs}


def test_a_block_that_contradicts_itself_is_damaged() -> None:
    one = array([1])
    for columns in (
        [one, one, array([1, 2]), one],
        [one, one, one, array([1, 2, 3])],
        [one, array([]), one, array([])],
    ):
        with pytest.raises(Damaged):
            decode_postings(encode_columns(columns), "x")


def test_unique_tokens_take_less_than_nine_bytes_and_repeated_ones_less_than_three() -> None:
    random = np.random.default_rng(1)
    refs = random.integers(0, 10**7, 4096).astype(np.uint64)
    tokens = np.sort(random.integers(0, 2**48 * 4096 // (4 * 10**7), 4096).astype(np.uint64))
    assert len(encode_postings(tokens, refs)) / 4096 < 9
    same = np.repeat(tokens[:8], 512)
    assert len(encode_postings(same, np.sort(refs.reshape(8, 512)).reshape(-1))) / 4096 < 3


@given(st.lists(st.text(max_size=80), max_size=20), st.sampled_from(["message_id", "sha256"]))
def test_tokens_in_bulk_are_those_of_the_archive(values: list[str], field: str) -> None:
    bulk = tokens_of(KEYS.tokens, field, [value.encode() for value in values]).tolist()
    assert bulk == [KEYS.token(field, value) for value in values]
    assert bulk == [int.from_bytes(token(KEYS.tokens, field, value)[:6], "big") for value in values]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5), st.integers(0, 50)), max_size=6), st.data())
def test_running_numbers_lead_back_to_segments(
    shapes: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    infos = [
        SegmentInfo(f"s{place}", "2026-01-01", rows, start, start + rows, group)
        for place, (rows, group, start) in enumerate(shapes)
    ]
    found = SegmentTable(data.draw(st.permutations(infos)))
    assert [one.first_us for one in found.segments] == sorted(one.first_us for one in infos)
    for section, size in (("keys", lambda one: one.rows), ("facets", lambda one: one.row_groups)):
        every = np.arange(found.bases(section)[-1])
        split = found.split(section, every)
        assert [(info.key, numbers.tolist()) for info, numbers in split] == [
            (one.key, list(range(size(one)))) for one in found.segments if size(one)
        ]


@pytest.mark.parametrize(("rows", "group"), [(-1, 4), (2**31, 4), (3, 0)])
def test_segments_of_impossible_size_are_refused(rows: int, group: int) -> None:
    with pytest.raises(InvalidInput):
        SegmentInfo("s", "2026-01-01", rows, 0, 0, group)
