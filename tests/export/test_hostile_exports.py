"""What strangers may put into a ZIP or a folder, and how the offline verifier names it."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from tests.export.conftest import Filled, members
from tests.export.test_verify_offline import edit, sealed_again, write
from vanvault.archiver.export.verify_offline import CANNOT_CHECK, GENUINE, NOT_GENUINE, main


@pytest.fixture(scope="module")
def exported(shared: Filled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "x.zip"
    shared.export(path, "zip")
    return path


def says(capsys: pytest.CaptureFixture[str], path: Path, *more: str) -> tuple[int, str]:
    code = main([str(path), *more])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    ["../x.xml", "originals/../../x", "/etc/passwd", "a/b/c", "C:\\x", "originals/", "\u202ex", "x\ny"],
)
def test_a_name_that_leads_elsewhere(
    exported: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "x.zip", members(exported) | {name: b""})
    code, said = says(capsys, path)
    assert code == NOT_GENUINE
    assert "no export has a file of the name" in said
    assert said.split("\n")[0].isascii()


def test_a_name_that_leads_elsewhere_in_the_signed_list(
    exported: Path, shared: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a folder, where no ZIP tells of it."""
    signer = shared.archive.signing.active()
    folder = tmp_path / "folder"
    sealed = sealed_again(members(exported) | {"../outside": b"x"}, signer.sign, signer.key_id)
    (tmp_path / "outside").write_bytes(b"x")
    for name, data in sealed.items():
        if name != "../outside":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    code, said = says(capsys, folder)
    assert (code, "'../outside'" in said) == (NOT_GENUINE, True)


def test_a_link_in_a_zip(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members(exported).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name == "verify.py" else stat.S_IFREG) << 16
            file.writestr(info, data)
    code, said = says(capsys, path)
    assert (code, "'verify.py' is a link" in said) == (NOT_GENUINE, True)


def test_a_link_in_a_folder(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "folder"
    with zipfile.ZipFile(exported) as file:
        file.extractall(folder)
    assert says(capsys, folder)[0] == GENUINE
    receipt = next((folder / "receipts").iterdir())
    receipt.rename(tmp_path / "elsewhere.json")
    receipt.symlink_to(tmp_path / "elsewhere.json")
    code, said = says(capsys, folder)
    assert (code, "is a link" in said) == (NOT_GENUINE, True)
    receipt.unlink()
    (folder / "receipts").rename(tmp_path / "receipts")
    (folder / "receipts").symlink_to(tmp_path / "receipts")
    code, said = says(capsys, folder)
    assert (code, "receipts is a link" in said) == (NOT_GENUINE, True)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["verify.py", "VERIFY.py"])
def test_two_files_of_one_name(
    exported: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unpacker would keep one of them, and not every unpacker the same."""
    path = write(tmp_path / "x.zip", members(exported))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(name, b"print('good: 1 entries')")
    code, said = says(capsys, path)
    assert (code, "two files of the same name" in said) == (NOT_GENUINE, True)


def test_a_zip_that_unpacks_to_far_more_than_it_is(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "x.zip", members(exported))
    raw = bytearray(path.read_bytes())
    place = raw.rindex(b"PK\x01\x02")
    raw[place + 24 : place + 28] = struct.pack("<I", 2**32 - 2)
    place = raw.index(b"PK\x01\x02")
    raw[place + 24 : place + 28] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(raw)
    code, said = says(capsys, path)
    assert code == CANNOT_CHECK
    assert "unpacks" in said


def test_an_original_larger_than_an_archive_takes(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("originals/x.xml", b"")
    raw = bytearray(path.read_bytes())
    place = raw.index(b"PK\x01\x02")
    raw[place + 24 : place + 28] = struct.pack("<I", 2**31)
    path.write_bytes(raw)
    code, said = says(capsys, path, "--large")
    assert (code, "'originals/x.xml' unpacks to 2147483648 bytes" in said) == (CANNOT_CHECK, True)


@pytest.mark.parametrize("name", ["manifest.json", "keys/x.pem"])
def test_a_file_larger_than_is_read_into_memory(
    exported: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for one, data in (members(exported) | {name: b" " * (65 * 2**20)}).items():
            file.writestr(one, data)
    code, said = says(capsys, path)
    assert (code, f"{name} has more than" in said) == (CANNOT_CHECK, True)


def test_members_that_lie_in_each_other(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So a small file could unpack to a huge one, and readers see other members than those checked."""
    path = write(tmp_path / "x.zip", members(exported))
    raw = bytearray(path.read_bytes())
    first = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", first + 4)
    raw[second + 42 : second + 46] = raw[first + 42 : first + 46]
    path.write_bytes(raw)
    code, said = says(capsys, path)
    assert (code, "overlaps another file" in said) == (NOT_GENUINE, True)


@pytest.mark.parametrize("where", ["before all", "between two", "before the directory"])
def test_bytes_that_are_no_files(
    exported: Path, tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They could be another file to another reader: a program, or a second ZIP."""
    raw = exported.read_bytes()
    with zipfile.ZipFile(exported) as file:
        directory = file.start_dir
        offsets = sorted(info.header_offset for info in file.infolist())
    at = {"before all": 0, "between two": offsets[1], "before the directory": directory}[where]
    hidden = b"#!/bin/sh\n"
    changed = bytearray(raw[:at] + hidden + raw[at:])
    record = directory + len(hidden)
    for _ in offsets:  # each offset in the directory is moved, so that the ZIP reads as before
        (offset,) = struct.unpack_from("<I", changed, record + 42)
        struct.pack_into("<I", changed, record + 42, offset + len(hidden) * (offset >= at))
        record += 46 + sum(struct.unpack_from("<HHH", changed, record + 28))
    struct.pack_into("<I", changed, len(changed) - 6, directory + len(hidden))
    path = tmp_path / "x.zip"
    path.write_bytes(changed)
    assert zipfile.ZipFile(path).testzip() is None
    code, said = says(capsys, path)
    assert (code, "there are bytes that are no file's" in said) == (NOT_GENUINE, True)


def test_an_encrypted_member(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "x.zip", members(exported))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    code, said = says(capsys, path)
    assert (code, "is encrypted" in said) == (NOT_GENUINE, True)


def test_json_that_two_readers_read_differently(
    exported: Path, shared: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signer = shared.archive.signing.active()
    found = members(exported)
    found["items.ndjson"] = found["items.ndjson"].replace(b'{"', b'{"size":0,"', 1)
    path = write(tmp_path / "x.zip", sealed_again(found, signer.sign, signer.key_id))
    code, said = says(capsys, path)
    assert (code, "a name stands twice" in said) == (NOT_GENUINE, True)


def test_json_nested_without_end(
    exported: Path, shared: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signer = shared.archive.signing.active()
    found = members(exported)
    name = next(name for name in found if name.startswith("receipts/"))
    found[name] = b"[" * 200_000
    path = write(tmp_path / "x.zip", sealed_again(found, signer.sign, signer.key_id))
    assert says(capsys, path)[0] == NOT_GENUINE


def test_a_receipt_in_another_spelling(
    exported: Path, shared: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signer = shared.archive.signing.active()
    found = members(exported)
    name = next(name for name in found if name.startswith("receipts/"))
    edit(found, name, lambda receipt: None)
    assert (
        says(capsys, write(tmp_path / "a.zip", sealed_again(found, signer.sign, signer.key_id)))[0] == GENUINE
    )
    found[name] += b" "
    code, said = says(capsys, write(tmp_path / "b.zip", sealed_again(found, signer.sign, signer.key_id)))
    assert (code, "canonical" in said) == (NOT_GENUINE, True)
