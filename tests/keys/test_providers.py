"""What every key provider promises: one suite over key files and over a real PKCS#11 token."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.keys.conftest import ENTROPY, TokenPlace
from tests.servers.softhsm import PIN

from vanvault.archiver.catalogue.hot_tail.file import SEALING_INFO
from vanvault.archiver.catalogue.index.tokens import TOKENS_INFO
from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.core.key_port import NEEDED, PURPOSES, MasterKeys, new_data_key
from vanvault.archiver.core.names import ObjectSubject
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.keys import KeyFiles
from vanvault.archiver.keys.pkcs11.keys import Pkcs11Keys
from vanvault.archiver.keys.pkcs11.session import token_session
from vanvault.archiver.keys.wrapping import WRAPPED_BYTES

CONTEXT = b"here"
SUBJECT = ObjectSubject("7f0e", "batch", "0123456789abcdef", 0, "messages")
DATA_KEY = bytes(range(32))
Open = Callable[[], MasterKeys]


@pytest.fixture(params=["files", "pkcs11"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same keys, made before."""
    if request.param == "files":
        KeyFiles.create(tmp_path / "keys", ENTROPY)
        return lambda: KeyFiles(tmp_path / "keys", ENTROPY)
    place: TokenPlace = request.getfixturevalue("place")
    token = token_session(place.module, place.label, lambda: PIN)
    lock = place.home / "lock"

    def open_keys() -> Pkcs11Keys:
        return Pkcs11Keys(token, "archive-1", ENTROPY, lock=lock, max_age_s=0)

    open_keys().create()
    return open_keys


@pytest.fixture
def keys(again: Open) -> MasterKeys:
    return again()


@pytest.fixture(params=["files", "pkcs11"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> MasterKeys:
    """A provider that holds no key at all."""
    if request.param == "files":
        (tmp_path / "bare").mkdir(mode=0o700)
        return KeyFiles(tmp_path / "bare", ENTROPY)
    place: TokenPlace = request.getfixturevalue("place")
    token = token_session(place.module, place.label, lambda: PIN)
    return Pkcs11Keys(token, "archive-1", ENTROPY, lock=place.home / "lock", max_age_s=0)


@pytest.fixture(params=["files", "pkcs11"])
def without_credentials(request: pytest.FixtureRequest, tmp_path: Path) -> MasterKeys:
    """The keys of an archive from before there were masters of credentials."""
    if request.param == "files":
        KeyFiles.create(tmp_path / "before", ENTROPY)
        (tmp_path / "before" / "credentials-1.key").unlink()
        return KeyFiles(tmp_path / "before", ENTROPY)
    place: TokenPlace = request.getfixturevalue("place")
    token = token_session(place.module, place.label, lambda: PIN)
    keys = Pkcs11Keys(token, "archive-1", ENTROPY, lock=place.home / "lock", max_age_s=0)
    for purpose in NEEDED:
        keys.put(f"{purpose}/1", ENTROPY.token(32))
    return keys


def test_each_purpose_starts_with_its_own_version_1(keys: MasterKeys) -> None:
    for purpose in PURPOSES:
        assert keys.active(purpose) == f"{purpose}/1"
        assert keys.versions(purpose) == [1]


def test_a_purpose_that_came_later_gets_its_first_version_by_a_rotation(
    without_credentials: MasterKeys,
) -> None:
    keys = without_credentials
    assert keys.versions("credentials") == []
    with pytest.raises(KeyUnavailable, match="no master key for credentials") as refused:
        keys.active("credentials")
    assert "keys rotate credentials" in refused.value.hint
    assert keys.rotate("credentials", above=2) == "credentials/3"
    assert keys.rotate("credentials") == "credentials/4"
    assert keys.unwrap("credentials/4", keys.wrap("credentials/4", DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY


def test_a_purpose_that_every_archive_needs_is_never_begun_anew(bare: MasterKeys) -> None:
    with pytest.raises(KeyUnavailable, match="no master key for log"):
        bare.rotate("log")
    assert bare.versions("log") == []


def test_a_wrapped_key_opens_under_its_own_master_only(keys: MasterKeys, again: Open) -> None:
    wrapped = keys.wrap("originals/1", DATA_KEY, CONTEXT)
    assert (len(wrapped), wrapped[0]) == (WRAPPED_BYTES, 1)
    assert again().unwrap("originals/1", wrapped, CONTEXT) == DATA_KEY
    for other in ("log/1", "index/1"):
        with pytest.raises(KeyUnavailable, match="not the one"):
            again().unwrap(other, wrapped, CONTEXT)


def test_one_data_key_never_wraps_to_the_same_bytes(keys: MasterKeys) -> None:
    assert len({keys.wrap("log/1", DATA_KEY, CONTEXT) for _ in range(50)}) == 50


@pytest.mark.parametrize("position", [0, 1, 13, 44, 45, 60])
def test_a_changed_byte_is_refused_and_the_next_key_opens(keys: MasterKeys, position: int) -> None:
    wrapped = bytearray(keys.wrap("log/1", DATA_KEY, CONTEXT))
    whole = bytes(wrapped)
    wrapped[position] ^= 1
    with pytest.raises(KeyUnavailable):
        keys.unwrap("log/1", bytes(wrapped), CONTEXT)
    assert keys.unwrap("log/1", whole, CONTEXT) == DATA_KEY


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_data_keys_have_32_bytes(keys: MasterKeys, size: int) -> None:
    with pytest.raises(KeyUnavailable, match="32 bytes"):
        keys.wrap("log/1", bytes(size), CONTEXT)


def test_after_a_rotation_the_old_version_only_unwraps_and_derives(keys: MasterKeys, again: Open) -> None:
    wrapped, secret = keys.wrap("log/1", DATA_KEY, CONTEXT), keys.derive("log/1", b"use")
    assert again().rotate("log") == "log/2"
    assert (keys.active("log"), keys.active("originals")) == ("log/2", "originals/1")
    assert keys.versions("log") == [1, 2]
    assert keys.unwrap("log/1", wrapped, CONTEXT) == DATA_KEY
    assert keys.derive("log/1", b"use") == secret != keys.derive("log/2", b"use")
    with pytest.raises(KeyUnavailable, match="only unwraps"):
        keys.wrap("log/1", DATA_KEY, CONTEXT)
    with pytest.raises(KeyUnavailable, match="not the one"):
        keys.unwrap("log/2", wrapped, CONTEXT)


def test_versions_count_as_numbers(keys: MasterKeys) -> None:
    assert [keys.rotate("index") for _ in range(2, 12)] == [f"index/{version}" for version in range(2, 12)]
    assert keys.versions("index") == list(range(1, 12))


def test_ids_that_are_on_record_are_skipped(keys: MasterKeys) -> None:
    assert keys.rotate("log", above=4) == "log/5"
    assert keys.rotate("log", above=4) == "log/6"
    assert keys.versions("log") == [1, 5, 6]


def test_of_rotations_at_once_each_makes_its_own_version_or_fails(keys: MasterKeys, again: Open) -> None:
    made: list[str] = []
    refused: list[KeyUnavailable] = []

    def rotate() -> None:
        try:
            made.append(again().rotate("log"))
        except KeyUnavailable as error:
            refused.append(error)

    threads = [threading.Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made
    assert len(made) + len(refused) == 8
    assert keys.versions("log") == list(range(1, len(made) + 2))


def test_new_data_keys_are_fresh_and_under_the_active_master(keys: MasterKeys) -> None:
    keys.rotate("originals")
    made = [new_data_key(keys, SUBJECT, SystemEntropy()) for _ in range(5)]
    assert len({data_key for data_key, _ in made}) == 5
    for data_key, wrapped in made:
        assert wrapped.key_id == "originals/2"
        assert keys.unwrap(wrapped.key_id, wrapped.wrapped, SUBJECT.context) == data_key


@pytest.mark.parametrize("key_id", ["log/2", "originals/999999999"])
def test_a_missing_version_is_named(keys: MasterKeys, key_id: str) -> None:
    wrapped = keys.wrap("log/1", DATA_KEY, CONTEXT)
    for call in (
        lambda: keys.unwrap(key_id, wrapped, CONTEXT),
        lambda: keys.wrap(key_id, DATA_KEY, CONTEXT),
        lambda: keys.derive(key_id, b""),
    ):
        with pytest.raises(KeyUnavailable, match=f"{key_id} is missing"):
            call()


@pytest.mark.parametrize("key_id", ["", "log", "log/0", "log/01", "log/1/2", "other/1", "log/1 wrap"])
def test_no_other_form_of_an_id_is_taken(keys: MasterKeys, key_id: str) -> None:
    with pytest.raises(KeyUnavailable, match="form"):
        keys.unwrap(key_id, bytes(61), CONTEXT)


@pytest.mark.parametrize("length", [1, 31, 32, 33, 64, 100])
def test_a_secret_is_the_start_of_a_longer_one(keys: MasterKeys, length: int) -> None:
    assert keys.derive("index/1", SEALING_INFO, 8160)[:length] == keys.derive("index/1", SEALING_INFO, length)


def test_secrets_differ_by_use_and_by_key_and_stay_the_same(keys: MasterKeys, again: Open) -> None:
    secrets = {
        keys.derive("index/1", TOKENS_INFO),
        keys.derive("index/1", SEALING_INFO),
        keys.derive("log/1", SEALING_INFO),
    }
    assert len(secrets) == 3
    assert again().derive("index/1", TOKENS_INFO) == keys.derive("index/1", TOKENS_INFO)


def test_many_threads_wrap_and_unwrap_at_once(keys: MasterKeys) -> None:
    def round_trip(number: int) -> bool:
        data_key = number.to_bytes(32, "big")
        purpose = PURPOSES[number % 3]
        return keys.unwrap(f"{purpose}/1", keys.wrap(f"{purpose}/1", data_key, CONTEXT), CONTEXT) == data_key

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(round_trip, range(400)))
