"""One MD5 for all sites, by whoever comes first."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from vanvault.archiver.stores.s3.md5_once import Md5Once


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_many_at_once_agree() -> None:
    once = Md5Once()
    contents = [bytes([number]) * 100_000 for number in range(8)] * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda data: once.of(data, sha256(data)), contents))
    assert found == [md5(data) for data in contents]


def test_a_wrong_one_is_forgotten_on_request() -> None:
    once = Md5Once()
    assert once.of(b"other", sha256(b"data")) == md5(b"other")
    assert once.of(b"data", sha256(b"data")) == md5(b"other")
    once.forget(sha256(b"data"))
    assert once.of(b"data", sha256(b"data")) == md5(b"data")
    once.forget(b"never seen")


def test_a_failure_is_told_and_not_remembered() -> None:
    once = Md5Once()
    with pytest.raises(TypeError):
        once.of("text", sha256(b"data"))  # type: ignore[arg-type]
    assert once.of(b"data", sha256(b"data")) == md5(b"data")


def test_memory_is_bounded() -> None:
    once = Md5Once()
    for number in range(1000):
        once.of(b"%d" % number, sha256(b"%d" % number))
    assert len(once) <= 64


def test_a_suggestion_is_taken_until_it_is_found_wrong() -> None:
    once = Md5Once()
    once.suggest(sha256(b"data"), md5(b"other"))
    once.suggest(sha256(b"data"), md5(b"another"))
    assert once.of(b"data", sha256(b"data")) == md5(b"another")
    once.forget(sha256(b"data"))
    assert once.of(b"data", sha256(b"data")) == md5(b"data")
