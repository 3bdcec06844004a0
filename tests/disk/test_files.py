"""Files that are whole or absent, whoever is killed, and durable in the right order."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.disk.children import CREATE, REPLACE, child, go_on, line

from vanvault.archiver.disk import create_file, read_small, replace_file, sync_folder, synced_file


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, set[str]]]]:
    """What each fsync was of ("file" or "folder"), and the names in the folder at that moment."""
    calls: list[tuple[str, set[str]]] = []
    real = os.fsync

    def recorded(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        calls.append(("folder", _names(path)) if folder else ("file", _names(path.parent)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    yield calls


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize("write", [create_file, replace_file])
def test_the_bytes_are_synced_before_the_name_and_the_folder_after_it(
    tmp_path: Path, synced: list[tuple[str, set[str]]], write: Callable[[Path, bytes], None]
) -> None:
    write(tmp_path / "name", b"bytes")
    (first, before), (last, after) = synced
    assert (first, "name" in before) == ("file", False)
    assert (last, after) == ("folder", {"name"})
    assert (tmp_path / "name").read_bytes() == b"bytes"


def test_a_file_written_piece_by_piece_is_synced_when_its_block_ends(
    tmp_path: Path, synced: list[tuple[str, set[str]]]
) -> None:
    with synced_file(tmp_path / "name") as file:
        file.write(b"one ")
        file.write(b"two")
        assert synced == []
    assert [kind for kind, _ in synced] == ["file"]
    assert (tmp_path / "name").read_bytes() == b"one two"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_mode_is_what_was_asked_for_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o027)
    try:
        create_file(tmp_path / "created", b"", mode=mode)
        replace_file(tmp_path / "replaced", b"", mode=mode)
        with synced_file(tmp_path / "synced", mode=mode):
            pass
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {mode}


def test_a_file_is_never_created_in_place_of_another(tmp_path: Path) -> None:
    create_file(tmp_path / "name", b"first")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "name", b"second")
    with pytest.raises(FileExistsError), synced_file(tmp_path / "name", new=True):
        pass
    assert (tmp_path / "name").read_bytes() == b"first"
    assert _names(tmp_path) == {"name"}


def test_of_many_processes_that_create_one_file_one_wins_with_all_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "name"
    with ExitStack() as stack:
        rivals = [stack.enter_context(child(CREATE, path, letter)) for letter in "abcd"]
        assert [line(rival) for rival in rivals] == ["ready"] * 4
        for rival in rivals:
            go_on(rival)
        ends = [line(rival) for rival in rivals]
    assert sorted(ends) == ["lost", "lost", "lost", "won"]
    assert path.read_bytes() == "abcd"[ends.index("won")].encode() * 100_000
    assert _names(tmp_path) == {"name"}


def test_a_file_that_is_replaced_is_whole_for_readers_and_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "name"
    replace_file(path, b"a" * 300_000)
    for _ in range(3):
        with child(REPLACE, path) as writer:
            assert line(writer) == "ready"
            for _ in range(20):
                assert path.read_bytes() in (b"a" * 300_000, b"b" * 300_000)
        assert path.read_bytes() in (b"a" * 300_000, b"b" * 300_000)
        replace_file(path, b"a" * 300_000)  # what a killed writer left beside it is in nobody's way


def test_a_name_as_long_as_a_file_system_takes_can_be_replaced(tmp_path: Path) -> None:
    replace_file(tmp_path / ("n" * 255), b"bytes")
    assert _names(tmp_path) == {"n" * 255}


def test_a_disk_that_refuses_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "folder", b"bytes")
    assert _names(tmp_path) == {"folder"}
    with pytest.raises(FileNotFoundError):
        create_file(tmp_path / "absent" / "name", b"bytes")


def test_a_folder_is_synced_by_path_or_relative_to_an_open_folder(
    tmp_path: Path, synced: list[tuple[str, set[str]]]
) -> None:
    (tmp_path / "inner").mkdir()
    sync_folder(tmp_path)
    outer = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_folder("inner", inside=outer)
    finally:
        os.close(outer)
    assert synced == [("folder", {"inner"}), ("folder", set())]
    with pytest.raises(NotADirectoryError):
        (tmp_path / "file").touch()
        sync_folder(tmp_path / "file")


def test_a_small_file_is_read_whole_or_refused_and_no_link_is_followed(tmp_path: Path) -> None:
    path, link, pipe = (tmp_path / name for name in ("file", "link", "pipe"))
    path.write_bytes(b"12345")
    link.symlink_to(path)
    os.mkfifo(pipe)
    assert read_small(path, 5) == b"12345"
    for refused, most in ((path, 4), (link, 5), (pipe, 5)):
        with pytest.raises(OSError):
            read_small(refused, most)
