"""Master keys in files: made once, rotated without rewriting, refused when they are not right."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from vanvault.archiver.catalogue.hot_tail.file import SEALING_INFO
from vanvault.archiver.catalogue.index.tokens import TOKENS_INFO
from vanvault.archiver.core.errors import KeyUnavailable, SettingsError
from vanvault.archiver.core.key_port import PURPOSES, WrappedKey, new_data_key
from vanvault.archiver.core.names import ObjectSubject
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles

ENTROPY = SystemEntropy()
CONTEXT = b"here"
SUBJECT = ObjectSubject("7f0e", "batch", "0123456789abcdef", 0, "messages")
DATA_KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path) -> KeyFiles:
    return KeyFiles.create(folder, ENTROPY)


def test_create_makes_one_closed_file_for_each_purpose(keys: KeyFiles, folder: Path) -> None:
    names = ["credentials-1.key", "index-1.key", "log-1.key", "originals-1.key"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    for purpose in PURPOSES:
        assert keys.active(purpose) == f"{purpose}/1"
        assert keys.versions(purpose) == [1]


def test_the_mode_is_right_under_any_umask(folder: Path) -> None:
    previous = os.umask(0)
    try:
        KeyFiles.create(folder, ENTROPY)
    finally:
        os.umask(previous)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_create_never_touches_keys_that_are_there(keys: KeyFiles, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SettingsError, match="not touched"):
        KeyFiles.create(folder, ENTROPY)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_keys_outlive_the_process_and_differ_by_purpose(keys: KeyFiles, folder: Path) -> None:
    wrapped = keys.wrap("originals/1", DATA_KEY, CONTEXT)
    again = KeyFiles(folder, ENTROPY)
    assert again.unwrap("originals/1", wrapped, CONTEXT) == DATA_KEY
    for other in ("log/1", "index/1"):
        with pytest.raises(KeyUnavailable):
            again.unwrap(other, wrapped, CONTEXT)


def test_one_data_key_never_wraps_to_the_same_bytes(keys: KeyFiles) -> None:
    assert len({keys.wrap("log/1", DATA_KEY, CONTEXT) for _ in range(50)}) == 50


def test_rotation_rewrites_nothing_and_the_old_version_only_unwraps(keys: KeyFiles, folder: Path) -> None:
    wrapped = keys.wrap("log/1", DATA_KEY, CONTEXT)
    secret = keys.derive("log/1", b"use")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert keys.rotate("log") == "log/2"
    assert keys.active("log") == "log/2"
    assert keys.active("originals") == "originals/1"
    assert keys.versions("log") == [1, 2]
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert after.pop("log-2.key")
    assert after == before
    assert keys.unwrap("log/1", wrapped, CONTEXT) == DATA_KEY
    assert keys.derive("log/1", b"use") == secret
    with pytest.raises(KeyUnavailable, match="only unwraps"):
        keys.wrap("log/1", DATA_KEY, CONTEXT)


def test_versions_count_as_numbers(keys: KeyFiles) -> None:
    for version in range(2, 12):
        assert keys.rotate("index") == f"index/{version}"
    assert keys.versions("index") == list(range(1, 12))


def test_a_version_that_another_process_made_is_used_at_once(keys: KeyFiles, folder: Path) -> None:
    other = KeyFiles(folder, ENTROPY)
    for version in range(2, 30):  # faster than the file system's clock ticks
        other.rotate("log")
        assert keys.active("log") == f"log/{version}"
    wrapped = other.wrap("log/29", DATA_KEY, CONTEXT)
    assert keys.unwrap("log/29", wrapped, CONTEXT) == DATA_KEY


def test_of_two_rotations_at_once_each_makes_its_own_version_or_fails(keys: KeyFiles, folder: Path) -> None:
    made: list[str] = []
    refused: list[KeyUnavailable] = []

    def rotate() -> None:
        try:
            made.append(KeyFiles(folder, ENTROPY).rotate("log"))
        except KeyUnavailable as error:
            refused.append(error)

    threads = [threading.Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) + len(refused) == 8
    assert keys.versions("log") == list(range(1, len(made) + 2))
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_rotation_between_two_calls_does_not_fail_a_new_data_key(keys: KeyFiles, folder: Path) -> None:
    other = KeyFiles(folder, ENTROPY)

    class Provider(KeyFiles):
        rotations = 1

        def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
            if self.rotations:
                self.rotations -= 1
                other.rotate("log")
            return super().wrap(key_id, data_key, context)

    subject = replace(SUBJECT, kind="events")
    data_key, wrapped = new_data_key(Provider(folder, ENTROPY), subject, ENTROPY)
    assert wrapped.key_id == "log/2"
    assert keys.unwrap(wrapped.key_id, wrapped.wrapped, subject.context) == data_key


def test_new_data_keys_are_fresh_and_under_the_active_master(keys: KeyFiles) -> None:
    made = [new_data_key(keys, SUBJECT, ENTROPY) for _ in range(5)]
    assert len({data_key for data_key, _ in made}) == 5
    for data_key, wrapped in made:
        assert isinstance(wrapped, WrappedKey)
        assert wrapped.key_id == "originals/1"
        assert keys.unwrap(wrapped.key_id, wrapped.wrapped, SUBJECT.context) == data_key


def test_a_missing_version_is_named(keys: KeyFiles, folder: Path) -> None:
    wrapped = keys.wrap("log/1", DATA_KEY, CONTEXT)
    keys.rotate("log")
    (folder / "log-1.key").unlink()
    for provider in (keys, KeyFiles(folder, ENTROPY)):
        with pytest.raises(KeyUnavailable, match="log/1 is missing"):
            provider.unwrap("log/1", wrapped, CONTEXT)
        assert provider.active("log") == "log/2"


def test_a_key_that_vanished_from_disk_wraps_nothing_more(keys: KeyFiles, folder: Path) -> None:
    """Data under a key that only this process remembers would be lost with it."""
    (folder / "log-1.key").unlink()
    with pytest.raises(KeyUnavailable, match="no master key for log"):
        keys.active("log")
    with pytest.raises(KeyUnavailable, match="missing"):
        keys.wrap("log/1", DATA_KEY, CONTEXT)
    with pytest.raises(KeyUnavailable):
        keys.rotate("log")


def test_a_folder_that_vanished_is_an_error_at_each_call(keys: KeyFiles, folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    calls = (
        lambda: keys.active("log"),
        lambda: keys.wrap("log/1", DATA_KEY, CONTEXT),
        lambda: keys.versions("log"),
    )
    for call in calls:
        with pytest.raises(KeyUnavailable, match="folder"):
            call()
    folder.with_name("away").rename(folder)
    assert keys.active("log") == "log/1"


def _tampered(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "check value"),
        ({"key": "AAAA"}, "check value"),
        ({"check": "0011223344556677"}, "check value"),
        ({"check": 5}, "check value"),
        ({"key": "not base64!"}, "not a key file"),
        ({"key": None}, "not a key file"),
        ({"key_id": "log/2"}, "another key"),
        ({"format": "vanvault-master-key-9"}, "format"),
    ],
)
def test_a_wrong_file_is_known_when_it_is_read(
    keys: KeyFiles, folder: Path, changes: dict[str, object], message: str
) -> None:
    _tampered(folder / "log-1.key", **changes)
    with pytest.raises(KeyUnavailable, match=message):
        KeyFiles(folder, ENTROPY)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff\xfe", b"{" * 100_000, b"[" * 60_000])
def test_a_file_that_holds_something_else_is_refused(keys: KeyFiles, folder: Path, data: bytes) -> None:
    (folder / "log-1.key").write_bytes(data)
    with pytest.raises(KeyUnavailable):
        KeyFiles(folder, ENTROPY)


def test_swapped_files_are_refused(keys: KeyFiles, folder: Path) -> None:
    log, originals = (folder / "log-1.key").read_bytes(), (folder / "originals-1.key").read_bytes()
    (folder / "log-1.key").write_bytes(originals)
    (folder / "originals-1.key").write_bytes(log)
    with pytest.raises(KeyUnavailable, match="another key"):
        KeyFiles(folder, ENTROPY)


def test_a_file_that_goes_bad_takes_only_its_own_key_away(keys: KeyFiles, folder: Path) -> None:
    wrapped = keys.wrap("originals/1", DATA_KEY, CONTEXT)
    (folder / "log-1.key").write_bytes(b"")
    assert keys.unwrap("originals/1", wrapped, CONTEXT) == DATA_KEY
    with pytest.raises(KeyUnavailable, match=r"log-1\.key is not a key file"):
        keys.wrap("log/1", DATA_KEY, CONTEXT)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_files_open_to_others_are_refused(keys: KeyFiles, folder: Path, mode: int) -> None:
    (folder / "log-1.key").chmod(mode)
    with pytest.raises(KeyUnavailable, match="open to other users") as caught:
        KeyFiles(folder, ENTROPY)
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_a_folder_open_to_others_is_refused(keys: KeyFiles, folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(SettingsError, match="open to other users"):
        KeyFiles(folder, ENTROPY)
    with pytest.raises(SettingsError, match="open to other users"):
        KeyFiles.create(folder, ENTROPY)


def test_a_folder_that_is_not_there_or_no_folder_is_a_setting_to_mend(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        KeyFiles(tmp_path / "nothing", ENTROPY)
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o600)
    for call in (KeyFiles, KeyFiles.create):
        with pytest.raises(SettingsError):
            call(tmp_path / "file", ENTROPY)


def test_other_files_in_the_folder_do_not_matter(keys: KeyFiles, folder: Path) -> None:
    for name in ("server.key", "log-01.key", "log-1.key.bak", ".log-2.key.0011", "README"):
        (folder / name).write_text("x")
    assert keys.versions("log") == [1]
    assert KeyFiles(folder, ENTROPY).active("log") == "log/1"


def test_no_error_and_no_text_of_a_provider_holds_a_key(keys: KeyFiles, folder: Path) -> None:
    secret = json.loads((folder / "log-1.key").read_text())["key"]
    assert secret not in repr(keys) + repr(vars(keys))
    _tampered(folder / "log-1.key", check="00")
    with pytest.raises(KeyUnavailable) as caught:
        KeyFiles(folder, ENTROPY)
    assert secret not in str(caught.value) + caught.value.hint


def test_secrets_of_the_index_and_of_the_hot_tail_are_two(keys: KeyFiles) -> None:
    index, hot_tail = keys.derive("index/1", TOKENS_INFO), keys.derive("index/1", SEALING_INFO)
    assert len(index) == len(hot_tail) == 32
    assert index != hot_tail
    assert hot_tail == keys.derive("index/1", SEALING_INFO, 32)
    assert keys.derive("index/1", SEALING_INFO, 48)[:32] == hot_tail
