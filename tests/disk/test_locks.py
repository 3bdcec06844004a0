"""Locks between processes: one holder, and none that outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.disk.children import HOLD, WAIT, child, line

from vanvault.archiver.disk import lock_descriptor, still_named, take_lock, try_lock


def test_a_lock_held_by_another_process_is_not_given(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with child(HOLD, path) as holder:
        assert line(holder) == "held"
        assert try_lock(path) is None


def test_a_process_that_is_killed_gives_its_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with child(HOLD, path) as holder:
        assert line(holder) == "held"
    lock = try_lock(path)
    assert lock is not None
    lock.release()


def test_a_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with take_lock(path), child(HOLD, path) as other:
        assert line(other) == "taken"
    with child(HOLD, path) as other:
        assert line(other) == "held"


def test_who_waits_gets_the_lock_when_its_holder_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with child(WAIT, path) as waiting:
        with take_lock(path):
            assert line(waiting) == "waits"
            heard: list[str] = []
            reader = threading.Thread(target=lambda: heard.append(line(waiting)))
            reader.start()
            assert heard == []
        reader.join(60)
        assert heard == ["held"]


def test_a_child_that_inherits_the_descriptor_keeps_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = take_lock(path)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.readline()"],
        stdin=subprocess.PIPE,
        pass_fds=(lock.descriptor,),
    ) as heir:
        lock.release()
        assert try_lock(path) is None
        heir.kill()
    with take_lock(path):
        pass


def test_a_lock_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        take_lock(tmp_path / "lock").release()
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_lock_in_a_folder_that_is_not_there_is_an_error_not_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        try_lock(tmp_path / "absent" / "lock")


def test_a_folder_can_be_locked_by_one_opening(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY) for _ in range(2))
    try:
        assert lock_descriptor(first, wait=False)
        assert not lock_descriptor(second, wait=False)
    finally:
        os.close(first)
    try:
        assert lock_descriptor(second, wait=False)
    finally:
        os.close(second)


def test_a_name_that_was_removed_or_given_to_another_no_longer_names_the_open_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w") as file:
        assert still_named(file.fileno(), path)
        path.unlink()
        assert not still_named(file.fileno(), path)
        path.write_text("another")
        assert not still_named(file.fileno(), path)
