"""Every step of a put fails or is killed: what is acknowledged is whole, and what is not never half there."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clocks import ManualClock
from vanvault.archiver.core.errors import SiteFull, SiteUnavailable
from vanvault.archiver.stores import FileSite, StoredVersion

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
DATA = os.urandom(100_000)
BEFORE_LINK = ("before-write", "after-write", "before-link")
AFTER_LINK = ("after-link", "before-folder-fsync", "after-folder-fsync")


def put(site: FileSite, clock: ManualClock, data: bytes = DATA) -> StoredVersion:
    until = clock.now().replace(microsecond=0) + timedelta(days=3660)
    return site.put(KEY, data, sha256=hashlib.sha256(data).digest(), retain_until=until)


def failing_at(step: str, error: OSError) -> Callable[[str], None]:
    def fault(reached: str) -> None:
        if reached == step:
            raise error

    return fault


def temporary_files(root: Path) -> list[Path]:
    return [path for path in (root / "tmp").rglob("*") if path.is_file()]


def in_child(action: Callable[[], None]) -> int:
    """Run ``action`` in a child process; its wait status."""
    pid = os.fork()
    if not pid:
        try:
            action()
        finally:
            os._exit(70)
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize("step", BEFORE_LINK)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_before_the_link(root: Path, clock: ManualClock, step: str, code: int) -> None:
    site = FileSite(root, "primary", clock=clock, fault=failing_at(step, OSError(code, os.strerror(code))))
    with pytest.raises(SiteFull) as caught:
        put(site, clock)
    assert not caught.value.may_be_stored
    assert site.versions(KEY) == []
    assert temporary_files(root) == []


@pytest.mark.parametrize("step", BEFORE_LINK)
@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EIO, errno.ENOENT])
def test_broken_before_the_link(root: Path, clock: ManualClock, step: str, code: int) -> None:
    site = FileSite(root, "primary", clock=clock, fault=failing_at(step, OSError(code, os.strerror(code))))
    with pytest.raises(SiteUnavailable) as caught:
        put(site, clock)
    assert not isinstance(caught.value, SiteFull)
    assert not caught.value.may_be_stored
    assert caught.value.hint
    assert site.versions(KEY) == []
    assert temporary_files(root) == []


@pytest.mark.parametrize("step", AFTER_LINK)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_broken_after_the_link(root: Path, clock: ManualClock, step: str, code: int) -> None:
    site = FileSite(root, "primary", clock=clock, fault=failing_at(step, OSError(code, os.strerror(code))))
    with pytest.raises(SiteUnavailable) as caught:
        put(site, clock)
    assert not isinstance(caught.value, SiteFull)
    assert caught.value.may_be_stored
    assert site.get(KEY) == DATA


@pytest.mark.parametrize("step", BEFORE_LINK + AFTER_LINK)
def test_a_put_that_is_killed_is_whole_or_not_there(root: Path, clock: ManualClock, step: str) -> None:
    def die(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def child() -> None:
        put(FileSite(root, "primary", clock=clock, fault=die), clock)

    assert os.WTERMSIG(in_child(child)) == signal.SIGKILL
    site = FileSite(root, "primary", clock=clock)
    found = list(site.list())
    assert len(found) == (step in AFTER_LINK)
    for version in found:
        assert site.get(KEY, version.version) == DATA
        assert version.retain_until is not None
        assert version.retain_until > clock.now() + timedelta(days=3650)
        assert os.stat(next(root.glob(f"objects/**/*~{version.version}"))).st_nlink == 1
    assert temporary_files(root) == []
    assert list(site.strays()) == []
    assert site.get(KEY, put(site, clock).version) == DATA


def test_the_sweep_leaves_a_running_writer_alone(root: Path, clock: ManualClock) -> None:
    def open_another(reached: str) -> None:
        if reached == "before-link":
            other = FileSite(root, "primary", clock=clock)
            assert list(other.strays()) == []
            other.close()

    site = FileSite(root, "primary", clock=clock, fault=open_another)
    assert site.get(KEY, put(site, clock).version) == DATA


def test_a_short_write_is_noticed(root: Path, clock: ManualClock) -> None:
    """A limit on file size lets the first write through in part, as a full disk does."""

    def child() -> None:
        site = FileSite(root, "primary", clock=clock)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(DATA) // 2, len(DATA) // 2))
        try:
            put(site, clock)
        except SiteFull:
            os._exit(0 if temporary_files(root) == [] and site.versions(KEY) == [] else 1)

    assert os.waitstatus_to_exitcode(in_child(child)) == 0


class TestRootGone:
    def test_a_folder_that_was_removed_is_an_unavailable_site(
        self, root: Path, site: FileSite, clock: ManualClock
    ) -> None:
        stored = put(site, clock)
        shutil.rmtree(root)
        with pytest.raises(SiteUnavailable) as caught:
            put(site, clock)
        assert not caught.value.may_be_stored
        for read in (
            lambda: site.get(KEY),
            lambda: site.get(KEY, stored.version),
            lambda: site.versions(KEY),
            lambda: list(site.list()),
            lambda: list(site.strays()),
            site.now,
        ):
            with pytest.raises(SiteUnavailable):
                read()
        with pytest.raises(SiteUnavailable):
            site.extend(KEY, stored.version, clock.now().replace(microsecond=0) + timedelta(days=9999))
        assert not root.exists()

    def test_swapped_for_an_empty_site(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        put(site, clock)
        root.rename(root.with_name("moved"))
        FileSite.create(root, "primary", archive="test", clock=clock)
        with pytest.raises(SiteUnavailable) as caught:
            put(site, clock)
        assert not caught.value.may_be_stored
        assert list(root.glob("objects/*")) == []

    def test_swapped_in_the_middle_of_a_put(self, root: Path, clock: ManualClock) -> None:
        def swap(reached: str) -> None:
            if reached == "after-folder-fsync":
                root.rename(root.with_name("moved"))
                root.mkdir()

        with pytest.raises(SiteUnavailable) as caught:
            put(FileSite(root, "primary", clock=clock, fault=swap), clock)
        assert caught.value.may_be_stored

    @pytest.mark.parametrize("read", ["list", "strays"])
    def test_swapped_in_the_middle_of_a_listing(
        self, root: Path, site: FileSite, clock: ManualClock, read: str
    ) -> None:
        """An end that came because the folder went away is not an end: what follows is not gone."""
        put(site, clock)
        (root / "notes.txt").touch()
        listing = getattr(site, read)()
        next(listing)
        root.rename(root.with_name("moved"))
        FileSite.create(root, "primary", archive="test", clock=clock)
        with pytest.raises(SiteUnavailable):
            list(listing)

    def test_a_folder_of_objects_gone(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        put(site, clock)
        shutil.rmtree(root / "objects" / "batch")
        with pytest.raises(SiteUnavailable) as caught:
            put(site, clock)
        assert not caught.value.may_be_stored

    def test_all_objects_gone(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        shutil.rmtree(root / "objects")
        (root / "objects").mkdir()
        with pytest.raises(SiteUnavailable) as caught:
            put(site, clock)
        assert not caught.value.may_be_stored
        assert list(root.glob("objects/*")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "vanvault-test", str(folder)], check=False
    )
    if made.returncode:
        pytest.skip("this process may not mount a file system; the fault hook covers the same errors")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, clock: ManualClock) -> None:
    root = small_disk / "site"
    FileSite.create(root, "primary", archive="test", clock=clock)
    site = FileSite(root, "primary", clock=clock)
    stored: list[StoredVersion] = []
    with pytest.raises(SiteFull):
        stored.extend(put(site, clock) for _ in range(10))
    assert stored
    assert [version.version for version in reversed(stored)] == [v.version for v in site.versions(KEY)]
    assert all(site.get(KEY, version.version) == DATA for version in stored)
    assert temporary_files(root) == []
    site.close()


def test_a_disk_that_is_really_read_only(small_disk: Path, clock: ManualClock) -> None:
    root = small_disk / "site"
    FileSite.create(root, "primary", archive="test", clock=clock)
    site = FileSite(root, "primary", clock=clock)
    stored = put(site, clock)
    site.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    reader = FileSite(root, "primary", clock=clock)
    assert reader.get(KEY, stored.version) == DATA
    with pytest.raises(SiteUnavailable) as caught:
        put(reader, clock)
    assert not caught.value.may_be_stored
    assert "read-only" in caught.value.message.lower()
    reader.close()
