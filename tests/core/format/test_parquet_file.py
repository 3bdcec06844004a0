"""Batches are written without pyarrow's writer; readers must find just what it would have written."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.key_ring import KeyRing

from vanvault.archiver.core.format.batches import EVENTS, MESSAGES
from vanvault.archiver.core.format.batches.parquet_file import Packing, write_file
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.names import BatchKind

SCHEMAS: dict[BatchKind, pa.Schema] = {"messages": MESSAGES, "events": EVENTS}
FOOTER = {b"vanvault.batch": b'{"a":"\xc3\xa9"}', b"vanvault.proof": bytes(300)}
NUMBERS = [(), ("79",), ("", "8" * 300), (), tuple(map(str, range(40)))]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.create(tmp_path_factory.mktemp("keys"))


def value_of(field: pa.Field, row: int) -> Any:
    """Some value of a column: of each kind the shortest, long ones, and such as are alike in all rows."""
    if pa.types.is_list(field.type):
        return NUMBERS[row % len(NUMBERS)]
    if pa.types.is_fixed_size_binary(field.type):
        return bytes([row % 256]) * field.type.byte_width
    if field.type == pa.binary():
        return None if row % 7 == 3 else b"<%d/>" % row * (row % 5 * 100)
    if field.type == pa.string():
        return {"id": f"số {row}", "period": "", "gateway": "gw", "state": "x" * row}.get(
            field.name, "Đã nộp"
        )
    return {0: 0, 1: -1, 2: 2**63 - 1, 3: -(2**63)}.get(row, row * 10**12)


def columns_with(schema: pa.Schema, rows: int) -> dict[str, list[Any]]:
    return {field.name: [value_of(field, row) for row in range(rows)] for field in schema}


def written(keys: KeyRing, kind: BatchKind, columns: dict[str, list[Any]], *, only_bodies: bool) -> bytes:
    key, packing = keys.fresh_key(kind), Packing(3, only_bodies)
    return write_file(kind, columns, key, FOOTER, group_rows=100, packing=packing)


@pytest.mark.parametrize("kind", ["messages", "events"])
@pytest.mark.parametrize("rows", [1, 2, 9, 100, 101, 305])
@pytest.mark.parametrize("only_bodies", [False, True])
def test_a_reader_finds_what_pyarrow_would_have_written(
    keys: KeyRing, kind: BatchKind, rows: int, *, only_bodies: bool
) -> None:
    schema = SCHEMAS[kind]
    columns = columns_with(schema, rows)
    arrays = [pa.array(columns[field.name], type=field.type) for field in schema]
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        schema,
        use_dictionary=False,
        store_schema=False,
        encryption_properties=keys.encryption(kind),
    ) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=100)
        writer.add_key_value_metadata(FOOTER)
    theirs, ours = sink.getvalue().to_pybytes(), written(keys, kind, columns, only_bodies=only_bodies)
    with (
        opened(theirs, keys.parquet, keys.key_of(theirs, kind)) as expected,
        opened(ours, keys.parquet, keys.key_of(ours, kind)) as found,
    ):
        assert found.schema.equals(expected.schema)
        assert found.metadata.metadata == expected.metadata.metadata
        assert found.metadata.format_version == expected.metadata.format_version
        assert found.num_row_groups == expected.num_row_groups
        assert found.read(use_threads=False).equals(expected.read(use_threads=False))
        for group in range(found.num_row_groups):  # and each column alone, by the footer
            read, wanted = found.read_row_group(group), expected.read_row_group(group)
            assert read.equals(wanted)
            for name in schema.names:
                assert found.read_row_group(group, columns=[name]).equals(wanted.select([name]))


def test_no_nonce_comes_twice_in_a_file_and_no_key_in_two(keys: KeyRing) -> None:
    columns = columns_with(MESSAGES, 250)
    files = [written(keys, "messages", columns, only_bodies=False) for _ in range(2)]
    assert keys.fresh_key("messages").data_key != keys.fresh_key("messages").data_key
    for data in files:
        end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
        nonces, position = [], 4
        while position < end:
            nonces.append(data[position + 4 : position + 16])
            position += 4 + int.from_bytes(data[position : position + 4], "little")
        assert position == end
        assert len(nonces) == len(set(nonces)) == 3 * len(MESSAGES.names) * 2


def codecs(keys: KeyRing, data: bytes) -> dict[str, str]:
    with opened(data, keys.parquet, keys.key_of(data, "messages")) as file:
        group = file.metadata.row_group(0)
        found = [group.column(number) for number in range(group.num_columns)]
        return {column.path_in_schema.partition(".")[0]: column.compression for column in found}


def test_compressed_is_only_what_gains_by_it(keys: KeyRing) -> None:
    columns = columns_with(MESSAGES, 90)
    few = codecs(keys, written(keys, "messages", columns, only_bodies=True))
    assert {name for name, codec in few.items() if codec == "ZSTD"} == {"body"}
    many = codecs(keys, written(keys, "messages", columns, only_bodies=False))
    assert {many[name] for name in ("body", "id", "kind", "insurance_numbers")} == {"ZSTD"}
    assert {many[name] for name in ("sha256", "sha512", "period")} == {"UNCOMPRESSED"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sha256", bytes(31)),
        ("sha512", bytes(65)),
        ("size", 2**63),
        ("received_at", -(2**63) - 1),
        ("size", "1"),
        ("id", "\ud800"),
        ("id", None),
        ("insurance_numbers", (b"1",)),
        ("body", "text"),
    ],
)
def test_what_a_column_cannot_hold_is_not_written(keys: KeyRing, name: str, value: object) -> None:
    columns = columns_with(MESSAGES, 3)
    columns[name][1] = value
    with pytest.raises((ValueError, TypeError, AttributeError)):
        written(keys, "messages", columns, only_bodies=True)


def test_columns_of_different_lengths_are_no_file(keys: KeyRing) -> None:
    columns = columns_with(MESSAGES, 3)
    columns["state"].pop()
    with pytest.raises(ValueError, match="lengths"):
        written(keys, "messages", columns, only_bodies=True)
