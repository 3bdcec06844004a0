"""One contract for all index stores, and what is special to each."""

from __future__ import annotations

import io
import os
import stat
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
from tests.catalogue.index.making import DAY_US, Folder, answer, brute_rows, row
from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import Fault, fault_proxy

from vanvault.archiver.catalogue.index.file import BlockCache
from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.catalogue.index.local_cache import LocalCache
from vanvault.archiver.catalogue.index.reader import IndexReader
from vanvault.archiver.catalogue.index.s3_store import S3Store
from vanvault.archiver.catalogue.index.store import IndexStore, StoredFile
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound, SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores import Credentials, S3Url


@dataclass(frozen=True)
class Bucket:
    """A fresh bucket without locks."""

    endpoint: Endpoint
    name: str

    def store(self, cache: Path, *, cache_bytes: int = 2**20, secret: str = "") -> S3Store:
        credentials = Credentials(self.endpoint.access_key, secret or self.endpoint.secret_key)
        url = S3Url(self.endpoint.url, self.name)
        options = S3Options(page=2, attempts=1)
        return S3Store(url, credentials, cache, options=options, cache_bytes=cache_bytes)


@pytest.fixture
def bucket(minio_a: Endpoint) -> Bucket:
    name = f"index-{uuid.uuid4().hex[:12]}"
    minio_a.client().create_bucket(Bucket=name)
    return Bucket(minio_a, name)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> IndexStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    made: Bucket = request.getfixturevalue("bucket")
    return made.store(tmp_path / "cache")


@pytest.fixture
def source(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "source"
        path.write_bytes(data)
        return path

    return write


def test_what_is_put_is_read_back_in_ranges(store: IndexStore, source: Callable[[bytes], Path]) -> None:
    data = os.urandom(5000)
    store.put("day/one.index", source(data))
    file = store.open("day/one.index")
    assert file.size == store.size("day/one.index") == 5000
    for offset, length in ((0, 5000), (10, 20), (4990, 50), (0, 0), (5000, 10)):
        assert file.read(offset, length) == data[offset : offset + length]
        for _ in range(2):
            assert file.read(offset, length, keep=True) == data[offset : offset + length]
    mapped = store.map("day/one.index")
    assert mapped.view == data
    file.close()
    mapped.close()


def test_an_empty_file(store: IndexStore, source: Callable[[bytes], Path]) -> None:
    store.put("empty", source(b""))
    assert store.size("empty") == 0
    assert store.open("empty").read(0, 10) == b""
    assert bytes(store.map("empty").view) == b""


def test_listings_are_sorted_and_filtered(store: IndexStore, source: Callable[[bytes], Path]) -> None:
    assert list(store.list()) == []
    for name in ("year/b", "day/2", "day/1", "day/10.filter", "dayly"):
        store.put(name, source(name.encode()))
    assert [one.name for one in store.list()] == ["day/1", "day/10.filter", "day/2", "dayly", "year/b"]
    assert list(store.list("day/1")) == [StoredFile("day/1", 5), StoredFile("day/10.filter", 13)]
    assert list(store.list("no")) == []


def test_deleted_files_are_gone_and_deleting_again_is_no_error(
    store: IndexStore, source: Callable[[bytes], Path]
) -> None:
    store.put("a/b", source(b"x"))
    store.map("a/b")
    for _ in range(2):
        store.delete("a/b")
    for ask in (store.open, store.map, store.size):
        with pytest.raises(NotFound, match="a/b"):
            ask("a/b")
    assert list(store.list()) == []


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/../b", "A", "a\0"])
def test_names_outside_the_grammar_are_refused(
    store: IndexStore, source: Callable[[bytes], Path], name: str
) -> None:
    for ask in (lambda: store.put(name, source(b"x")), lambda: store.open(name), lambda: store.delete(name)):
        with pytest.raises(InvalidInput):
            ask()


def test_a_file_that_the_store_refuses_is_damaged_where_it_gives_others(
    bucket: Bucket, tmp_path: Path, source: Callable[[bytes], Path]
) -> None:
    """As MinIO does with bytes that rotted. Left as an outage, it would stop every fold of every node."""
    with fault_proxy(bucket.endpoint.url) as proxy:
        store = replace(bucket, endpoint=replace(bucket.endpoint, url=proxy.url)).store(tmp_path / "cache")
        for name in ("day/a", "day/b"):
            store.put(name, source(name.encode()))
        proxy.script(Fault.ERROR_500, method="GET", path="day/a", times=1_000)
        with pytest.raises(Damaged) as caught:
            store.fetch("day/a", 0, 1)
        assert caught.value.key == "day/a"
        assert store.fetch("day/b", 0, 1) == b"d"
        proxy.clear()
        proxy.script(Fault.ERROR_500, method="GET", path="day/", times=1_000)
        with pytest.raises(SiteUnavailable):
            store.fetch("day/a", 0, 1)
        proxy.clear()
        proxy.script(Fault.ERROR_500, method="GET", path="day/a", times=1)
        assert store.fetch("day/a", 0, 1) == b"d"


def test_the_whole_index_works_on_any_store(store: IndexStore, tmp_path: Path) -> None:
    segments = {
        f"s{day}": [row(day * 300 + n, day * DAY_US + n, employer_code=f"E{n % 7}") for n in range(300)]
        for day in range(3)
    }
    folder = Folder(tmp_path, store, BlockCache(0))
    files = [folder.build({key: rows}) for key, rows in segments.items()]
    for chosen in (files, [folder.merge(files)]):
        reader = IndexReader([folder.open(one.name) for one in chosen])
        assert answer(reader.rows("employer_code", "E3")) == brute_rows(segments, "employer_code", "E3")
        assert answer(reader.claims("message", "m-333")) == {"s1": [33]}
        assert not reader.claims("message", "m-900")
        for one in reader.files:
            one.close()


def test_a_file_deleted_while_it_is_open_says_so_or_goes_on(store: IndexStore, tmp_path: Path) -> None:
    folder = Folder(tmp_path, store, BlockCache(0))
    file = folder.build({"s": [row(1, 1)]})
    store.delete(file.name)
    try:
        found = answer(IndexReader([file]).rows("message_id", "m-1"))
    except NotFound as error:
        assert "deleted while in use" in error.message
    else:
        assert found == {"s": [0]}


def test_a_folder_is_private_and_a_failed_put_leaves_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    with pytest.raises(SiteUnavailable):
        store.put("a/b", tmp_path / "missing")
    assert [path.name for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SiteUnavailable):
        FolderStore(tmp_path / "file")
    with pytest.raises(InvalidInput):
        store.open(".drafts/x")


class LeavingSource(io.BytesIO):
    """A file during whose copying the folder of a site goes away."""

    def __init__(self, site: Path, aside: Path) -> None:
        super().__init__(b"x")
        self._site, self._aside = site, aside

    def open(self, mode: str) -> LeavingSource:
        assert mode == "rb"
        return self

    def read(self, size: int | None = -1, /) -> bytes:
        if self._site.exists():
            self._site.rename(self._aside)
        return super().read(size)


@pytest.mark.parametrize("name", ["directory.json", "b/2026-11-30.idx"])
def test_a_site_that_goes_away_during_a_put_is_not_made_anew(tmp_path: Path, name: str) -> None:
    site, aside = tmp_path / "sites" / "standby", tmp_path / "aside"
    site.mkdir(parents=True)
    store = FolderStore(site / "index", own=False)
    with pytest.raises(SiteUnavailable):
        store.put(name, cast(Path, LeavingSource(site, aside)))
    assert not site.exists()
    assert aside.is_dir()


@pytest.mark.parametrize("wrong", ["secret", "bucket"])
def test_wrong_credentials_and_a_missing_bucket_are_told(bucket: Bucket, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "source").write_bytes(b"x")
    where = Bucket(bucket.endpoint, "nowhere") if wrong == "bucket" else bucket
    store = where.store(tmp_path / "cache", secret="wrong" if wrong == "secret" else "")
    for ask in (
        lambda: store.size("a"),
        lambda: store.map("a"),
        lambda: list(store.list()),
        lambda: store.put("a", tmp_path / "source"),
        lambda: store.delete("a"),
    ):
        with pytest.raises(SiteUnavailable):
            ask()


def test_a_process_that_comes_later_reads_ends_and_filters_from_local_disk(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Folder(tmp_path, bucket.store(tmp_path / "cache"))
    name = first.build({"s": [row(1, 1)]}).name
    later = bucket.store(tmp_path / "cache")
    fetched: list[tuple[int, int]] = []
    fetch = later.fetch
    monkeypatch.setattr(later, "fetch", lambda one, *place: (fetched.append(place), fetch(one, *place))[1])
    file = Folder(tmp_path, later).open(name)
    assert fetched == []
    assert answer(IndexReader([file]).claims("message", "m-1")) == {"s": [0]}
    assert len(fetched) == 1


def test_damaged_local_copies_are_fetched_again(bucket: Bucket, tmp_path: Path) -> None:
    folder = Folder(tmp_path, bucket.store(tmp_path / "cache"))
    name = folder.build({"s": [row(1, 1)]}).name
    copies = list((tmp_path / "cache").iterdir())
    assert len(copies) == 3
    for copy in copies:
        copy.write_bytes(b"?" * copy.stat().st_size)
    assert answer(IndexReader([folder.open(name)]).claims("message", "m-1")) == {"s": [0]}


def test_the_local_copies_stay_within_their_limit(tmp_path: Path) -> None:
    cache = LocalCache(tmp_path / "cache", 1000)
    kept = [cache.whole(f"n{number}", lambda path: path.write_bytes(b"x" * 400)) for number in range(5)]
    assert all(bytes(one.view) == b"x" * 400 for one in kept)
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 1000
    large = cache.whole("large", lambda path: path.write_bytes(b"y" * 4000))
    assert len(large.view) == 4000
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert cache.part("p", 0, 3, lambda: b"abc") == b"abc"
    assert cache.part("p", 0, 3, lambda: b"not asked") == b"abc"
    cache.forget("p")
    assert cache.part("p", 0, 3, lambda: b"new") == b"new"
