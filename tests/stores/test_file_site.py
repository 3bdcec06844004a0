"""The file site beyond the contract: its folder, what does not belong there, the immutable flag."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clocks import ManualClock
from vanvault.archiver.core.errors import NotFound, SettingsError, SiteUnavailable
from vanvault.archiver.stores import FileSite, Oversize, StoredVersion
from vanvault.archiver.stores.files import walk as file_walk
from vanvault.archiver.stores.files.flags import immutable_supported, is_immutable, set_immutable
from vanvault.archiver.stores.files.root import read_manifest

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
DATA = b"an original message"


def put(site: FileSite, clock: ManualClock, key: str = KEY) -> StoredVersion:
    until = clock.now().replace(microsecond=0) + timedelta(days=10)
    return site.put(key, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)


def data_files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "objects").rglob("*") if path.is_file())


class TestCreateAndOpen:
    def test_a_new_site_describes_itself(self, root: Path, clock: ManualClock) -> None:
        assert json.loads((root / "site.json").read_bytes()) == {
            "format": "vanvault-file-site/1",
            "site": "primary",
            "archive": "test",
            "created": clock.now().isoformat(),
        }
        assert sorted(entry.name for entry in root.iterdir()) == ["objects", "site.json", "tmp"]

    def test_never_over_something_else(self, tmp_path: Path, clock: ManualClock) -> None:
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(SettingsError):
            FileSite.create(tmp_path, "primary", archive="test", clock=clock)
        assert (tmp_path / "notes.txt").read_text() == "mine"

    def test_never_over_a_site(self, root: Path, clock: ManualClock) -> None:
        with pytest.raises(SettingsError):
            FileSite.create(root, "primary", archive="other", clock=clock)
        assert json.loads((root / "site.json").read_bytes())["archive"] == "test"

    def test_again_after_a_crash_half_way(self, tmp_path: Path, clock: ManualClock) -> None:
        (tmp_path / "objects").mkdir()
        (tmp_path / "tmp").mkdir()
        (tmp_path / "tmp" / "site.json.0123").write_text("{")
        FileSite.create(tmp_path, "primary", archive="test", clock=clock)
        site = FileSite(tmp_path, "primary", clock=clock)
        assert list(site.strays()) == []
        site.close()

    def test_a_folder_that_is_not_there_is_an_unavailable_site_and_is_not_made(
        self, tmp_path: Path, clock: ManualClock
    ) -> None:
        with pytest.raises(SiteUnavailable) as caught:
            FileSite(tmp_path / "nowhere", "primary", clock=clock)
        assert not caught.value.may_be_stored
        assert not (tmp_path / "nowhere").exists()

    def test_a_folder_of_another_site_is_refused(self, root: Path, clock: ManualClock) -> None:
        with pytest.raises(SettingsError):
            FileSite(root, "standby", clock=clock)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"format": "vanvault-file-site/2", "site": "primary", "archive": "", "created": ""}',
        ],
    )
    def test_a_description_of_another_format_is_refused(
        self, root: Path, clock: ManualClock, text: str
    ) -> None:
        (root / "site.json").chmod(0o600)
        (root / "site.json").write_text(text)
        with pytest.raises(SettingsError):
            FileSite(root, "primary", clock=clock)

    def test_a_closed_site_says_so(self, root: Path, clock: ManualClock) -> None:
        site = FileSite(root, "primary", clock=clock)
        put(site, clock)
        site.close()
        with pytest.raises(SiteUnavailable):
            site.get(KEY)
        with pytest.raises(SiteUnavailable):
            put(site, clock)


class TestFiles:
    def test_one_read_only_file_for_a_put(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        stored = put(site, clock)
        (file,) = data_files(root)
        assert file.read_bytes() == DATA
        assert stat.S_IMODE(file.stat().st_mode) == 0o440
        assert file.name == f"0000000001-00ff.messages.parquet~{stored.version}"
        assert file.parent == root / "objects" / "batch" / "0abcdefghjkmnpqr" / "~0000000"

    def test_an_extension_adds_an_empty_file(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        stored = put(site, clock)
        later = clock.now().replace(microsecond=0) + timedelta(days=20)
        site.extend(KEY, stored.version, later)
        data, marker = data_files(root)
        assert data.read_bytes() == DATA
        assert marker.name == f"{data.name}~{later:%Y%m%dT%H%M%SZ}"
        assert (marker.stat().st_size, stat.S_IMODE(marker.stat().st_mode)) == (0, 0o440)

    def test_disposal_leaves_nothing_behind(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        stored = put(site, clock)
        site.extend(KEY, stored.version, clock.now().replace(microsecond=0) + timedelta(days=20))
        clock.advance(timedelta(days=21))
        site.delete(KEY, stored.version)
        assert data_files(root) == []

    def test_versions_of_one_instant_sort_by_put(self, site: FileSite, clock: ManualClock) -> None:
        stored = [put(site, clock).version for _ in range(20)]
        assert stored == sorted(stored)

    def test_two_instances_share_a_folder(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        other = FileSite(root, "primary", clock=clock)
        stored = put(other, clock)
        assert site.get(KEY, stored.version) == DATA
        other.close()


class TestStrays:
    def test_none_in_a_site_of_its_own(self, site: FileSite, clock: ManualClock) -> None:
        stored = put(site, clock)
        put(site, clock, "plain")
        site.extend(KEY, stored.version, clock.now().replace(microsecond=0) + timedelta(days=20))
        assert list(site.strays()) == []

    def test_whatever_does_not_fit_is_named_and_not_listed(
        self, root: Path, site: FileSite, clock: ManualClock
    ) -> None:
        stored = put(site, clock)
        (shard,) = (root / "objects").rglob("~0000000")
        orphan = f"0000000001-00fe~{stored.version}~20400101T000000Z"
        (root / "notes.txt").touch()
        (root / "objects" / "file").touch()
        (root / "objects" / "UPPER").mkdir()
        (root / "objects" / "batch" / "x.parquet").touch()
        (shard / "x.parquet").touch()
        (shard / orphan).touch()
        (shard / "0000000").mkdir()
        (shard / f"0000000001-00ff~{stored.version}").symlink_to("/etc/hostname")
        (shard.parent / "~0000001").touch()
        (shard.parent / "link").symlink_to("/etc")
        (root / "tmp" / "0123").mkdir()
        (root / "tmp" / "0123" / "7").touch()
        inside = "objects/batch/0abcdefghjkmnpqr"
        assert [stray.path for stray in site.strays()] == [
            "notes.txt",
            "objects/UPPER/",
            "objects/batch/" + "0abcdefghjkmnpqr/link",
            f"{inside}/~0000000/0000000",
            f"{inside}/~0000000/{orphan}",
            f"{inside}/~0000000/0000000001-00ff~{stored.version}",
            f"{inside}/~0000000/x.parquet",
            f"{inside}/~0000001",
            "objects/batch/x.parquet",
            "objects/file",
            "tmp/0123",
        ]
        assert list(site.list()) == [stored]

    def test_a_file_in_place_of_a_folder_holds_no_versions(
        self, root: Path, site: FileSite, clock: ManualClock
    ) -> None:
        stored = put(site, clock)
        (shard,) = (root / "objects").rglob("~0000000")
        shutil.rmtree(shard)
        shard.touch()
        assert site.versions(stored.key) == list(site.list()) == []
        with pytest.raises(NotFound):
            site.get(stored.key, stored.version)

    def test_a_link_to_a_folder_is_not_followed(self, root: Path, site: FileSite, clock: ManualClock) -> None:
        """It may lead anywhere on the host: to the other site, or to /proc."""
        stored = put(site, clock)
        (shard,) = (root / "objects").rglob("~0000000")
        shutil.copytree(shard, root.parent / "elsewhere" / shard.name)
        (root / "objects" / "batch" / "zlink").symlink_to(root.parent / "elsewhere")
        assert list(site.list()) == [stored]
        assert [stray.path for stray in site.strays()] == ["objects/batch/zlink"]


@pytest.fixture
def hard(root: Path, clock: ManualClock) -> Iterator[FileSite]:
    if not immutable_supported(root):
        pytest.skip("this process may not set the immutable flag here")
    site = FileSite(root, "primary", clock=clock, immutable=True)
    yield site
    site.close()
    for file in data_files(root):
        flag(file, False)


def flag(file: Path, value: bool) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    set_immutable(descriptor, value)
    os.close(descriptor)


def flagged(file: Path) -> bool:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        return is_immutable(descriptor)
    finally:
        os.close(descriptor)


class TestImmutable:
    def test_nobody_changes_or_removes_the_file(self, root: Path, hard: FileSite, clock: ManualClock) -> None:
        put(hard, clock)
        (file,) = data_files(root)
        assert flagged(file)
        for harm in (
            file.unlink,
            lambda: file.rename(file.with_name("other")),
            lambda: file.write_bytes(b"forged"),
            lambda: os.truncate(file, 3),
            lambda: file.chmod(0o777),
            lambda: os.link(file, root / "second"),
        ):
            with pytest.raises(PermissionError):
                harm()
        assert file.read_bytes() == DATA

    def test_extended_under_the_flag_and_gone_after_expiry(
        self, root: Path, hard: FileSite, clock: ManualClock
    ) -> None:
        stored = put(hard, clock)
        hard.extend(KEY, stored.version, clock.now().replace(microsecond=0) + timedelta(days=20))
        assert all(flagged(file) for file in data_files(root))
        clock.advance(timedelta(days=21))
        hard.delete(KEY, stored.version)
        assert data_files(root) == []

    def test_without_the_setting_there_is_no_flag(
        self, root: Path, site: FileSite, clock: ManualClock
    ) -> None:
        put(site, clock)
        assert site.capabilities.lock == "permissions"
        assert not any(flagged(file) for file in data_files(root))

    def test_the_capability_is_honest(self, hard: FileSite) -> None:
        assert hard.capabilities.lock == "immutable-flag"
        assert not hard.capabilities.lock_binds_administrator


def test_the_flag_is_refused_where_it_cannot_be_set(tmp_path: Path, clock: ManualClock) -> None:
    root = Path("/proc/self")  # a file system without flags
    assert not immutable_supported(root)
    assert not immutable_supported(tmp_path / "nowhere")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_in_a_files_place_is_no_version_and_holds_up_nobody(
    root: Path, clock: ManualClock, make: Callable[[Path], None]
) -> None:
    site = FileSite(root, "primary", clock=clock)
    version = put(site, clock)
    (file,) = data_files(root)
    file.unlink()
    make(file)
    for asked in (None, version.version):
        with pytest.raises(NotFound):
            site.get(KEY, asked)
        with pytest.raises(NotFound):
            site.get_range(KEY, 0, 1, asked)
    assert list(site.list()) == []
    site.close()


def test_what_is_longer_than_its_reader_takes_is_not_read(root: Path, clock: ManualClock) -> None:
    site = FileSite(root, "primary", clock=clock)
    put(site, clock)
    assert site.get(KEY, most=len(DATA)) == DATA
    with pytest.raises(Oversize) as refused:
        site.get(KEY, most=len(DATA) - 1)
    assert refused.value.size == len(DATA)
    site.close()


def test_folders_in_folders_without_end_hold_nothing_and_stop_nobody(root: Path, clock: ManualClock) -> None:
    site = FileSite(root, "primary", clock=clock)
    version = put(site, clock)
    at = os.open(root / "objects" / KEY.partition("/")[0], os.O_RDONLY)
    for _ in range(400):
        os.mkdir("a", dir_fd=at)
        below = os.open("a", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    assert list(site.list()) == [version]
    (stray,) = site.strays()
    assert stray.path.endswith("/a/a/")
    site.close()


def test_a_folder_of_too_many_names_is_not_read(
    root: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = FileSite(root, "primary", clock=clock)
    put(site, clock)
    monkeypatch.setattr(file_walk, "MOST_NAMES", 5)
    assert len(list(site.list())) == 1
    for number in range(6):
        (root / "objects" / f"{number}").mkdir()
    with pytest.raises(SiteUnavailable, match="more than 5 names") as caught:
        list(site.list())
    assert "not the archive's" in caught.value.hint
    site.close()


@pytest.mark.parametrize("text", ["[" * 60_000, '{"a":' * 10_000], ids=["lists", "objects"])
def test_a_description_of_a_site_that_nests_without_end_is_none(root: Path, text: str) -> None:
    (root / "site.json").chmod(0o640)
    (root / "site.json").write_text(text)
    with pytest.raises(SettingsError, match="not the description"):
        read_manifest(root)


@pytest.mark.parametrize("where", ["in tmp", "in a folder of tmp", "in place of tmp"])
def test_the_sweep_follows_no_link_out_of_the_site(
    root: Path, tmp_path: Path, clock: ManualClock, where: str
) -> None:
    """Whoever writes at the site could else have the node remove its own keys."""
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "originals-1.key").write_bytes(b"a master key")
    temp = root / "tmp"
    if where == "in place of tmp":
        temp.rmdir()
        temp.symlink_to(keys)
        with pytest.raises(SiteUnavailable):
            FileSite(root, "primary", clock=clock)
    else:
        folder = temp if where == "in tmp" else temp / "left"
        folder.mkdir(exist_ok=True)
        (folder / "link").symlink_to(keys)
        FileSite(root, "primary", clock=clock).close()
        assert list(temp.iterdir()) == []
    assert (keys / "originals-1.key").read_bytes() == b"a master key"


def test_whoever_wants_the_first_key_looks_at_no_other(
    site: FileSite, root: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"batch/0abcdefghjkmnpqr/00000000{n:02d}-00ff.messages.parquet" for n in range(20)]
    for key in reversed(keys):
        put(site, clock, key)
    looked_at = []
    parse = file_walk.parse_file_name

    def counted(name: str, shard: str) -> object:
        looked_at.append(name)
        return parse(name, shard)

    monkeypatch.setattr(file_walk, "parse_file_name", counted)
    listing = site.list("batch/")
    assert next(listing).key == keys[0]
    assert len(looked_at) == 1
    assert [found.key for found in listing] == keys[1:]
