"""ZIP files as the standard library reads them, past every 16- and 32-bit limit."""

from __future__ import annotations

import os
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.export.workspace import Spool
from vanvault.archiver.export.zip_records import (
    STORED,
    Member,
    central_record,
    end_records,
    local_header,
)
from vanvault.archiver.export.zip_writer import ZipWriter


def writer(folder: Path, *, length: int = 0) -> tuple[ZipWriter, Spool]:
    data = Spool(folder / "data.zip", length)
    return ZipWriter(data, Spool(folder / "central", 0), Spool(folder / "sums", 0), 0), data


@given(
    st.lists(st.one_of(st.binary(max_size=3000), st.just(b"x" * 5000)), max_size=8),
    st.lists(st.binary(max_size=500), max_size=5),
)
def test_members_come_back(contents: list[bytes], chunks: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        made, data = writer(Path(name))
        for number, content in enumerate(contents):
            made.add(f"{number}", content)
        made.add_stream("stream", chunks)
        made.end()
        data.sync()
        with zipfile.ZipFile(data.path) as file:
            assert file.testzip() is None
            assert [file.read(str(number)) for number in range(len(contents))] == contents
            assert file.read("stream") == b"".join(chunks)
            assert all(info.file_size >= info.compress_size for info in file.infolist()[:-1])
            assert file.infolist()[-1].external_attr >> 16 == 0o100644
        data.file.close()


def test_a_member_has_its_moment_in_vietnams_time_and_in_utc(tmp_path: Path) -> None:
    moments = {
        "known": (1_764_540_001, (2025, 12, 1, 5, 0, 0)),
        "unknown": (0, (1980, 1, 1, 0, 0, 0)),
        "before": (1, (1980, 1, 1, 0, 0, 0)),
        "later": (2**31 + 10, (2038, 1, 19, 10, 14, 18)),
        "after": (2**33, (2107, 12, 31, 23, 59, 58)),
    }
    made, data = writer(tmp_path)
    for name, (at_s, _) in moments.items():
        made.add(name, b"x", at_s=at_s)
    made.end()
    data.sync()
    with zipfile.ZipFile(data.path) as file:
        assert {info.filename: info.date_time for info in file.infolist()} == {
            name: shown for name, (_, shown) in moments.items()
        }
        assert file.testzip() is None
        utc = {info.filename: info.extra for info in file.infolist()}
    assert utc["known"] == struct.pack("<HHBi", 0x5455, 5, 1, 1_764_540_001)
    assert utc["unknown"] == utc["later"] == b"", "that field ends in 2038"


def test_more_than_65535_members(tmp_path: Path) -> None:
    made, data = writer(tmp_path)
    for number in range(66_000):
        made.add(f"{number}", b"")
    made.end()
    data.sync()
    with zipfile.ZipFile(data.path) as file:
        assert len(file.infolist()) == 66_000
        assert file.read("65999") == b""


def test_offsets_beyond_4_gib(tmp_path: Path) -> None:
    """A hole of 5 GiB, which costs no disk, stands for what was written before."""
    (tmp_path / "data.zip").touch()
    os.truncate(tmp_path / "data.zip", 5 * 2**30)
    made, data = writer(tmp_path, length=5 * 2**30)
    made.add("a", b"first")
    made.add_stream("b", [b"second"])
    made.end()
    data.sync()
    with zipfile.ZipFile(data.path) as file:
        assert file.read("a") == b"first"
        assert file.read("b") == b"second"
        assert file.getinfo("a").header_offset == 5 * 2**30


def test_a_member_beyond_4_gib(tmp_path: Path) -> None:
    """Stored zeros in a hole; only its records are written."""
    size = 2**32 + 10
    member = Member("big", STORED, zlib.crc32(b""), size, size, 0)
    path = tmp_path / "big.zip"
    head, central = local_header(member), central_record(member)
    with path.open("wb") as file:
        file.write(head)
        file.seek(len(head) + size)
        file.write(central + end_records(1, len(central), len(head) + size))
    with zipfile.ZipFile(path) as found:
        info = found.getinfo("big")
        assert (info.file_size, info.compress_size) == (size, size)
        with found.open("big") as body:
            assert body.read(10) == bytes(10)
