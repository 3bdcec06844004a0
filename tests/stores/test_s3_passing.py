"""An object that is put at one S3 site while it comes from another: on real servers."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.harness import s3_site
from tests.servers.endpoint import Endpoint
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores import Incoming, StoredVersion
from vanvault.archiver.stores.s3.disposal import DisposableS3Site
from vanvault.archiver.stores.s3.incoming import PIECE_BYTES, Checked

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
SIZES = [1, 20_000, PIECE_BYTES, PIECE_BYTES + 1, 3_000_000]


@pytest.fixture
def source(endpoint: Endpoint) -> Iterator[DisposableS3Site]:
    found = s3_site(endpoint, endpoint.new_bucket("source"))
    yield found
    found.close()


@pytest.fixture
def target(endpoint: Endpoint) -> Iterator[DisposableS3Site]:
    found = s3_site(endpoint, endpoint.new_bucket("target"))
    yield found
    found.close()


def some_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def put(site: DisposableS3Site, data: bytes) -> StoredVersion:
    until = (site.now() + timedelta(minutes=10)).replace(microsecond=0)
    return site.put(KEY, data, sha256=sha256(data), retain_until=until)


@dataclass
class Spy:
    """An incoming object that notes how it is read, and breaks when it is told to."""

    inner: Incoming
    breaks_after: int | None = None  # bytes
    asked: list[int] = field(default_factory=list)
    found: StoredVersion = field(init=False)
    md5: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.found, self.md5 = self.inner.found, self.inner.md5

    def read_into(self, buffer: memoryview) -> int:
        if self.breaks_after is not None and sum(self.asked) >= self.breaks_after:
            raise SiteUnavailable("it broke", site="source")
        self.asked.append(len(buffer))
        return self.inner.read_into(buffer)

    def __enter__(self) -> Spy:
        return self

    def __exit__(self, *_: Any) -> None:
        """The inner one is left by whoever opened it."""


@pytest.mark.parametrize("size", SIZES)
def test_it_arrives_whole_and_locked(source: DisposableS3Site, target: DisposableS3Site, size: int) -> None:
    data = some_bytes(size)
    stored = put(source, data)
    until = (target.now() + timedelta(minutes=20)).replace(microsecond=0)
    for _ in range(2):  # on the same connections
        with source.open_locked(KEY, stored.version) as incoming:
            assert incoming.found == stored
            spy = Spy(incoming)
            copied = target.put_from(KEY, spy, sha256=sha256(data), retain_until=until)
        assert target.get(KEY, copied.version) == data
        assert (copied.size, copied.retain_until) == (size, until)
        assert target.stat(KEY, copied.version) == copied
        assert max(spy.asked) <= PIECE_BYTES  # no more of it was in memory


@pytest.mark.parametrize("size", SIZES)
def test_other_bytes_than_the_name_promises_are_not_stored(
    source: DisposableS3Site, target: DisposableS3Site, size: int
) -> None:
    stored = put(source, some_bytes(size))
    until = (target.now() + timedelta(minutes=20)).replace(microsecond=0)
    with source.open_locked(KEY, stored.version) as incoming, pytest.raises(SiteUnavailable) as caught:
        target.put_from(KEY, incoming, sha256=sha256(b"other"), retain_until=until)
    assert not caught.value.may_be_stored
    assert target.versions(KEY) == []
    assert put(target, b"the next request").size == 16


@pytest.mark.parametrize("at", [0, 1, 2 * PIECE_BYTES])
def test_what_breaks_off_is_not_stored(source: DisposableS3Site, target: DisposableS3Site, at: int) -> None:
    data = some_bytes(3_000_000)
    stored = put(source, data)
    until = (target.now() + timedelta(minutes=20)).replace(microsecond=0)
    with source.open_locked(KEY, stored.version) as incoming, pytest.raises(SiteUnavailable):
        target.put_from(KEY, Spy(incoming, breaks_after=at), sha256=sha256(data), retain_until=until)
    assert target.versions(KEY) == []
    assert source.get(KEY, stored.version) == data


def test_one_that_nobody_read_leaves_its_connection_as_none_for_others(source: DisposableS3Site) -> None:
    data = some_bytes(3_000_000)
    stored = put(source, data)
    with source.open_locked(KEY, stored.version) as incoming:
        assert incoming.found == stored
    assert source.get(KEY, stored.version) == data


def test_without_its_md5_or_beyond_one_put_it_is_not_tried(
    endpoint: Endpoint, source: DisposableS3Site, target: DisposableS3Site
) -> None:
    data = some_bytes(30_000)
    stored = put(source, data)
    until = (target.now() + timedelta(minutes=20)).replace(microsecond=0)
    small = s3_site(endpoint, endpoint.new_bucket("small"), options=S3Options(max_single_put_bytes=20_000))
    with source.open_locked(KEY, stored.version) as incoming:
        unknown = Spy(incoming)
        unknown.md5 = b""
        for site, given in ((target, unknown), (small, Spy(incoming))):
            with pytest.raises(SiteUnavailable):
                site.put_from(KEY, given, sha256=sha256(data), retain_until=until)
            assert not given.asked
            assert site.versions(KEY) == []
    small.close()


def test_a_wrong_md5_is_found_by_the_server(source: DisposableS3Site, target: DisposableS3Site) -> None:
    data = some_bytes(30_000)
    stored = put(source, data)
    until = (target.now() + timedelta(minutes=20)).replace(microsecond=0)
    with source.open_locked(KEY, stored.version) as incoming:
        wrong = Spy(incoming)
        wrong.md5 = bytes(16)
        with pytest.raises(SiteUnavailable):
            target.put_from(KEY, wrong, sha256=sha256(data), retain_until=until)
    assert target.versions(KEY) == []


class Held:
    """An incoming object that lies in memory; it may be shorter than it says."""

    md5 = bytes(16)

    def __init__(self, data: bytes, missing: int = 0) -> None:
        self.found = StoredVersion(KEY, "v1", len(data) + missing, None, datetime.now(UTC))
        self._data = data

    def read_into(self, buffer: memoryview) -> int:
        piece, self._data = self._data[: len(buffer)], self._data[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: Any) -> None:
        """Holds nothing."""


def taken(checked: Checked) -> bytes:
    """What was sent before it broke off."""
    sent = b""
    with pytest.raises(ValueError):
        for piece in checked:
            sent += bytes(piece)
    assert not checked.whole
    return sent


def test_the_last_piece_is_held_back_until_all_are_right() -> None:
    data = some_bytes(2 * PIECE_BYTES + 5)
    assert taken(Checked(Held(data), sha256(b"other"))) == data[: 2 * PIECE_BYTES]
    right = Checked(Held(data), sha256(data))
    assert b"".join(map(bytes, right)) == data
    assert right.whole


def test_what_ends_too_early_is_not_whole() -> None:
    data = some_bytes(PIECE_BYTES)
    assert taken(Checked(Held(data, missing=1), sha256(data))) == data


def test_an_empty_object_has_a_digest_too() -> None:
    assert list(Checked(Held(b""), sha256(b""))) == []
    assert taken(Checked(Held(b""), sha256(b"other"))) == b""
