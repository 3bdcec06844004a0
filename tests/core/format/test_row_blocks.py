"""Row blocks say what the columns of a log say, and nothing that was changed passes for them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.format.row_blocks import RowArea, RowKey, check_area, encode_area, open_area
from vanvault.archiver.core.format.row_blocks.columns import decode_column, encode_column
from vanvault.archiver.core.format.segments.schema import LOG
from vanvault.archiver.core.key_port import WrappedKey

KEY = RowKey(b"k" * 32, WrappedKey("log/1", b"w" * 61))
NAME = "segment/x/0.log.parquet"

#: Few values, texts of one length, texts of any length, and what is awkward.
texts = st.one_of(
    st.sampled_from(["", "a", "b", "à", "a\u0300"]),
    st.integers(0, 999).map(lambda n: f"VAN-{n:04d}"),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
whole = st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1), st.just(2**63 - 1))
times = st.integers(0, 2**52)


def values(field: pa.Field) -> st.SearchStrategy[Any]:
    """What one row may have in a column of the log."""
    kind = field.type
    if pa.types.is_list(kind):
        found: st.SearchStrategy[Any] = st.lists(texts, max_size=3)
    elif pa.types.is_fixed_size_binary(kind):
        found = st.binary(min_size=kind.byte_width, max_size=kind.byte_width)
    elif pa.types.is_timestamp(kind):
        found = times
    elif pa.types.is_integer(kind):
        found = whole if kind.bit_width == 64 else st.integers(0, 2**31 - 1)
    else:
        found = texts
    return st.one_of(st.none(), found) if field.nullable else found


@st.composite
def logs(draw: st.DrawFn) -> pa.Table:
    """Rows of a log; some columns have one value only."""
    rows = draw(st.integers(1, 12))
    columns = []
    for field in LOG:
        one = values(field)
        alike = draw(st.booleans())
        made = [draw(one)] * rows if alike else [draw(one) for _ in range(rows)]
        columns.append(pa.array(made, field.type))
    return pa.Table.from_arrays(columns, schema=LOG)


def file_of(table: pa.Table, group_rows: int = 5) -> bytes:
    area = encode_area(table, KEY, archive="a", segment="s", group_rows=group_rows, level=1)
    return b"PARE" + area + b"row groups"


def opened(data: bytes, key: bytes = KEY.data_key) -> RowArea:
    def unwrap(wrapped: WrappedKey) -> bytes:
        if wrapped != KEY.wrapped:
            raise Damaged("it opens no data key", key=NAME)
        return key

    area = open_area(lambda offset, length: data[offset : offset + length], len(data), unwrap, LOG, NAME)
    assert area is not None
    return area


def every_row(data: bytes) -> list[dict[str, Any]]:
    area, rows = opened(data), []
    for number in range(len(area.head.lengths)):
        offset, length = area.extent(number, number)
        block = area.block(number, data[offset : offset + length])
        rows += block.rows_at(range(block.rows))
    return rows


@given(logs())
@settings(max_examples=40, deadline=None)
def test_every_row_comes_back(table: pa.Table) -> None:
    data = file_of(table)
    plain = [pa.types.is_timestamp(field.type) for field in LOG]
    arrays = [
        column.cast(pa.int64()) if is_time else column
        for column, is_time in zip(table.columns, plain, strict=True)
    ]
    assert every_row(data) == pa.table(arrays, LOG.names).to_pylist()
    head = check_area(data, table, lambda _: KEY.data_key, NAME)
    assert head is not None
    assert (head.archive, head.segment, head.rows) == ("a", "s", table.num_rows)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x"] * 300),
        pa.array([f"{n % 3}" for n in range(300)]),
        pa.array([f"{n % 600:05d}" for n in range(1300)]),
        pa.array(["", *(f"{n:05d}" for n in range(300)), ""]),
        pa.array([f"{n}" for n in range(300)]),
        pa.array([2**63 - 1, -(2**63), 0, None, None]),
        pa.array([None, None], pa.int64()),
        pa.array([[], ["a"], ["b", "c"], []]),
        pa.array([[], []], pa.list_(pa.string())),
    ],
)
def test_each_form_of_a_column_holds_its_values(column: pa.Array) -> None:
    for array in (column, column.slice(1)):
        found = decode_column(encode_column(array), len(array))
        assert [found.at(row) for row in range(len(array))] == array.to_pylist()
        assert found.array(len(array)).cast(array.type).equals(array)


def test_other_types_are_refused() -> None:
    with pytest.raises(InvalidInput):
        encode_column(pa.array([1.5]))


def some_log(rows: int = 12) -> pa.Table:
    columns: dict[str, Any] = {}
    for field in LOG:
        if pa.types.is_list(field.type):
            made: list[Any] = [[f"{row}"] for row in range(rows)]
        elif pa.types.is_fixed_size_binary(field.type):
            made = [bytes([row]) * field.type.byte_width for row in range(rows)]
        elif pa.types.is_string(field.type):
            made = [f"{field.name} {row % 4}" for row in range(rows)]
        else:
            made = [*range(rows)]
        columns[field.name] = pa.array(made, field.type)
    return pa.table(columns, LOG)


def test_every_changed_byte_is_found() -> None:
    data = file_of(some_log())
    area = opened(data)
    # Without its magic (4 to 11) it is a file without row blocks: the digests of pieces find that.
    for place in range(12, area.end):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(Damaged):
            every_row(bytes(changed))


def test_a_cut_off_area_is_damaged() -> None:
    data = file_of(some_log())
    for end in range(12, opened(data).end, 7):
        with pytest.raises(Damaged):
            every_row(data[:end])


def test_blocks_open_only_in_their_place_and_under_their_key() -> None:
    table = some_log(12)
    data = file_of(table, group_rows=4)
    area = opened(data)
    (first, length), (second, other) = area.extent(0, 0), area.extent(1, 1)
    with pytest.raises(Damaged):
        area.block(1, data[first : first + length])
    with pytest.raises(Damaged):
        area.block(0, data[second : second + other])
    with pytest.raises(Damaged):
        opened(data, b"l" * 32)
    with pytest.raises(Damaged, match="no row group"):
        area.extent(3, 3)


@pytest.mark.parametrize("name", LOG.names)
def test_an_area_that_differs_from_the_columns_is_found(name: str) -> None:
    table = some_log()
    data = file_of(table)
    assert check_area(data, table, lambda _: KEY.data_key, NAME) is not None
    place = LOG.get_field_index(name)
    column = table.column(place)
    other = pa.chunked_array([column.slice(1).combine_chunks(), column.slice(0, 1).combine_chunks()])
    with pytest.raises(Damaged, match="do not hold the rows"):
        check_area(data, table.set_column(place, LOG.field(place), other), lambda _: KEY.data_key, NAME)


def test_an_area_with_fewer_or_more_rows_is_found() -> None:
    table = some_log()
    for rows in (some_log(11), some_log(13)):
        with pytest.raises(Damaged, match="do not hold the rows"):
            check_area(file_of(rows), table, lambda _: KEY.data_key, NAME)


def test_a_file_without_an_area_has_none() -> None:
    assert check_area(b"PARE" + bytes(500), some_log(), lambda _: KEY.data_key, NAME) is None
