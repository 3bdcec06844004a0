"""A changed, moved or missing byte gives an error, never another answer."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from tests.catalogue.index.making import DAY_US, KEYS, CountedStore, Folder, Row, answer, keys_of, row

from vanvault.archiver.catalogue.index.file import BlockCache, IndexFile, open_index
from vanvault.archiver.catalogue.index.reader import IndexReader
from vanvault.archiver.catalogue.index.sealing import INDEX_HEADER_BYTES, decode_index_header
from vanvault.archiver.catalogue.index.tokens import IndexKeys, index_keys
from vanvault.archiver.core.errors import Damaged, KeyUnavailable, NotFound
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles


def rows(day: int = 0) -> list[Row]:
    return [
        row(
            number,
            day * DAY_US + number,
            employer_code=f"E{number % 3}",
            dossier_number=f"d{number}",
            state="x",
        )
        for number in range(40)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, cache=BlockCache(0))


def everything(folder: Folder, name: str) -> list[object]:
    """All that can be asked of a file."""
    file = folder.open(name)
    reader = IndexReader([file])
    found: list[object] = [answer(reader.rows("employer_code", f"E{number}")) for number in range(3)]
    found += [answer(reader.claims("message", f"m-{number}")) for number in range(41)]
    found += [answer(reader.row_groups("state", "x")), reader.dossiers("", 99), reader.rollups().by("day")]
    found += [reader.months().by("month"), reader.segments(), file.header]
    return found


def test_every_single_byte_counts(folder: Folder) -> None:
    name = folder.build({"s": rows()}).name
    truth = everything(folder, name)
    for path in (folder.path / "store" / name, folder.path / "store" / f"{name}.filter"):
        whole = path.read_bytes()
        for at in range(0, len(whole), 1 if len(whole) < 500 else 3):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            with pytest.raises(Damaged):
                everything(folder, name)
        path.write_bytes(whole)
    assert everything(folder, name) == truth


def test_cut_off_and_grown_files(folder: Folder) -> None:
    name = folder.build({"s": rows()}).name
    for path in (folder.path / "store" / name, folder.path / "store" / f"{name}.filter"):
        whole = path.read_bytes()
        for wrong in (
            b"",
            whole[:10],
            whole[: INDEX_HEADER_BYTES + 5],
            whole[:-1],
            whole[: len(whole) // 2],
            whole + b"\0",
        ):
            path.write_bytes(wrong)
            with pytest.raises(Damaged):
                everything(folder, name)
        path.write_bytes(whole)


def test_a_file_that_shrinks_while_it_is_open(folder: Folder) -> None:
    file = folder.build({"s": rows()})
    path = folder.path / "store" / file.name
    with path.open("r+b") as opened:
        opened.truncate(INDEX_HEADER_BYTES)
    with pytest.raises(Damaged):
        IndexReader([file]).rows("employer_code", "E1")


def lengths_of_blocks(file: IndexFile, store: CountedStore) -> list[int]:
    """Of the key blocks, in bytes; the first lies right after the header."""
    store.reads.clear()
    list(file.all_postings("keys"))
    assert store.reads[0][0] == INDEX_HEADER_BYTES
    return [length for _, length in store.reads]


def test_blocks_cannot_move_within_or_between_files(tmp_path: Path) -> None:
    size = 10_000
    store = CountedStore(tmp_path / "store")
    folder = Folder(tmp_path, store, BlockCache(0))
    first, second = (
        folder.build({f"s{day}": [row(n, day * DAY_US + n, sha256=None) for n in range(size)]})
        for day in range(2)
    )
    paths = [folder.path / "store" / file.name for file in (first, second)]
    lengths = [lengths_of_blocks(file, store) for file in (first, second)]
    length = min(lengths[0][:2])
    data, other = (path.read_bytes() for path in paths)
    a, b = INDEX_HEADER_BYTES, INDEX_HEADER_BYTES + lengths[0][0]
    swapped = data[:a] + data[b : b + lengths[0][1]] + data[a:b] + data[b + lengths[0][1] :]
    foreign = data[:a] + other[a : a + length] + data[a + length :]
    for wrong in (swapped, foreign):
        paths[0].write_bytes(wrong)
        reader = IndexReader([folder.open(first.name)])
        with pytest.raises(Damaged):
            for number in range(0, size, 50):
                reader.rows("message_id", f"m-{number}")


def test_a_filter_of_another_file(folder: Folder) -> None:
    one, two = folder.build({"a": rows(0)}), folder.build({"b": rows(1)})
    store = folder.path / "store"
    (store / f"{one.name}.filter").write_bytes((store / f"{two.name}.filter").read_bytes())
    with pytest.raises(Damaged, match="filter"):
        folder.open(one.name)


def test_another_format_version_and_an_unknown_key_say_so(folder: Folder) -> None:
    file = folder.build({"s": rows()})
    path = folder.path / "store" / file.name
    whole = path.read_bytes()
    later = whole[:8] + struct.pack("<H", 3) + whole[10 : INDEX_HEADER_BYTES - 4]
    path.write_bytes(later + struct.pack("<I", zlib.crc32(later)) + whole[INDEX_HEADER_BYTES:])
    with pytest.raises(Damaged, match="index format 3, this program reads 2"):
        folder.open(file.name)
    path.write_bytes(whole)

    def no_key(key_id: str) -> IndexKeys:
        raise KeyUnavailable(f"there is no {key_id}")

    with pytest.raises(KeyUnavailable):
        open_index(folder.store, file.name, no_key, folder.cache)
    with pytest.raises(Damaged, match="another key"):
        open_index(
            folder.store, file.name, lambda key_id: IndexKeys(key_id, KEYS.tokens, b"?" * 32), folder.cache
        )


def test_a_file_or_filter_that_is_gone(folder: Folder) -> None:
    name = folder.build({"s": rows()}).name
    folder.store.delete(f"{name}.filter")
    with pytest.raises(NotFound, match="filter"):
        folder.open(name)
    folder.store.delete(name)
    with pytest.raises(NotFound, match="holds no"):
        folder.open(name)


def test_a_failed_merge_leaves_nothing_behind(folder: Folder) -> None:
    files = [folder.build({f"s{day}": rows(day)}) for day in range(2)]
    path = folder.path / "store" / files[1].name
    data = bytearray(path.read_bytes())
    data[INDEX_HEADER_BYTES + 3] ^= 1
    path.write_bytes(bytes(data))
    before = sorted(folder.path.iterdir())
    with pytest.raises(Damaged):
        folder.merge(files)
    assert sorted(folder.path.iterdir()) == before


def test_nothing_of_a_value_stands_in_the_files(folder: Folder, tmp_path: Path) -> None:
    file = folder.build({"s": [row(1, 1, dossier_number="00123/2026/07900", employer_code="YN0001A")]})
    for suffix in ("", ".filter"):
        data = (folder.path / "store" / f"{file.name}{suffix}").read_bytes()
        assert b"00123" not in data
        assert b"YN0001A" not in data
        assert b"segment" not in data


def test_secrets_come_from_the_index_master_key(tmp_path: Path) -> None:
    provider = KeyFiles.create(tmp_path / "keys", SystemEntropy())
    first = index_keys(provider, "index/1", "one")
    assert first == index_keys(provider, "index/1", "one")
    assert first.blocks != index_keys(provider, "index/1", "two").blocks
    assert first.tokens != first.blocks
    provider.rotate("index")
    second = index_keys(provider, "index/2", "one")
    assert len({first.tokens, first.blocks, second.tokens, second.blocks}) == 4
    assert first.tokens.hex() not in repr(first)
    with pytest.raises(KeyUnavailable):
        index_keys(provider, "index/3", "one")


def test_headers_that_no_writer_makes(tmp_path: Path) -> None:
    assert keys_of("index/1") is KEYS
    with pytest.raises(Damaged, match="not an index file"):
        decode_index_header(b"PAR1" + bytes(60), "x")
